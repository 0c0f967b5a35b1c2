import { draftAttach } from './draft-attach.ts'
import { draftCreate } from './draft-create.ts'
import { draftDetach } from './draft-detach.ts'
import { draftDiscard } from './draft-discard.ts'
import { draftSave } from './draft-save.ts'
import { draftUpload } from './draft-upload.ts'
import { mailboxSync } from './mailbox-sync.ts'
import type { LocalTaskName, WireTask, WireTaskName } from './task.ts'

/** What is planned and done in one transaction. */
export const localTasks: {
  readonly draft_create: typeof draftCreate
  readonly draft_save: typeof draftSave
  readonly draft_attach: typeof draftAttach
  readonly draft_detach: typeof draftDetach
  readonly draft_discard: typeof draftDiscard
} = {
  draft_create: draftCreate,
  draft_save: draftSave,
  draft_attach: draftAttach,
  draft_detach: draftDetach,
  draft_discard: draftDiscard,
} satisfies Record<LocalTaskName, unknown>

/** What the queue executes. A name without its task does not compile. */
export const wireTasks: Readonly<Record<WireTaskName, WireTask>> = {
  draft_upload: draftUpload,
  mailbox_sync: mailboxSync,
}
