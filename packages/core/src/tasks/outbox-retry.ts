import { EverdraftError } from '../errors.ts'
import type { SendId } from '../ids.ts'
import { applySendEvent, getSend, setSendFacts } from '../storage/sends.ts'
import { wakeTasks } from '../storage/tasks.ts'
import { checkApproved } from './steps/check-approved.ts'
import { editableDraft } from './steps/commit-revision.ts'
import { restoredCode } from './steps/hold-restored.ts'
import { sendFollowUps } from './steps/send-follow-ups.ts'
import type { LocalTask } from './task.ts'

/** The user says go: at once instead of later, past what holds it, or anew after a failure, under the same id (hazard 32). */
export const outboxRetry: LocalTask<{ readonly sendId: SendId }, null> = {
  name: 'outbox_retry',
  async plan(context, { sendId }) {
    const { write, now } = context
    const { draftId, state, facts } = await getSend(write.db, sendId)
    if (state.phase === 'failed') {
      // The consent is to one revision: what was written since needs one of its own (hazard 33).
      checkApproved(await editableDraft(context, { draftId, baseVersion: state.version, by: 'user', device: null }))
    }
    const applied = await applySendEvent(write, sendId, { type: 'retried' }, now)
    if (applied.rule === 'refuse') {
      throw new EverdraftError('TOO_LATE', `the send is ${applied.send.state.phase}: there is nothing to retry`)
    }
    // At once is not at the hour that the server was to hold it until.
    if (facts.holdUntil !== null) await setSendFacts(write, sendId, { holdUntil: null }, now)
    // What was restored is looked for in Sent all the same.
    const overrules = state.held !== null && state.held.code !== restoredCode
    if (overrules) await setSendFacts(write, sendId, { overruledAt: now }, now)
    // What backs off because the server could not be reached is tried at once, too.
    await wakeTasks(write.db, applied.send.accountId, now, sendId)
    return { result: null, followUps: sendFollowUps(applied.send, now) }
  },
}
