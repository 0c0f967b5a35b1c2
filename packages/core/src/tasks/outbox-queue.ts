import type { Umid, Version } from '../ids.ts'
import type { RepeatableRequest } from '../storage/repeatable-request.ts'
import { getSend, type StoredSend } from '../storage/sends.ts'
import { rememberRequest, sendOfRequest } from '../storage/send-requests.ts'
import { editableDraft } from './steps/commit-revision.ts'
import { consent, type Consent } from './steps/consent.ts'
import { sendFollowUps } from './steps/send-follow-ups.ts'
import type { LocalTask } from './task.ts'

export interface OutboxQueue extends Consent {
  readonly draftId: Umid
  /** The version that the user saw; null: whichever it is. */
  readonly baseVersion: Version | null
  /** Null: it is carried out, whatever came before. */
  readonly request: RepeatableRequest | null
}

/** One consent to send: the draft, at this version, is in the outbox from now on. Undone by outbox_cancel. */
export const outboxQueue: LocalTask<OutboxQueue, { readonly send: StoredSend; readonly isNew: boolean }> = {
  name: 'outbox_queue',
  async plan(context, input) {
    const { write, now } = context
    const { draftId, baseVersion, request } = input
    const known = request === null ? null : await sendOfRequest(write.db, request, now)
    if (known !== null) return { result: { send: await getSend(write.db, known), isNew: false }, followUps: [] }
    const draft = await editableDraft(context, { draftId, baseVersion, by: 'user', device: null })
    const send = await consent(context, draft, input)
    if (request !== null) await rememberRequest(write.db, request, send.id, now)
    return { result: { send, isNew: true }, followUps: sendFollowUps(send, now) }
  },
}
