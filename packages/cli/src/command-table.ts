import { accountAdd, accountChange, accountList, accountRemove, accountVerify } from './commands/account.ts'
import { exportBundle, importBundle } from './commands/bundle.ts'
import { completion } from './commands/completion.ts'
import { demo } from './commands/demo.ts'
import { draftAttach, draftCreate, draftDiscard, draftEdit, draftList, draftShow } from './commands/draft.ts'
import { draftConflicts, draftResolve } from './commands/draft-conflicts.ts'
import { draftDiscardChanges, draftHistory, draftRestore, draftUndiscard } from './commands/draft-history.ts'
import { draftReply } from './commands/draft-reply.ts'
import { draftApprove, draftReview } from './commands/draft-review.ts'
import { draftSearch } from './commands/draft-search.ts'
import { draftSend } from './commands/draft-send.ts'
import { keyRotate } from './commands/key.ts'
import { sendCancel, sendList, sendRelease, sendResolve, sendRetry, sendShow } from './commands/send.ts'
import { serve } from './commands/serve.ts'
import { backup, doctor } from './commands/store.ts'
import { sync } from './commands/sync.ts'
import { taskList, taskRetry, taskShow } from './commands/task.ts'
import { templateAdd, templateList, templateRemove } from './commands/template.ts'
import { tokenCreate, tokenList, tokenRevoke } from './commands/token.ts'
import { worker } from './commands/worker.ts'
import type { Command } from './command.ts'

/** All there are, in the order in which the help lists them. */
export const commands: readonly Command[] = [
  demo,
  serve,
  worker,
  accountAdd,
  accountChange,
  accountList,
  accountVerify,
  accountRemove,
  draftList,
  draftSearch,
  draftShow,
  draftCreate,
  draftReply,
  draftEdit,
  draftAttach,
  draftReview,
  draftApprove,
  draftSend,
  draftDiscard,
  draftUndiscard,
  draftDiscardChanges,
  draftHistory,
  draftRestore,
  draftConflicts,
  draftResolve,
  templateList,
  templateAdd,
  templateRemove,
  sendList,
  sendShow,
  sendCancel,
  sendRetry,
  sendResolve,
  sendRelease,
  taskList,
  taskShow,
  taskRetry,
  sync,
  tokenCreate,
  tokenList,
  tokenRevoke,
  keyRotate,
  exportBundle,
  importBundle,
  backup,
  doctor,
  completion(() => commands),
]
