import { workOf } from '../../draft/send-state.ts'
import type { StoredSend } from '../../storage/sends.ts'
import { type FollowUp, uploadInNeed } from '../task.ts'

/** A send that is due sooner makes its draft wait with an upload: what is sent within a minute need not be in Drafts. */
const uploadBeforeMs = 60_000

/**
 * What is to run for a send, from its state alone: after each change, and at the start, so that nothing is forgotten
 * (hazards 22 and 30).
 */
export function sendFollowUps(send: StoredSend, now: number): readonly FollowUp[] {
  const { id, accountId, draftId, state, facts } = send
  const { releaseAt, wire, filing, evidence } = workOf(state)
  const run = (task: 'outbox_check' | 'outbox_send' | 'outbox_file', at: number): FollowUp => ({
    task,
    accountId,
    key: id,
    delayMs: Math.max(0, at - now),
    join: 'sooner',
  })
  const looks = filing || evidence
  return [
    ...(releaseAt === null ? [] : [run('outbox_check', releaseAt)]),
    ...(wire ? [run('outbox_send', now)] : []),
    ...(looks ? [run('outbox_file', now)] : []),
    ...(looks || facts.lookAgainAt === null ? [] : [run('outbox_file', facts.lookAgainAt)]),
    ...(mayUpload(send, now) ? [uploadInNeed({ id: draftId, accountId })] : []),
  ]
}

/**
 * Whether the draft of a send may be brought to Drafts meanwhile: from the look into Drafts on it may not, so that nothing
 * of it shows up there later (hazard 20).
 */
export function mayUpload({ state }: StoredSend, now: number): boolean {
  const { phase, held, dueAt } = state
  if (phase === 'queued') return held !== null || dueAt > now + uploadBeforeMs
  return phase === 'parked' || phase === 'cancelled' || phase === 'failed'
}
