import { changedFields } from '../../draft/content.ts'
import type { Author, ContentField, DraftContent } from '../../draft/draft.ts'
import { EverdraftError } from '../../errors.ts'
import type { DeviceId, Umid, Version } from '../../ids.ts'
import { type DraftState, newestCopy } from '../../draft/draft-state.ts'
import { type Answered, whenAnswered } from '../../storage/direct.ts'
import { applyDraftEvent, applySaveAsRemembered } from '../../storage/draft-states.ts'
import { getDraft, rememberedDraft, type StoredDraft } from '../../storage/drafts.ts'
import { lineBefore } from '../../storage/heads.ts'
import { endPendingImport } from '../../storage/imports.ts'
import { recentLine } from '../../storage/recent-saves.ts'
import { insertRevisions, type NewRevision } from '../../storage/revisions.ts'
import type { FollowUp, PlanContext, Planned } from '../task.ts'

export interface RevisionRequest {
  readonly draftId: Umid
  readonly baseVersion: Version | null
  readonly by: Author
  readonly device: DeviceId | null
  /** See `NewRevision`. */
  readonly keepWhole?: boolean
}

/**
 * A draft that may be edited, at the version that the caller saw.
 * @throws {EverdraftError} NOT_FOUND, NOT_A_DRAFT, VERSION_MISMATCH
 */
export async function editableDraft(context: PlanContext, request: RevisionRequest): Promise<StoredDraft> {
  const draft = await getDraft(context.write.db, request.draftId)
  checkEditable(draft, request)
  return draft
}

/** @throws {EverdraftError} NOT_A_DRAFT, VERSION_MISMATCH */
export function checkEditable(draft: StoredDraft, request: Pick<RevisionRequest, 'baseVersion'>): void {
  if (draft.status !== 'draft') {
    throw new EverdraftError('NOT_A_DRAFT', `the draft is ${draft.status}: only a draft can be changed`)
  }
  checkBase(draft, request)
}

/** @throws {EverdraftError} VERSION_MISMATCH */
export function checkBase(draft: StoredDraft, { baseVersion }: Pick<RevisionRequest, 'baseVersion'>): void {
  if (baseVersion === null || baseVersion === draft.version) return
  throw new EverdraftError(
    'VERSION_MISMATCH',
    `the draft is at version ${draft.version}, the change was made on version ${baseVersion}`,
  )
}

export interface Revised {
  readonly version: Version
  readonly changed: boolean
  /** As it is now, so that nobody has to read it again. */
  readonly draft: StoredDraft
  /** Null: nothing changed, and the state was not looked at. */
  readonly state: DraftState | null
}

/** Stores `content` as the next revision; where nothing differs it makes nothing (hazard 17). */
export async function commitRevision(
  context: PlanContext,
  draft: StoredDraft,
  content: DraftContent,
  request: RevisionRequest,
): Promise<Planned<Revised>> {
  const fieldsChanged = changedFields(draft.content, content)
  if (fieldsChanged.length === 0) {
    return { result: { version: draft.version, changed: false, draft, state: null }, followUps: [] }
  }
  const version = (draft.version + 1) as Version
  const device = request.device ?? context.device
  return await storeRevisions(context, draft, [
    {
      version,
      content,
      savedAt: context.now,
      device,
      by: request.by,
      fieldsChanged,
      keepWhole: request.keepWhole ?? false,
    },
  ])
}

/**
 * As `commitRevision`, of a draft that was saved just before, without reading it again. Null: there is more to look at, and
 * nothing was changed.
 */
export function commitOnRemembered(
  context: PlanContext,
  change: (content: DraftContent) => DraftContent,
  request: RevisionRequest,
): Answered<Planned<Revised> | null> {
  const { write, now } = context
  const { draftId, baseVersion, by, keepWhole = false } = request
  const draft = keepWhole ? null : rememberedDraft(write.db, draftId)
  if (draft === null || (baseVersion !== null && baseVersion !== draft.version)) return null
  const content = changedOrNull(draft.content, change)
  const fieldsChanged = content === null ? [] : changedFields(draft.content, content)
  if (content === null || fieldsChanged.length === 0) return null
  const version = (draft.version + 1) as Version
  const device = request.device ?? context.device
  const save: NewRevision = { version, content, savedAt: now, device, by, fieldsChanged }
  const line = recentLine(draft, save, lineBefore(write.db, draftId))
  return whenAnswered(applySaveAsRemembered(write, draft, save, line), (state) =>
    state === null ? null : revised(context, { draft, version, content, fieldsChanged, state }),
  )
}

/** Null: it refuses. Whether it is asked at all, the draft as it is decides. */
function changedOrNull(content: DraftContent, change: (content: DraftContent) => DraftContent): DraftContent | null {
  try {
    return change(content)
  } catch {
    return null
  }
}

/** Revisions that follow on the draft's head, oldest first: the last one is the new head. */
export async function storeRevisions(
  context: PlanContext,
  draft: StoredDraft,
  newer: readonly [NewRevision, ...NewRevision[]],
): Promise<Planned<Revised>> {
  const { write, now } = context
  const { version, content } = newer.at(-1) ?? newer[0]
  const line = newer.length === 1 && saysWhatChanged(draft, newer[0]) ? recentLine(draft, newer[0], null) : null
  if (line === null) await insertRevisions(write.db, draft.id, newer, draft)
  const fieldsChanged = newer.length === 1 ? newer[0].fieldsChanged : changedFields(draft.content, content)
  const head = { content, line }
  const applied = await applyDraftEvent(write, draft.id, { type: 'saved', version }, now, head, draft)
  const after = applied.rule === 'break-name' ? await leaveOriginal(context, draft, applied.after) : applied.after
  return revised(context, { draft, version, content, fieldsChanged, state: after })
}

/** What others say of a revision that was made elsewhere may be another list. */
function saysWhatChanged(draft: StoredDraft, { content, fieldsChanged }: NewRevision): boolean {
  return changedFields(draft.content, content).join() === fieldsChanged.join()
}

function revised(
  context: PlanContext,
  {
    draft,
    version,
    content,
    fieldsChanged,
    state,
  }: {
    /** As it was before. */
    readonly draft: StoredDraft
    readonly version: Version
    readonly content: DraftContent
    readonly fieldsChanged: readonly ContentField[]
    readonly state: DraftState
  },
): Planned<Revised> {
  const { write, now } = context
  write.emit({ type: 'draft-saved', accountId: draft.accountId, draftId: draft.id, version, fieldsChanged })
  const saved: StoredDraft = { ...draft, version, content, updatedAt: now, syncState: state.copies.kind }
  return { result: { version, changed: true, draft: saved, state }, followUps: uploadSoon(context, draft) }
}

/**
 * An edit of a draft whose parts are still on their way here from the server: what is there may not be replaced by what
 * lacks them. The two part, and the original is taken in anew as a draft of its own.
 */
async function leaveOriginal(
  { write, now }: PlanContext,
  { id, accountId }: StoredDraft,
  state: DraftState,
): Promise<DraftState> {
  const copy = newestCopy(state.copies)
  if (copy === null || !(await endPendingImport(write.db, id))) return state
  const { folder } = copy
  return (await applyDraftEvent(write, id, { type: 'folder-reset', accountId, folder }, now)).after
}

/** Lazily: the next save comes soon, and one upload is enough for both. */
export function uploadSoon(
  context: Pick<PlanContext, 'uploadDelay'>,
  draft: Pick<StoredDraft, 'id' | 'accountId' | 'policy'>,
): readonly FollowUp[] {
  if (draft.policy === 'local-only') return []
  return [{ task: 'draft_upload', accountId: draft.accountId, key: draft.id, ...context.uploadDelay }]
}
