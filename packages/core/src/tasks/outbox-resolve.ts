import { EverdraftError } from '../errors.ts'
import type { SendId } from '../ids.ts'
import { applySendEvent } from '../storage/sends.ts'
import { sendFollowUps } from './steps/send-follow-ups.ts'
import type { LocalTask } from './task.ts'

export interface OutboxResolve {
  readonly sendId: SendId
  readonly as: 'sent' | 'send_again'
}

/** The user's word on a send of which nobody knows whether the server has taken it (hazard 22). */
export const outboxResolve: LocalTask<OutboxResolve, null> = {
  name: 'outbox_resolve',
  async plan({ write, now }, { sendId, as }) {
    const event =
      as === 'sent' ? ({ type: 'resolved-sent', at: now } as const) : { type: 'resolved-send-again' as const }
    const applied = await applySendEvent(write, sendId, event, now)
    if (applied.rule === 'refuse') {
      throw new EverdraftError('TOO_LATE', `the send is ${applied.send.state.phase}: there is nothing to resolve`)
    }
    return { result: null, followUps: sendFollowUps(applied.send, now) }
  },
}
