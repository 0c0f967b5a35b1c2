import { applyChanges, type DraftChanges } from '../draft/content.ts'
import type { DraftContent } from '../draft/draft.ts'
import { mergeContent, type MergeStrategy } from '../draft/merge.ts'
import { EverdraftError } from '../errors.ts'
import type { ConflictId, Version } from '../ids.ts'
import { type Conflict, endConflict, getConflict } from '../storage/conflicts.ts'
import { commitRevision, editableDraft, type RevisionRequest } from './steps/commit-revision.ts'
import type { LocalTask } from './task.ts'

export interface DraftResolve extends RevisionRequest {
  readonly conflictId: ConflictId
  /** A strategy, or the fields as somebody merged them by hand. */
  readonly how: MergeStrategy | DraftChanges
}

/** Ends a conflict with a revision; both sides stay in the record. */
export const draftResolve: LocalTask<DraftResolve, { readonly version: Version }> = {
  name: 'draft_resolve',
  async plan(context, input) {
    const { write, now } = context
    const draft = await editableDraft(context, input)
    const conflict = await getConflict(write.db, draft.id, input.conflictId)
    if (conflict.resolvedAt !== null) throw new EverdraftError('NOT_FOUND', `the conflict ${conflict.id} is resolved`)
    const content = resolved(conflict, draft.content, input.how)
    const planned = await commitRevision(context, draft, content, input)
    const resolution = typeof input.how === 'string' ? input.how : 'fields'
    await endConflict(write.db, conflict.id, resolution, now)
    write.emit({ type: 'conflict-resolved', accountId: draft.accountId, draftId: draft.id, conflictId: conflict.id })
    return { result: { version: planned.result.version }, followUps: planned.followUps }
  },
}

/** The other side is what the draft says now: it may have been edited since. */
function resolved(conflict: Conflict, head: DraftContent, by: DraftResolve['how']): DraftContent {
  if (typeof by !== 'string') return applyChanges(head, by)
  const merge = mergeContent({ base: conflict.base, local: conflict.local, remote: head }, by)
  if (merge.kind === 'merged') return merge.content
  throw new EverdraftError(
    'CONFLICT',
    `${merge.fields.join(', ')} cannot be merged: choose local-wins or remote-wins, or give the merged fields`,
    { conflictId: conflict.id },
  )
}
