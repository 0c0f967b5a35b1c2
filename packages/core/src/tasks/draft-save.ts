import { applyChanges, changedFields, type DraftChanges } from '../draft/content.ts'
import type { DraftContent } from '../draft/draft.ts'
import { mergeContent, type MergeStrategy } from '../draft/merge.ts'
import { type ConflictId, uuidv7 } from '../ids.ts'
import { type Answered, whenAnswered } from '../storage/direct.ts'
import { insertConflict } from '../storage/conflicts.ts'
import { getDraft, setReviewRequired, type StoredDraft } from '../storage/drafts.ts'
import { endSaves } from '../storage/postponed.ts'
import { revisionContent } from '../storage/revisions.ts'
import {
  commitOnRemembered,
  commitRevision,
  editableDraft,
  type Revised,
  type RevisionRequest,
} from './steps/commit-revision.ts'
import type { LocalTask, PlanContext, Planned } from './task.ts'

export interface DraftSave extends RevisionRequest {
  /** Also as what it makes of the content that the caller has seen, that is of the base version's. */
  readonly changes: DraftChanges | ((base: DraftContent) => DraftContent)
  /** What the caller has seen, where the base version does not say it. */
  readonly baseContent?: DraftContent | null
  /** What to do when the draft has moved on since `baseVersion`. */
  readonly onConflict: 'refuse' | MergeStrategy
  /** Null: as it is. */
  readonly reviewRequired: boolean | null
}

export interface Saved extends Revised {
  /** The two could not be made one: nothing was saved over, and both texts are kept. */
  readonly conflictId: ConflictId | null
}

/** The next revision of a draft, compared and set on its base version, or merged where the caller asks for it. */
export const draftSave: LocalTask<DraftSave, Saved> = {
  name: 'draft_save',
  changes: 'save',
  plan(context, input) {
    return whenAnswered(saveOnRemembered(context, input), (planned) => {
      if (planned !== null) return saved(planned)
      return whenAnswered(endSaves(context.write.db), () => saveAndReview(context, input))
    })
  },
}

/** Null: the draft is to be looked at. */
function saveOnRemembered(context: PlanContext, input: DraftSave): Answered<Planned<Revised> | null> {
  const { changes, baseContent = null, reviewRequired } = input
  // What a function makes of a draft, or refuses, is for the draft as it is.
  if (typeof changes === 'function' || baseContent !== null || reviewRequired !== null) return null
  return commitOnRemembered(context, (content) => applyChanges(content, changes), input)
}

async function saveAndReview(context: PlanContext, input: DraftSave): Promise<Planned<Saved>> {
  const planned = await save(context, input)
  const { draft, conflictId } = planned.result
  if (input.reviewRequired === null || conflictId !== null) return planned
  return {
    ...planned,
    result: { ...planned.result, draft: await requireReview(context, draft, input.reviewRequired) },
  }
}

async function requireReview({ write }: PlanContext, draft: StoredDraft, required: boolean): Promise<StoredDraft> {
  if (draft.review.required === required) return draft
  await setReviewRequired(write.db, draft.id, required)
  write.emit({ type: 'review-changed', accountId: draft.accountId, draftId: draft.id, required })
  return { ...draft, review: { ...draft.review, required } }
}

async function save(context: PlanContext, input: DraftSave): Promise<Planned<Saved>> {
  const movedOn = input.onConflict !== 'refuse' && (await hasMovedOn(context, input))
  if (movedOn) return await saveMerged(context, input, input.onConflict)
  const draft = await editableDraft(context, input)
  return saved(await commitRevision(context, draft, changed(draft.content, input), input))
}

function changed(base: DraftContent, { changes }: DraftSave): DraftContent {
  return typeof changes === 'function' ? changes(base) : applyChanges(base, changes)
}

function saved({ result, followUps }: Planned<Revised>): Planned<Saved> {
  return { result: { ...result, conflictId: null }, followUps }
}

async function hasMovedOn(context: PlanContext, { draftId, baseVersion, baseContent }: DraftSave): Promise<boolean> {
  if ((baseContent ?? null) !== null) return true
  return baseVersion !== null && (await getDraft(context.write.db, draftId)).version !== baseVersion
}

async function saveMerged(context: PlanContext, input: DraftSave, strategy: MergeStrategy): Promise<Planned<Saved>> {
  const draft = await editableDraft(context, { ...input, baseVersion: null })
  const known =
    input.baseContent ??
    (await revisionContent(context.write.db, draft.id, input.baseVersion ?? draft.version, draft.content))
  // A base that compaction took says nothing of who changed what: then all that differs is in conflict.
  const base = known ?? draft.content
  const local = changed(base, input)
  const merge = known === null ? null : mergeContent({ base, local, remote: draft.content }, strategy)
  if (merge?.kind === 'merged') {
    await keepLoser(context, draft, { strategy, local, merged: merge.content }, input)
    const current = await getDraft(context.write.db, draft.id)
    return saved(await commitRevision(context, current, merge.content, input))
  }
  const fields = merge === null ? changedFields(draft.content, local) : merge.fields
  const conflictId = uuidv7(context.now, context.environment.random) as ConflictId
  await insertConflict(context.write.db, draft.accountId, {
    id: conflictId,
    draftId: draft.id,
    baseVersion: input.baseVersion ?? draft.version,
    remoteVersion: draft.version,
    base,
    local,
    remote: draft.content,
    fields,
    device: input.device ?? context.device,
    by: input.by,
    createdAt: context.now,
    resolvedAt: null,
    resolution: null,
  })
  context.write.emit({ type: 'conflict-raised', accountId: draft.accountId, draftId: draft.id, conflictId })
  return { result: { version: draft.version, changed: false, draft, state: null, conflictId }, followUps: [] }
}

/** What loses stays in history: where the other side wins, what was to be saved is a revision before it. */
async function keepLoser(
  context: PlanContext,
  draft: StoredDraft,
  {
    strategy,
    local,
    merged,
  }: { readonly strategy: MergeStrategy; readonly local: DraftContent; readonly merged: DraftContent },
  input: DraftSave,
): Promise<void> {
  const isLost =
    strategy === 'remote-wins' && changedFields(local, merged).some((field) => draft.content[field] !== local[field])
  if (isLost) await commitRevision(context, draft, local, input)
}
