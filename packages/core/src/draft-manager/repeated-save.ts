import { changedFields } from '../draft/content.ts'
import type { DraftContent } from '../draft/draft.ts'
import { type ConflictId, uuidv7, type Version } from '../ids.ts'
import { insertConflict, listConflicts } from '../storage/conflicts.ts'
import type { Db } from '../storage/db.ts'
import { findNamedSave, type NamedSave } from '../storage/draft-saves.ts'
import { findDraft, type StoredDraft } from '../storage/drafts.ts'
import { newestUpTo } from '../storage/revision-lookups.ts'
import { revisionContent } from '../storage/revisions.ts'
import type { PlanContext } from '../tasks/task.ts'
import { contentOfState } from './content-of-state.ts'
import type { DraftManagerConflict } from './envelope.ts'
import { openConflicts } from './open-conflicts.ts'
import type { AutoSave, AutoSaved } from './save-request.ts'
import { checkSize } from './state-of-draft.ts'

/** What a save was answered, as far as the history does not say it. */
interface SaveAnswer {
  /** The version that it found; null: it began the draft. */
  readonly from: Version | null
  readonly version: Version
  readonly conflict: DraftManagerConflict | null
}

export function answerOf({ before, draft, conflict }: AutoSaved): string {
  return JSON.stringify({ from: before?.version ?? null, version: draft.version, conflict } satisfies SaveAnswer)
}

/** The one that a save has raised; null: none. */
export function conflictOf({ answer }: NamedSave): ConflictId | null {
  if (answer === null) return null
  return ((JSON.parse(answer) as SaveAnswer).conflict?.conflictId ?? null) as ConflictId | null
}

/** By which a save that comes again is told from another one under the same id. */
export function digestOf({ environment }: Pick<PlanContext, 'environment'>, input: AutoSave): string {
  const { state, strategy, unanswered } = input
  const hasher = environment.createSha256()
  hasher.update(new TextEncoder().encode(JSON.stringify([strategy, unanswered, state])))
  return hasher.digest()
}

/**
 * A save that came before, or whose words came with a later one, is answered as that was, whatever has become of the draft
 * since. Null: it is a save of its own.
 */
export async function repeatedSave(context: PlanContext, input: AutoSave): Promise<AutoSaved | null> {
  const { db } = context.write
  const known = await findNamedSave(db, input.accountId, input.saveId)
  if (known === null || (input.draftId !== null && known.draftId !== input.draftId)) return null
  if (known.answer !== null) {
    const isTheSame = known.digest === digestOf(context, input)
    return isTheSame ? await asAnswered(db, input, known.draftId, known.answer) : null
  }
  const later = await laterSave(db, input, known)
  if (later === null || later.answer === null) return null
  const answered = await asAnswered(db, input, later.draftId, later.answer)
  if (answered !== null) await keepLate(context, input, answered.draft)
  return answered
}

/** The first one that has the words of this one, and was answered. */
async function laterSave(db: Db, { accountId }: AutoSave, save: NamedSave): Promise<NamedSave | null> {
  const seen = new Set<string>()
  let later: NamedSave | null = save
  while (later !== null && later.answer === null) {
    const { includedIn }: NamedSave = later
    if (includedIn === null || seen.has(includedIn)) return null
    seen.add(includedIn)
    later = await findNamedSave(db, accountId, includedIn)
  }
  return later
}

async function asAnswered(
  db: Db,
  { accountId }: AutoSave,
  draftId: StoredDraft['id'],
  answer: string,
): Promise<AutoSaved | null> {
  const { from, version, conflict } = JSON.parse(answer) as SaveAnswer
  const draft = await findDraft(db, draftId)
  // A version that is not here: the store was put back from a backup, and what was answered is no more.
  if (draft === null || draft.accountId !== accountId || draft.emptiedAt !== null || draft.version < version)
    return null
  const conflictId = conflict?.conflictId ?? null
  // What was decided is asked about no more.
  if (conflictId !== null && !(await openConflicts(db, draftId)).some(({ id }) => id === conflictId)) return null
  const before = from === null ? null : await draftAt(db, draft, from)
  return { before, draft: await draftAt(db, draft, version), conflict }
}

/** As it was. Where compaction took that version: as it is. */
async function draftAt(db: Db, draft: StoredDraft, version: Version): Promise<StoredDraft> {
  if (version === draft.version) return draft
  const content = await revisionContent(db, draft.id, version, draft.content)
  const seen = await newestUpTo(db, draft.id, version)
  if (content === null || seen?.version !== version) return draft
  return { ...draft, version, content, updatedAt: seen.savedAt }
}

/** Its words are said to be in the one that overtook it: should they not be, they stay in a record that asks nobody. */
async function keepLate({ write, now, environment }: PlanContext, input: AutoSave, draft: StoredDraft): Promise<void> {
  const { db } = write
  const { device, by, state, maxDraftSize } = input
  const base = await baseContent(db, draft, state.version)
  const local = contentOfState(base, state, draft.content.attachments)
  checkSize(local, maxDraftSize)
  const fields = changedFields(draft.content, local)
  if (fields.length === 0 || changedFields(base, local).length === 0) return
  if ((await listConflicts(db, draft.id)).some((one) => changedFields(one.local, local).length === 0)) return
  await insertConflict(db, draft.accountId, {
    id: uuidv7(now, environment.random) as ConflictId,
    draftId: draft.id,
    baseVersion: (state.version ?? draft.version) as Version,
    remoteVersion: draft.version,
    base,
    local,
    remote: draft.content,
    fields,
    device,
    by,
    createdAt: now,
    resolvedAt: now,
    resolution: 'superseded',
  })
}

async function baseContent(db: Db, draft: StoredDraft, version: number | undefined): Promise<DraftContent> {
  if (version === undefined || version === 0 || version === draft.version) return draft.content
  return (await revisionContent(db, draft.id, version as Version, draft.content)) ?? draft.content
}
