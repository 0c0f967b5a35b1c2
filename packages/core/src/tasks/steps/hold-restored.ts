import type { SendReason } from '../../draft/send-state.ts'
import { applySendEvent, openSends, setSendFacts } from '../../storage/sends.ts'
import type { Write } from '../../storage/store.ts'

export const restoredCode = 'RESTORED'

const restored: SendReason = {
  code: restoredCode,
  message: 'the data was restored from a backup: it may have been sent since the backup was made',
}

/** Whatever was still to be sent when the backup was made may be sent long since: none of it goes without a word of the user. */
export async function holdRestored(write: Write, now: number): Promise<void> {
  for (const { id } of await openSends(write.db, null)) {
    // What was on the wire is off it, as after a crash.
    await applySendEvent(write, id, { type: 'recovered' }, now)
    await applySendEvent(write, id, { type: 'held', reason: restored }, now)
    await setSendFacts(write, id, { restoredAt: now }, now)
  }
}
