import { changedFields } from '../draft/content.ts'
import type { DraftContent } from '../draft/draft.ts'
import { mergeContent, type MergeStrategy } from '../draft/merge.ts'
import { missingAttachments } from '../draft/missing-attachments.ts'
import { type AccountId, type ConflictId, type Sha256, type Umid, uuidv7, type Version } from '../ids.ts'
import { holdBlob, missingBlobs, referBlob } from '../storage/blobs.ts'
import { insertBundledDraft, refillDraft } from '../storage/bundled-drafts.ts'
import { insertConflict, listConflicts } from '../storage/conflicts.ts'
import { applyDraftEvent } from '../storage/draft-states.ts'
import { findDraft, getDraft, type StoredDraft } from '../storage/drafts.ts'
import { type NewRevision, revisionContents } from '../storage/revisions.ts'
import { createToken } from '../sync/message-ids.ts'
import { storeRevisions, uploadSoon } from '../tasks/steps/commit-revision.ts'
import type { FollowUp, PlanContext } from '../tasks/task.ts'
import { customUuid, type ImportedDraft, lacking, type Whole, wholeVersions, withoutBytesOf } from './import-entry.ts'
import type { StagedFile } from './import-files.ts'
import type { ImportedItem, ImportOutcome } from './import-outcome.ts'

export interface TakenDraft extends ImportedItem {
  readonly followUps: readonly FollowUp[]
}

export interface TakeOptions {
  readonly accountId: AccountId
  readonly strategy: MergeStrategy
  readonly files: ReadonlyMap<Sha256, StagedFile>
  /** Of the files, those that some draft has taken hold of. */
  readonly used: Set<Sha256>
}

/** Takes one draft in. Part of the caller's transaction: all of a bundle or nothing. */
export async function takeDraft(context: PlanContext, given: ImportedDraft, options: TakeOptions): Promise<TakenDraft> {
  const { draftId, existing } = await placeOf(context, given, options)
  if (existing !== null && existing.status !== 'draft' && existing.status !== 'discarded')
    return taken(existing, 'kept')
  const entry = await asFarAsHere(context, given, options)
  if (existing === null) return await create(context, entry, draftId, options)
  await hold(context, entry, draftId, options)
  if (existing.emptiedAt !== null) return await refill(context, entry, existing)
  if (existing.status === 'draft') return await reconcile(context, entry, existing, options)
  await applyDraftEvent(context.write, draftId, { type: 'returned', verified: null }, context.now)
  context.write.emit({ type: 'draft-undiscarded', accountId: options.accountId, draftId, version: existing.version })
  const restored = await reconcile(context, entry, await getDraft(context.write.db, draftId), options)
  const outcome = restored.outcome === 'conflict' ? 'conflict' : 'restored'
  return { ...restored, outcome, followUps: uploadSoon(context, existing) }
}

function taken({ id, version }: Pick<StoredDraft, 'id' | 'version'>, outcome: ImportOutcome): TakenDraft {
  return { outcome, draftId: id, version, conflictId: null, followUps: [] }
}

/**
 * Ids are unique over all accounts. Where another account has this one, the draft gets one that is made of both, so that the
 * same bundle finds the same draft the next time.
 */
async function placeOf(
  { write, environment, now }: PlanContext,
  { draftId }: ImportedDraft,
  { accountId }: TakeOptions,
): Promise<{ readonly draftId: Umid; readonly existing: StoredDraft | null }> {
  if (draftId === null) return { draftId: uuidv7(now, environment.random) as Umid, existing: null }
  const existing = await findDraft(write.db, draftId)
  if (existing === null || existing.accountId === accountId) return { draftId, existing }
  const hasher = environment.createSha256()
  hasher.update(new TextEncoder().encode(`bundled ${accountId} ${draftId}`))
  const other = customUuid(hasher.digest()) as Umid
  const there = await findDraft(write.db, other)
  return { draftId: other, existing: there?.accountId === accountId ? there : null }
}

async function create(context: PlanContext, entry: ImportedDraft, id: Umid, options: TakeOptions): Promise<TakenDraft> {
  const { write, environment } = context
  const { accountId } = options
  const { version, content, policy, reviewRequired, createdAt, updatedAt, history } = entry
  const token = createToken(environment.random)
  const draft = { id, accountId, token, policy, reviewRequired, version, content, createdAt, updatedAt, history }
  await insertBundledDraft(write.db, draft)
  await hold(context, entry, id, options)
  write.emit({ type: 'draft-created', accountId, draftId: id, version })
  return { ...taken({ id, version }, 'created'), followUps: uploadSoon(context, { id, accountId, policy }) }
}

/** Versions go on: what was said under a number once is never another text. */
async function refill(context: PlanContext, entry: ImportedDraft, existing: StoredDraft): Promise<TakenDraft> {
  const { write, now } = context
  const { id, accountId } = existing
  const version = Math.max(entry.version, existing.version + 1) as Version
  const history = entry.history.map((record, index) =>
    index === entry.history.length - 1 ? { ...record, version } : record,
  )
  await refillDraft(write.db, { ...entry, id, version, history })
  await applyDraftEvent(write, id, { type: 'returned', verified: null }, now)
  write.emit({ type: 'draft-undiscarded', accountId, draftId: id, version })
  return { ...taken({ id, version }, 'restored'), followUps: uploadSoon(context, existing) }
}

async function asFarAsHere(
  { write }: PlanContext,
  entry: ImportedDraft,
  { accountId, files }: TakeOptions,
): Promise<ImportedDraft> {
  const wanted = entry.files.map(({ sha256 }) => sha256).filter((sha256) => !files.has(sha256))
  if (wanted.length === 0) return entry
  const absent = await missingBlobs(write.db, accountId, wanted)
  return absent.size === 0 ? entry : withoutBytesOf(entry, absent)
}

/** The bytes of all its versions: of the bundle, or of what the account has of them. */
async function hold(
  { write }: PlanContext,
  { files }: ImportedDraft,
  draftId: Umid,
  { accountId, files: staged, used }: TakeOptions,
): Promise<void> {
  for (const { sha256 } of files) {
    const file = used.has(sha256) ? undefined : staged.get(sha256)
    if (file === undefined) {
      await holdBlob(write.db, accountId, sha256, draftId)
      continue
    }
    await referBlob(write.db, file, accountId, draftId)
    used.add(sha256)
  }
}

async function reconcile(
  context: PlanContext,
  entry: ImportedDraft,
  draft: StoredDraft,
  { strategy }: TakeOptions,
): Promise<TakenDraft> {
  if (isSame(draft.content, entry.content)) return taken(draft, 'unchanged')
  if (isWithTheBytes(entry, draft))
    return await advance(context, draft, [nextRevision(context, entry, draft, entry.content)])
  const theirs = wholeVersions(entry)
  // The bundle knows what is here, and what came after it.
  const at = theirs.findIndex(({ version, content }) => version === draft.version && isSame(content, draft.content))
  const [newer, ...newest] = at === -1 ? [] : theirs.slice(at + 1).map(asRevision)
  if (newer !== undefined) return await advance(context, draft, [newer, ...newest])

  const ours = await revisionContents(context.write.db, draft.id, draft.content)
  // What is here came after what the bundle says.
  if (ours.some(({ content }) => isSame(content, entry.content))) return taken(draft, 'unchanged')
  const base = ours.find((our) => theirs.some((one) => one.version === our.version && isSame(one.content, our.content)))
  return await mergeIn(context, entry, draft, { strategy, base: base ?? null })
}

async function advance(
  context: PlanContext,
  draft: StoredDraft,
  newer: readonly [NewRevision, ...NewRevision[]],
): Promise<TakenDraft> {
  const { result, followUps } = await storeRevisions(context, draft, newer)
  return { ...taken(result.draft, 'updated'), followUps }
}

/** Both sides went on from `base`, or nobody knows from what. What loses stays in the history. */
async function mergeIn(
  context: PlanContext,
  entry: ImportedDraft,
  draft: StoredDraft,
  {
    strategy,
    base,
  }: {
    readonly strategy: MergeStrategy
    readonly base: { readonly version: Version; readonly content: DraftContent } | null
  },
): Promise<TakenDraft> {
  // As in a save: local is what is here, and remote what the bundle says.
  const sides = { base: base?.content ?? draft.content, local: draft.content, remote: entry.content }
  const merge = base === null ? withoutBase(sides, strategy) : mergeContent(sides, strategy)
  const head = entry.history.at(-1)
  const by = head?.by ?? 'user'
  const device = head?.device ?? context.device
  if (merge.kind === 'conflict') {
    const conflictId = await keepBoth(context, entry, draft, { base, fields: merge.fields, device, by })
    return { ...taken(draft, 'conflict'), conflictId }
  }
  const said = nextRevision(context, entry, draft, entry.content)
  if (isSame(merge.content, entry.content)) return await advance(context, draft, [said])
  return await advance(context, draft, [said, nextRevision(context, entry, said, merge.content)])
}

function nextRevision(
  { now, device }: PlanContext,
  { history }: ImportedDraft,
  previous: Pick<NewRevision, 'version' | 'content'>,
  content: DraftContent,
): NewRevision {
  const head = history.at(-1)
  const fieldsChanged = changedFields(previous.content, content)
  const version = (previous.version + 1) as Version
  return { version, content, savedAt: now, device: head?.device ?? device, by: head?.by ?? 'user', fieldsChanged }
}

/** Here some of its files were missing, and the bundle has them; else both say the same. */
function isWithTheBytes({ content }: ImportedDraft, draft: StoredDraft): boolean {
  const missing = new Set(missingAttachments(draft.content).map(({ id }) => id))
  const come = content.attachments.filter(({ id }) => missing.has(id)).map(({ sha256 }) => sha256)
  return come.length > 0 && isSame(lacking(content, new Set(come)), draft.content)
}

/** With nothing to compare with, one side is as it is, or somebody has to look. */
function withoutBase(
  { local, remote }: { readonly local: DraftContent; readonly remote: DraftContent },
  strategy: MergeStrategy,
): ReturnType<typeof mergeContent> {
  switch (strategy) {
    case 'local-wins':
      return { kind: 'merged', content: local }
    case 'remote-wins':
      return { kind: 'merged', content: remote }
    case 'merge':
      return { kind: 'conflict', content: local, fields: changedFields(local, remote) }
  }
}

/** The same bundle once more finds the conflict that it has made. */
async function keepBoth(
  { write, now, environment }: PlanContext,
  entry: ImportedDraft,
  draft: StoredDraft,
  how: {
    readonly base: { readonly version: Version; readonly content: DraftContent } | null
    readonly fields: ReturnType<typeof changedFields>
    readonly device: NewRevision['device']
    readonly by: NewRevision['by']
  },
): Promise<ConflictId> {
  const known = (await listConflicts(write.db, draft.id)).find(
    ({ resolvedAt, local }) => resolvedAt === null && isSame(local, entry.content),
  )
  if (known !== undefined) return known.id
  const id = uuidv7(now, environment.random) as ConflictId
  await insertConflict(write.db, draft.accountId, {
    id,
    draftId: draft.id,
    baseVersion: how.base?.version ?? draft.version,
    remoteVersion: draft.version,
    base: how.base?.content ?? draft.content,
    local: entry.content,
    remote: draft.content,
    fields: how.fields,
    device: how.device,
    by: how.by,
    createdAt: now,
    resolvedAt: null,
    resolution: null,
  })
  write.emit({ type: 'conflict-raised', accountId: draft.accountId, draftId: draft.id, conflictId: id })
  return id
}

function asRevision({ version, savedAt, device, by, fieldsChanged, content }: Whole): NewRevision {
  return { version, savedAt, device, by, fieldsChanged, content }
}

function isSame(one: DraftContent, other: DraftContent): boolean {
  return changedFields(one, other).length === 0
}
