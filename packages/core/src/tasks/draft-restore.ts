import { EverdraftError } from '../errors.ts'
import type { Version } from '../ids.ts'
import { composerBase } from '../storage/leases.ts'
import { newestForeign } from '../storage/revision-lookups.ts'
import { revisionContent } from '../storage/revisions.ts'
import { loadDraftState } from '../storage/draft-states.ts'
import { newestCopy } from '../draft/draft-state.ts'
import { commitRevision, editableDraft, type RevisionRequest } from './steps/commit-revision.ts'
import type { LocalTask, PlanContext } from './task.ts'

export interface DraftRestore extends RevisionRequest {
  /**
   * The version to go back to. `changes`: what was there before the user's changes, that is when this device's composer
   * opened it, else what was synchronized last (hazard 18: this is another act than discarding the draft). What another
   * program has written since is none of the user's changes.
   */
  readonly to: Version | 'changes'
}

/** A new revision that says what an earlier one said. Nothing of the history is lost by it. */
export const draftRestore: LocalTask<DraftRestore, { readonly version: Version; readonly changed: boolean }> = {
  name: 'draft_restore',
  async plan(context, input) {
    const draft = await editableDraft(context, input)
    const version = input.to === 'changes' ? await baseOfChanges(context, input) : input.to
    const content = await revisionContent(context.write.db, draft.id, version, draft.content)
    if (content === null) throw new EverdraftError('NOT_FOUND', `there is no version ${version} of the draft`)
    return await commitRevision(context, draft, content, input)
  },
}

async function baseOfChanges(context: PlanContext, { draftId, device }: DraftRestore): Promise<Version> {
  const { db } = context.write
  const opened = await composerBase(db, draftId, device ?? context.device, context.now)
  if (opened !== null) {
    const foreign = await newestForeign(db, draftId)
    return foreign !== null && foreign.version > opened ? foreign.version : opened
  }
  const { copies, head } = await loadDraftState(db, draftId)
  return newestCopy(copies)?.version ?? head
}
