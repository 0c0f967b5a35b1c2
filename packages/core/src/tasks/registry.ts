import { draftApprove } from './draft-approve.ts'
import { draftAttach } from './draft-attach.ts'
import { draftCreate } from './draft-create.ts'
import { draftDetach } from './draft-detach.ts'
import { draftDiscard } from './draft-discard.ts'
import { draftMove } from './draft-move.ts'
import { draftRestore } from './draft-restore.ts'
import { draftResolve } from './draft-resolve.ts'
import { draftSave } from './draft-save.ts'
import { draftUndiscard } from './draft-undiscard.ts'
import { draftImport } from './draft-import.ts'
import { draftUpload } from './draft-upload.ts'
import { inboxWatch } from './inbox-watch.ts'
import { mailboxSync } from './mailbox-sync.ts'
import { outboxBounces } from './outbox-bounces.ts'
import { outboxCancel } from './outbox-cancel.ts'
import { outboxCheck } from './outbox-check.ts'
import { outboxFile } from './outbox-file.ts'
import { outboxQueue } from './outbox-queue.ts'
import { outboxQuote } from './outbox-quote.ts'
import { outboxRelease } from './outbox-release.ts'
import { outboxResolve } from './outbox-resolve.ts'
import { outboxRetry } from './outbox-retry.ts'
import { outboxSend } from './outbox-send.ts'
import { outcomeCorrelate } from './outcome-correlate.ts'
import { responderAnswer } from './responder-answer.ts'
import type { LocalTaskName, WireTask, WireTaskName } from './task.ts'

/** What is planned and done in one transaction. */
export const localTasks: {
  readonly draft_create: typeof draftCreate
  readonly draft_save: typeof draftSave
  readonly draft_attach: typeof draftAttach
  readonly draft_detach: typeof draftDetach
  readonly draft_discard: typeof draftDiscard
  readonly draft_undiscard: typeof draftUndiscard
  readonly draft_restore: typeof draftRestore
  readonly draft_move: typeof draftMove
  readonly draft_resolve: typeof draftResolve
  readonly draft_approve: typeof draftApprove
  readonly outbox_queue: typeof outboxQueue
  readonly outbox_cancel: typeof outboxCancel
  readonly outbox_retry: typeof outboxRetry
  readonly outbox_resolve: typeof outboxResolve
  readonly outbox_release: typeof outboxRelease
} = {
  draft_create: draftCreate,
  draft_save: draftSave,
  draft_attach: draftAttach,
  draft_detach: draftDetach,
  draft_discard: draftDiscard,
  draft_undiscard: draftUndiscard,
  draft_restore: draftRestore,
  draft_move: draftMove,
  draft_resolve: draftResolve,
  draft_approve: draftApprove,
  outbox_queue: outboxQueue,
  outbox_cancel: outboxCancel,
  outbox_retry: outboxRetry,
  outbox_resolve: outboxResolve,
  outbox_release: outboxRelease,
} satisfies Record<LocalTaskName, unknown>

/** What the queue executes. A name without its task does not compile. */
export const wireTasks: Readonly<Record<WireTaskName, WireTask>> = {
  draft_upload: draftUpload,
  draft_import: draftImport,
  mailbox_sync: mailboxSync,
  outbox_check: outboxCheck,
  outbox_quote: outboxQuote,
  outbox_send: outboxSend,
  outbox_file: outboxFile,
  outbox_bounces: outboxBounces,
  outcome_correlate: outcomeCorrelate,
  inbox_watch: inboxWatch,
  responder_answer: responderAnswer,
}
