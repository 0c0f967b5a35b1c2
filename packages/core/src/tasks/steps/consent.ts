import { blobsOf } from '../../draft/content.ts'
import { newSend } from '../../draft/send-state.ts'
import { checkSendable, envelopeRecipients, type SendProblem } from '../../draft/sendable.ts'
import { EverdraftError } from '../../errors.ts'
import { type SendId, type Umid, uuidv7 } from '../../ids.ts'
import { getAccount } from '../../storage/accounts.ts'
import { attemptMessageIds } from '../../storage/attempts.ts'
import { missingBlobs } from '../../storage/blobs.ts'
import type { StoredDraft } from '../../storage/drafts.ts'
import { pendingImport } from '../../storage/imports.ts'
import { insertSend, type NewSend, noFacts, type StoredSend } from '../../storage/sends.ts'
import { runsNow } from '../../storage/tasks.ts'
import { sentMark, sentMessageId } from '../../sync/message-ids.ts'
import type { PlanContext } from '../task.ts'
import { checkApproved } from './check-approved.ts'

export interface Consent {
  /** Not before that time, in epoch milliseconds; null: at once. */
  readonly sendAt: number | null
  /** How long it can be undone at least. */
  readonly undoMs: number
  /** The server may hold it until then, if it can: from then on it cannot be undone. */
  readonly holdAtServer: boolean
  /** The user has read the warnings. */
  readonly confirm: boolean
}

type ConsentContext = Pick<PlanContext, 'write' | 'environment' | 'now'>

/**
 * The draft, at this version, is in the outbox from now on. Nothing is written where it throws.
 * @throws {EverdraftError} APPROVAL_REQUIRED, NO_SUBMISSION, UNSENDABLE
 */
export async function consent(context: ConsentContext, draft: StoredDraft, input: Consent): Promise<StoredSend> {
  const { write, environment, now } = context
  checkApproved(draft)
  const account = await getAccount(write.db, draft.accountId)
  if (account.smtp === null) {
    throw new EverdraftError('NO_SUBMISSION', 'the account has no SMTP settings: smtp is missing')
  }
  await checkDraft(context, draft, input.confirm)
  const id = uuidv7(now, environment.random) as SendId
  const sender = draft.content.from?.address ?? account.address
  const holdUntil = input.holdAtServer ? input.sendAt : null
  const dueAt = Math.max(now + input.undoMs, holdUntil === null ? (input.sendAt ?? 0) : 0)
  // Else the look into Drafts and Sent would find nothing.
  const mustLook = dueAt > now || (await mayBeElsewhere(context, draft.id))
  const consented: NewSend = {
    id,
    accountId: draft.accountId,
    draftId: draft.id,
    state: newSend(draft.version, envelopeRecipients(draft.content), dueAt),
    facts: { ...noFacts, holdUntil, checkedAt: mustLook ? null : now },
    messageId: sentMessageId(sentMark(draft.token, environment.createSha256()), sender, environment.random),
    sender,
    subject: draft.content.subject,
    createdAt: now,
  }
  return await insertSend(write, consented, draft, mustLook ? [] : [{ type: 'released' }], now)
}

/** It is on a server, or was, or is on its way: from the consent on no other upload of it begins (hazard 20). */
async function mayBeElsewhere({ write }: ConsentContext, draftId: Umid): Promise<boolean> {
  if ((await attemptMessageIds(write.db, draftId)).length > 0) return true
  return await runsNow(write.db, 'draft_upload', draftId)
}

/** @throws {EverdraftError} UNSENDABLE, with the path of each thing that stands against it */
async function checkDraft({ write }: ConsentContext, draft: StoredDraft, confirm: boolean): Promise<void> {
  if ((await pendingImport(write.db, draft.id)) !== null) {
    const path = 'attachments'
    throw unsendable([{ path, message: 'attachments: are still on their way here from the server' }])
  }
  const missing = await missingBlobs(write.db, draft.accountId, blobsOf(draft.content))
  const problems = checkSendable(draft.content, { missingBlobs: missing, messageBytes: null, sizeLimitBytes: null })
  const errors = problems.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) throw unsendable(errors)
  const forgotten = problems.find(({ code }) => code === 'ATTACHMENT_FORGOTTEN')
  if (forgotten !== undefined && !confirm) {
    const { path, message } = forgotten
    throw unsendable([{ path, message: `${message}; it is sent all the same with confirm` }])
  }
}

function unsendable(problems: readonly Pick<SendProblem, 'path' | 'message'>[]): EverdraftError {
  const errors = problems.map(({ path, message }) => ({ path, message: withoutPath(path, message) }))
  return new EverdraftError('UNSENDABLE', problems[0]?.message ?? 'the draft cannot be sent', { errors })
}

function withoutPath(path: string, message: string): string {
  return message.startsWith(`${path}: `) ? message.slice(path.length + 2) : message
}
