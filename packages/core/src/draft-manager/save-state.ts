import { changedFields } from '../draft/content.ts'
import { type Attachment, type DraftContent, emptyContent } from '../draft/draft.ts'
import type { MergeStrategy } from '../draft/merge.ts'
import { validationError } from '../errors.ts'
import type { ConflictId, DeviceId, Umid, Version } from '../ids.ts'
import { type Conflict, getConflict } from '../storage/conflicts.ts'
import type { Db } from '../storage/db.ts'
import {
  endDraftSave,
  endUnfinishedSaves,
  findNamedSave,
  includeDraftSaves,
  type NamedSave,
} from '../storage/draft-saves.ts'
import { findDraft, getDraft, type StoredDraft } from '../storage/drafts.ts'
import { newestOf, recentRevisions } from '../storage/revision-lookups.ts'
import { revisionContent } from '../storage/revisions.ts'
import { localTasks } from '../tasks/registry.ts'
import type { LocalTask, PlanContext, Planned } from '../tasks/task.ts'
import { type BaseClaim, type BaseOfSave, baseOfSave } from './base-of-save.ts'
import { unnamedDevice } from './check-request.ts'
import { contentOfState, stateFieldName, unknownAttachments } from './content-of-state.ts'
import type { DraftManagerConflict, DraftStateInput } from './envelope.ts'
import { endConflicts, endOpenConflicts, openConflicts } from './open-conflicts.ts'
import { checkFree } from './own-draft.ts'
import { answerOf, conflictOf, digestOf, repeatedSave } from './repeated-save.ts'
import type { AutoSave, AutoSaved } from './save-request.ts'
import { checkSize } from './state-of-draft.ts'

/** How far back an attachment is looked for that somebody wants back. */
const revisionsLookedAt = 100

interface Stored extends AutoSaved {
  /** What the client has written; null: what the draft says now. */
  readonly written: DraftContent | null
}

/** One transaction: which base, the revision or the conflict, and that the save is finished. */
export const saveState: LocalTask<AutoSave, AutoSaved> = {
  name: 'draft_save',
  async plan(context, input) {
    const { db } = context.write
    const repeated = input.isNamed ? await repeatedSave(context, input) : null
    if (repeated !== null) return { result: repeated, followUps: [] }
    const before = input.draftId === null ? null : await findDraft(db, input.draftId)
    checkFree(before, input.accountId)
    const unanswered = await unansweredSaves(db, input)
    const planned = before === null ? await create(context, input) : await saveOn(context, before, input, unanswered)
    checkSize(planned.result.draft.content, input.maxDraftSize)
    await settle(context, input, planned.result, unanswered)
    return planned
  },
}

/** Those of which something was heard; of the rest it will be said that their words are in this one. */
async function unansweredSaves(
  db: Db,
  { accountId, unanswered, saveId, isNamed }: AutoSave,
): Promise<readonly NamedSave[]> {
  const known: NamedSave[] = []
  // Under one id a client may have sent less before.
  for (const id of isNamed ? [...unanswered, saveId] : unanswered) {
    const save = await findNamedSave(db, accountId, id)
    if (save !== null) known.push(save)
  }
  return known
}

/** What the device had begun before, and what waited for a decision about older words of it, is over. */
async function settle(
  { write, now, environment }: PlanContext,
  input: AutoSave,
  saved: Stored,
  unanswered: readonly NamedSave[],
): Promise<void> {
  const { before, draft, conflict, written: sent } = saved
  const { accountId, device, saveId } = input
  const writer = { accountId, draftId: draft.id, device, now }
  const conflictId = conflict?.conflictId ?? null
  if (device !== unnamedDevice) {
    await endUnfinishedSaves(write.db, { ...writer, since: 0 })
    // Newer words of the same device are in the conflict, or have won.
    const isDecided = conflictId !== null || (conflict !== null && input.strategy === 'local-wins')
    if (isDecided) await endOpenConflicts(write, { ...writer, but: conflictId as ConflictId | null })
  }
  if (!input.isNamed && input.unanswered.length === 0) return
  const overtaken = unanswered.map(conflictOf).filter((id) => id !== null && id !== conflictId)
  await endConflicts(write, draft, overtaken, now)
  await endDraftSave(write.db, accountId, {
    saveId,
    draftId: draft.id,
    device,
    version: draft.version === before?.version ? null : draft.version,
    digest: digestOf({ environment }, input),
    answer: answerOf(saved),
    written: sent === null ? null : JSON.stringify(sent),
    now,
  })
  await includeDraftSaves(write.db, accountId, {
    saveIds: input.unanswered,
    into: saveId,
    draftId: draft.id,
    device,
    now,
  })
}

async function create(context: PlanContext, input: AutoSave): Promise<Planned<Stored>> {
  const content = written(emptyContent, input)
  // What a page sends that has nothing yet is no wish for a draft.
  if (isBlank(content)) throw validationError('draft', 'needs a subject or a body')
  const { subject, text, html, to, cc, bcc, references, tags, metadata } = content
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
  return { result: { before: null, draft, conflict: null, written: null }, followUps }
}

async function saveOn(
  context: PlanContext,
  before: StoredDraft,
  input: AutoSave,
  unanswered: readonly NamedSave[],
): Promise<Planned<Stored>> {
  const { db } = context.write
  const { state, device, by, strategy } = input
  const own = new Map<Version, DraftContent | null>()
  for (const save of unanswered) {
    if (save.version !== null && save.draftId === before.id) own.set(save.version, save.written)
  }
  const claim = { version: state.version, lastSavedAt: state.lastSavedAt, device, own }
  const base = await baseOfSave(db, before, claim)
  const known = await knownAttachments(db, before, state)
  const mayEmpty = await hasSeen(db, before, claim)
  const rewrite = (content: DraftContent): DraftContent => {
    const rewritten = written(content, input, known)
    if (isBlank(rewritten) && !mayEmpty && !isBlank(before.content)) {
      throw validationError('draft', 'needs a subject or a body, or the version that is to be emptied')
    }
    return rewritten
  }
  const isCurrent = base.version === before.version && base.content === null
  const moved = isCurrent ? null : await movedOn(db, before, base, rewrite)
  const again = moved === null || strategy !== 'merge' ? null : await sameConflict(db, before, moved, device)
  if (again !== null) {
    const fields = again.fields.map(stateFieldName)
    const conflict = { ...sidesOf(before, base.version, strategy), conflictId: again.id, fields }
    return { result: { before, draft: before, conflict, written: null }, followUps: [] }
  }
  const { result, followUps } = await localTasks.draft_save.plan(context, {
    draftId: before.id,
    baseVersion: base.version,
    baseContent: base.content,
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
  const conflict = isConflict ? { ...sidesOf(before, base.version, strategy), conflictId, fields } : null
  const isMerged = moved !== null && changedFields(moved.local, draft.content).length > 0
  return { result: { before, draft, conflict, written: isMerged ? moved.local : null }, followUps }
}

/** @throws {EverdraftError} VALIDATION_ERROR */
function written(base: DraftContent, input: AutoSave, known: readonly Attachment[] = []): DraftContent {
  const content = contentOfState(base, input.state, known)
  checkSize(content, input.maxDraftSize)
  return content
}

function isBlank({ subject, text, html }: DraftContent): boolean {
  return subject.trim() === '' && text.trim() === '' && (html ?? '').trim() === ''
}

/**
 * Who empties a draft has seen it: by the version, by the time of its last save, or as its device has written in it. What a page
 * sends that has not loaded yet is no wish to empty a draft (hazard 19).
 */
async function hasSeen(
  db: Db,
  draft: StoredDraft,
  { version = 0, lastSavedAt = 0, device }: BaseClaim,
): Promise<boolean> {
  return version > 0 || lastSavedAt > 0 || (await newestOf(db, draft.id, device)) !== null
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
  { version: base, content }: BaseOfSave,
  rewrite: (content: DraftContent) => DraftContent,
): Promise<MovedOn> {
  const began = content ?? (await revisionContent(db, before.id, base, before.content)) ?? before.content
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
