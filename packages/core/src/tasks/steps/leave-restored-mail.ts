import { endOpenInboxMarks } from '../../storage/inbox-marks.ts'
import { restartResponders } from '../../storage/responders.ts'
import type { Write } from '../../storage/store.ts'
import { restoredCode } from './hold-restored.ts'

/** What came since the backup was made may have been answered since: a second draft for it would be one too many. */
export async function leaveRestoredMail({ db }: Write, now: number): Promise<void> {
  const message = 'the data was restored from a backup: it may have been answered since the backup was made'
  await endOpenInboxMarks(db, null, { code: restoredCode, message, at: now })
  await restartResponders(db, now)
}
