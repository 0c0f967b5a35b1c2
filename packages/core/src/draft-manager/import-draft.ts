import { changedFields } from '../draft/content.ts'
import { applyDelta, type Delta } from '../draft/delta.ts'
import type { DraftContent } from '../draft/draft.ts'
import { mergeContent, type MergeStrategy } from '../draft/merge.ts'
import { type AccountId, type ConflictId, type Sha256, type Umid, uuidv7, type Version } from '../ids.ts'
import { holdBlob, referBlob } from '../storage/blobs.ts'
import { insertBundledDraft, refillDraft } from '../storage/bundled-drafts.ts'
import { insertConflict, listConflicts } from '../storage/conflicts.ts'
import { applyDraftEvent } from '../storage/draft-states.ts'
import { findDraft, getDraft, type StoredDraft } from '../storage/drafts.ts'
import { type NewRevision, revisionContents } from '../storage/revisions.ts'
import { createToken } from '../sync/message-ids.ts'
import { storeRevisions, uploadSoon } from '../tasks/steps/commit-revision.ts'
import type { FollowUp, PlanContext } from '../tasks/task.ts'
import type { ImportedDraft } from './import-entry.ts'
import type { StagedFile } from './import-files.ts'

/** What became of a draft of a bundle. */
export type ImportOutcome =
  /** It was not here. */
  | 'created'
  /** It was in the trash here, or emptied out of it. */
  | 'restored'
  /** It was here, and says what the bundle says now, or what both made of it. */
  | 'updated'
  /** Nothing in it was new here. */
  | 'unchanged'
  /** Both sides had changed it, and what cannot be merged is kept in a conflict. */
  | 'conflict'
  /** It is in the outbox or sent here, which nothing undoes. */
  | 'kept'

export interface ImportedItem {
  readonly outcome: ImportOutcome
  /** As it is here: another one than in the bundle where somebody else's draft has that. */
  readonly draftId: Umid
  readonly version: Version
  readonly conflictId: ConflictId | null
}

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
export async function takeDraft(context: PlanContext, entry: ImportedDraft, options: TakeOptions): Promise<TakenDraft> {
  const { draftId, existing } = await placeOf(context, entry, options)
  if (existing === null) return await create(context, entry, draftId, options)
  if (existing.status !== 'draft' && existing.status !== 'discarded') return taken(existing, 'kept')
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

/** RFC 9562 §5.8: its bits are whatever one likes. */
function customUuid(hex: string): string {
  const variant = (8 + (Number.parseInt(hex[16] ?? '0', 16) & 3)).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
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

/** The bytes of all its versions: of the bundle, or of what the account has of them. What is nowhere is missing. */
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
  const theirs = wholeVersions(entry)
  // The bundle knows what is here, and what came after it.
  const at = theirs.findIndex(({ version, content }) => version === draft.version && isSame(content, draft.content))
  const [newer, ...newest] = at === -1 ? [] : theirs.slice(at + 1)
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
  const texts = isSame(merge.content, entry.content) ? [merge.content] : [entry.content, merge.content]
  const revisions: NewRevision[] = []
  let previous: Pick<NewRevision, 'version' | 'content'> = draft
  for (const content of texts) {
    const version = (previous.version + 1) as Version
    const fieldsChanged = changedFields(previous.content, content)
    const revision: NewRevision = { version, content, savedAt: context.now, device, by, fieldsChanged }
    revisions.push(revision)
    previous = revision
  }
  const [first, ...others] = revisions
  if (first === undefined) return taken(draft, 'unchanged')
  return await advance(context, draft, [first, ...others])
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

/** Oldest first. */
function wholeVersions({ content: head, history }: ImportedDraft): readonly NewRevision[] {
  let content = head
  return history
    .toReversed()
    .map(({ encoding, encoded, bytes: _bytes, ...revision }) => {
      if (encoding === 'full') content = JSON.parse(encoded) as DraftContent
      if (encoding === 'reverse') content = applyDelta(content, JSON.parse(encoded) as Delta)
      return { ...revision, content }
    })
    .toReversed()
}

function isSame(one: DraftContent, other: DraftContent): boolean {
  return changedFields(one, other).length === 0
}
