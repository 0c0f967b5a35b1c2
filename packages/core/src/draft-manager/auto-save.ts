import { changedFields } from '../draft/content.ts'
import { type Attachment, type Author, type DraftContent, emptyContent } from '../draft/draft.ts'
import type { MergeStrategy } from '../draft/merge.ts'
import { validationError } from '../errors.ts'
import { type AccountId, type ConflictId, type DeviceId, type Umid, uuidv7, type Version } from '../ids.ts'
import { endDraftSave, endUnfinishedSaves, versionsOfSaves } from '../storage/draft-saves.ts'
import { type Conflict, getConflict } from '../storage/conflicts.ts'
import type { Db } from '../storage/db.ts'
import { findDraft, getDraft, type StoredDraft } from '../storage/drafts.ts'
import { revisionContent } from '../storage/revisions.ts'
import { recentRevisions, storedBytes } from '../storage/revision-lookups.ts'
import { localTasks } from '../tasks/registry.ts'
import type { LocalTask, PlanContext, Planned } from '../tasks/task.ts'
import type { ActionHandler, ActionResult } from './action.ts'
import { baseOfSave } from './base-of-save.ts'
import { beginSave } from './begin-save.ts'
import { type CheckedRequest, unnamedDevice } from './check-request.ts'
import { contentOfState, stateFieldName, summaryOf, unknownAttachments } from './content-of-state.ts'
import type { DraftManagerConflict, DraftSaveMetadata, DraftState, DraftStateInput } from './envelope.ts'
import { DraftManagerError } from './failure.ts'
import { endOpenConflicts, openConflicts } from './open-conflicts.ts'
import { checkFree } from './own-draft.ts'
import { checkSize, stateIn, storageOf, textBytes } from './state-of-draft.ts'

interface AutoSave {
  readonly accountId: AccountId
  /** Null: a new draft. */
  readonly draftId: Umid | null
  readonly state: DraftStateInput
  readonly device: DeviceId
  readonly by: Author
  readonly strategy: MergeStrategy
  readonly maxDraftSize: number
  readonly compress: boolean
  /** Null: the client has given the save no name. */
  readonly saveId: string | null
  readonly unanswered: readonly string[]
}

interface AutoSaved {
  /** Null: it was begun by this save. */
  readonly before: StoredDraft | null
  readonly draft: StoredDraft
  /** Null: nobody else had saved meanwhile. */
  readonly conflict: DraftManagerConflict | null
}

/** How far back an attachment is looked for that somebody wants back. */
const revisionsLookedAt = 100

/** Saves what a client has, or says that a save of it begins. */
export const autoSave: ActionHandler = async (context, request) => {
  if (request.beginSave === true) return await beginSave(context, request)
  const { draft: state } = request
  if (state === undefined) throw validationError('draft', 'is required')
  if (state.subject === undefined && state.body === undefined)
    throw validationError('draft', 'needs a subject or a body')
  const saveId = request.saveId?.toLowerCase() ?? null
  const input: AutoSave = {
    accountId: context.account.id,
    draftId: request.draftId,
    state,
    device: request.deviceId,
    by: context.by,
    strategy: strategyOf(request),
    maxDraftSize: request.maxDraftSize,
    compress: request.enableCompression,
    saveId,
    unanswered: (request.unansweredSaveIds ?? []).map((id) => id.toLowerCase()),
  }
  const { saved, shown, compressionSavings } = await context.parts.run(saveState, input, async (db, done) => ({
    saved: done,
    shown: await stateIn(db, done.draft, context.account),
    compressionSavings: await savingsOf(db, done),
  }))
  const { environment } = context.parts
  const metadata = metadataOf(saved, shown, saveId ?? uuidv7(environment.now(), environment.random), request.deviceId)
  const result: ActionResult = {
    draft: shown,
    saveMetadata: metadata,
    conflictDetected: saved.conflict !== null,
    ...(saved.conflict === null ? {} : { conflict: saved.conflict }),
    stats: {
      itemsAffected: saved.draft.version === saved.before?.version ? 0 : 1,
      storageUsed: storageOf(saved.draft.content),
      compressionSavings,
    },
  }
  if (saved.conflict === null || saved.conflict.conflictId === null) return result
  const { conflictId, fields } = saved.conflict
  throw new DraftManagerError(
    'CONFLICT',
    `${fields.join(', ')} cannot be merged: the draft is at version ${saved.draft.version}, and both texts are kept in conflict ${conflictId}`,
    result,
  )
}

/** `preferLocal` true is local-wins, false remote-wins, absent merge. */
function strategyOf({ recoveryOptions }: Pick<CheckedRequest, 'recoveryOptions'>): MergeStrategy {
  const preferLocal = recoveryOptions?.preferLocal
  if (preferLocal === undefined) return 'merge'
  return preferLocal ? 'local-wins' : 'remote-wins'
}

/** One transaction: which base, the revision or the conflict, and that the save is finished. */
const saveState: LocalTask<AutoSave, AutoSaved> = {
  name: 'draft_save',
  async plan(context, input) {
    const { db } = context.write
    const before = input.draftId === null ? null : await findDraft(db, input.draftId)
    checkFree(before, input.accountId)
    const planned = before === null ? await create(context, input) : await saveOn(context, before, input)
    const { draft, conflict } = planned.result
    checkSize(draft.content, input.maxDraftSize)
    const { accountId, device, saveId } = input
    const writer = { accountId, draftId: draft.id, device, now: context.now }
    if (device !== unnamedDevice) {
      await endUnfinishedSaves(db, { ...writer, since: 0 })
      const but = (conflict?.conflictId ?? null) as ConflictId | null
      // Newer words of the same device are in the conflict, or have won.
      const isDecided = but !== null || (conflict !== null && input.strategy === 'local-wins')
      if (isDecided) await endOpenConflicts(context.write, { ...writer, but })
    }
    if (saveId !== null) {
      const version = draft.version === before?.version ? null : draft.version
      await endDraftSave(db, accountId, { saveId, draftId: draft.id, device, version, now: context.now })
    }
    return planned
  },
}

async function create(context: PlanContext, input: AutoSave): Promise<Planned<AutoSaved>> {
  const { subject, text, html, to, cc, bcc, references, tags, metadata } = written(emptyContent, input)
  const { result, followUps } = await localTasks.draft_create.plan(context, {
    ...(input.draftId === null ? {} : { id: input.draftId }),
    accountId: input.accountId,
    owner: null,
    fields: { subject, text, html, to, cc, bcc, references, tags, metadata },
    attachments: [],
    templateId: null,
    policy: 'sync',
    reviewRequired: false,
    by: input.by,
    device: input.device,
    request: null,
  })
  const draft = await getDraft(context.write.db, result.id)
  return { result: { before: null, draft, conflict: null }, followUps }
}

async function saveOn(context: PlanContext, before: StoredDraft, input: AutoSave): Promise<Planned<AutoSaved>> {
  const { db } = context.write
  const { state, device, by, strategy } = input
  const saveIds = [...input.unanswered, ...(input.saveId === null ? [] : [input.saveId])]
  const own = await versionsOfSaves(db, input.accountId, before.id, saveIds)
  const claim = { version: state.version, lastSavedAt: state.lastSavedAt, device, own }
  const base = await baseOfSave(db, before, claim)
  const known = await knownAttachments(db, before, state)
  const rewrite = (content: DraftContent): DraftContent => written(content, input, known)
  const moved = base === before.version ? null : await movedOn(db, before, base, rewrite)
  const again = moved === null || strategy !== 'merge' ? null : await sameConflict(db, before, moved, device)
  if (again !== null) {
    const fields = again.fields.map(stateFieldName)
    const conflict = { ...sidesOf(before, base, strategy), conflictId: again.id, fields }
    return { result: { before, draft: before, conflict }, followUps: [] }
  }
  const { result, followUps } = await localTasks.draft_save.plan(context, {
    draftId: before.id,
    baseVersion: base,
    by,
    device,
    changes: rewrite,
    onConflict: strategy,
    reviewRequired: null,
    keepWhole: !input.compress,
  })
  const { draft, conflictId } = result
  const fields = conflictId === null ? [] : await fieldsInConflict(db, before.id, conflictId)
  const isConflict = conflictId !== null || moved?.isNews === true
  const conflict = isConflict ? { ...sidesOf(before, base, strategy), conflictId, fields } : null
  return { result: { before, draft, conflict }, followUps }
}

/** @throws {EverdraftError} VALIDATION_ERROR */
function written(base: DraftContent, input: AutoSave, known: readonly Attachment[] = []): DraftContent {
  const content = contentOfState(base, input.state, known)
  // What a page sends that has not loaded yet is no wish to empty a draft (hazard 19).
  if (content.subject.trim() === '' && content.text.trim() === '' && (content.html ?? '') === '') {
    throw validationError('draft', 'needs a subject or a body')
  }
  checkSize(content, input.maxDraftSize)
  return content
}

/** Those of now, and where somebody takes back that one was removed, of the history: its bytes are here as long as that names them. */
async function knownAttachments(db: Db, draft: StoredDraft, state: DraftStateInput): Promise<readonly Attachment[]> {
  const unknown = unknownAttachments(draft.content, state)
  if (unknown.size === 0) return draft.content.attachments
  const contents = await recentRevisions(db, draft.id, draft.content, revisionsLookedAt)
  const earlier = contents.flatMap(({ content }) => content.attachments).filter(({ id }) => unknown.has(id))
  return [...earlier, ...draft.content.attachments]
}

interface MovedOn {
  readonly base: Version
  readonly local: DraftContent
  /** Neither do the two sides say the same, nor this one nothing new. */
  readonly isNews: boolean
}

async function movedOn(
  db: Db,
  before: StoredDraft,
  base: Version,
  rewrite: (content: DraftContent) => DraftContent,
): Promise<MovedOn> {
  const began = (await revisionContent(db, before.id, base, before.content)) ?? before.content
  const local = rewrite(began)
  const isNews = changedFields(began, local).length > 0 && changedFields(before.content, local).length > 0
  return { base, local, isNews }
}

/** One that is sent again while it waits for a decision is the one that is kept already. */
async function sameConflict(
  db: Db,
  before: StoredDraft,
  { base, local }: MovedOn,
  device: DeviceId,
): Promise<Conflict | null> {
  const open = await openConflicts(db, before.id)
  const same = open.find(
    (one) =>
      one.device === device &&
      one.baseVersion === base &&
      one.remoteVersion === before.version &&
      changedFields(one.local, local).length === 0,
  )
  return same ?? null
}

function sidesOf(
  before: StoredDraft,
  baseVersion: Version,
  resolutionStrategy: MergeStrategy,
): Omit<DraftManagerConflict, 'conflictId' | 'fields'> {
  return { baseVersion, remoteVersion: before.version, remoteModifiedAt: before.updatedAt, resolutionStrategy }
}

async function fieldsInConflict(db: Db, draftId: Umid, conflictId: ConflictId): Promise<readonly string[]> {
  return (await getConflict(db, draftId, conflictId)).fields.map(stateFieldName)
}

/** The revision before is history by this save: what it takes less there than as a whole. */
async function savingsOf(db: Db, { before, draft }: Pick<AutoSaved, 'before' | 'draft'>): Promise<number> {
  if (before === null || before.version === draft.version) return 0
  return textBytes(before.content) - (await storedBytes(db, draft.id, before.version))
}

function metadataOf(
  { before, draft, conflict }: AutoSaved,
  shown: DraftState,
  saveId: string,
  device: DeviceId,
): DraftSaveMetadata {
  const isKeptApart = conflict !== null && conflict.conflictId !== null
  return {
    saveId,
    draftId: draft.id,
    savedAt: isKeptApart ? null : shown.lastSavedAt,
    device,
    changesSummary: summaryOf(before?.content ?? null, draft.content),
    conflict:
      conflict === null
        ? null
        : {
            remoteVersion: conflict.remoteVersion,
            remoteModifiedAt: conflict.remoteModifiedAt,
            resolutionStrategy: conflict.resolutionStrategy,
          },
  }
}
