import { changedFields } from '../draft/content.ts'
import type { Receipt } from '../draft/draft-state.ts'
import type { Umid, Version } from '../ids.ts'
import { applyDraftEvent } from '../storage/draft-states.ts'
import { getDraft } from '../storage/drafts.ts'
import { endPendingImport, type PendingImport, pendingImport } from '../storage/imports.ts'
import { insertRevisions } from '../storage/revisions.ts'
import type { Write } from '../storage/store.ts'
import { contentOfMessage } from '../sync/imported-content.ts'
import type { MessageIdentity } from '../wire/mailbox.ts'
import { dropParts, holdParts, type ReadMessage, readMessage } from './steps/read-message.ts'
import { createAttachmentId, foreignDevice, record } from './steps/take-in.ts'
import { done, type ExecuteContext, type FollowUp, type WireTask } from './task.ts'

/**
 * Brings the attachments of a draft here that was taken in with its text alone. It goes on after a cut with the piece that
 * was next; the draft is whole, and may be replaced on the server, only when all is here.
 */
export const draftImport: WireTask = {
  name: 'draft_import',
  lane: 'mailbox',
  // After what somebody here has written.
  priority: 0,
  async execute(context, key) {
    const draftId = key as Umid
    const pending = await context.store.read((db) => pendingImport(db, draftId))
    if (pending === null) return done()
    const session = await context.session()
    const folder = await session.select(pending.folder)
    const isSame = folder !== null && folder.uidValidity === pending.uidValidity
    const [identity] = isSame ? await session.identities([pending.uid]) : []
    const read = identity === undefined ? null : await readMessage(context, session, pending, pending.size)
    if (identity === undefined || read === null) {
      // It went, and the next round says what becomes of the draft.
      await context.write(({ db }) => endPendingImport(db, draftId))
      return done()
    }
    try {
      await context.write((write) => complete(context, write, { pending, identity, read }))
    } catch (error) {
      await dropParts(context, read)
      throw error
    }
    return done(settleIfOwed(context, draftId))
  },
}

async function complete(
  context: ExecuteContext,
  write: Write,
  {
    pending,
    identity,
    read,
  }: {
    readonly pending: PendingImport
    readonly identity: MessageIdentity
    readonly read: ReadMessage
  },
): Promise<void> {
  const { draftId } = pending
  const { accountId } = context
  if (!(await endPendingImport(write.db, draftId))) {
    // Somebody has written on meanwhile: the original will be a draft of its own.
    await holdParts(write.db, read, context, draftId)
    return
  }
  const now = context.environment.now()
  const draft = await getDraft(write.db, draftId)
  const content = contentOfMessage(read.parsed, draft.content, () => createAttachmentId(context))
  const fieldsChanged = changedFields(draft.content, content)
  const version = (fieldsChanged.length === 0 ? draft.version : draft.version + 1) as Version
  const receipt: Receipt = await record(
    context,
    write,
    { place: { ...pending }, identity, parsed: read.parsed },
    { draftId, version, isWhole: true },
  )
  if (fieldsChanged.length > 0) {
    const savedAt = draft.updatedAt
    const revision = { version, content, savedAt, device: foreignDevice, by: 'foreign', fieldsChanged } as const
    await insertRevisions(write.db, draftId, [revision], draft)
  }
  await applyDraftEvent(write, draftId, { type: 'completed', receipt }, now, { content, line: null })
  await holdParts(write.db, read, context, draftId)
  write.emit({ type: 'draft-saved', accountId, draftId, version, fieldsChanged })
}

/** It may have been discarded before it was whole: now its copy may go. */
function settleIfOwed({ accountId }: ExecuteContext, draftId: Umid): FollowUp {
  return { task: 'draft_upload', accountId, key: draftId, delayMs: 0, join: 'sooner' }
}
