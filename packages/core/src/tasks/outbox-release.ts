import type { AccountId } from '../ids.ts'
import { applySendEvent, openSends } from '../storage/sends.ts'
import { restoredCode } from './steps/hold-restored.ts'
import { sendFollowUps } from './steps/send-follow-ups.ts'
import type { FollowUp, LocalTask } from './task.ts'

export interface OutboxRelease {
  readonly accountId: AccountId
}

/** The user says go to what a restored backup holds: each at its time, after a look into Drafts and Sent. */
export const outboxRelease: LocalTask<OutboxRelease, { readonly released: number }> = {
  name: 'outbox_release',
  async plan({ write, now }, { accountId }) {
    const open = await openSends(write.db, accountId)
    const held = open.filter(({ state }) => state.held?.code === restoredCode)
    const followUps: FollowUp[] = []
    for (const { id } of held) {
      const { send } = await applySendEvent(write, id, { type: 'unheld' }, now)
      followUps.push(...sendFollowUps(send, now))
    }
    return { result: { released: held.length }, followUps }
  },
}
