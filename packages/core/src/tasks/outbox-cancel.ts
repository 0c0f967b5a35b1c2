import { EverdraftError } from '../errors.ts'
import type { SendId } from '../ids.ts'
import { applySendEvent } from '../storage/sends.ts'
import { sendFollowUps } from './steps/send-follow-ups.ts'
import type { LocalTask } from './task.ts'

/**
 * Undo: until the server has accepted recipients the draft is a draft again, with the copies that it has. After that only
 * those who are left are given up.
 */
export const outboxCancel: LocalTask<{ readonly sendId: SendId }, null> = {
  name: 'outbox_cancel',
  async plan({ write, now }, { sendId }) {
    const applied = await applySendEvent(write, sendId, { type: 'cancelled' }, now)
    if (applied.rule === 'refuse') {
      throw new EverdraftError('TOO_LATE', `the send is ${applied.send.state.phase}: there is nothing left to undo`)
    }
    return { result: null, followUps: sendFollowUps(applied.send, now) }
  },
}
