import { applyDelta, type Delta, deltaBetween } from '../draft/delta.ts'
import type { Author, ContentField, DraftContent } from '../draft/draft.ts'
import { EverdraftError } from '../errors.ts'
import type { DeviceId, Umid, Version } from '../ids.ts'
import type { Db } from './db.ts'
import { prepared } from './prepared.ts'

/**
 * The last saves of a draft stand in its row as what each changed (`draft.recent`, a line of JSON each, the oldest first);
 * the head before them stands whole in `draft_content`. So a save writes one short row, however long the text is. Each
 * sixteenth version takes them into the history and stores the head whole, as does what changes more than a text.
 */

/** Fifteen short lines are read and applied in the time that one page takes. */
const settleEvery = 16
/** In UTF-16 code units. The row is written at each save, and is to be short. */
const longestLine = 512

/** What statements ask for is always whole: who it is for, its tags, its attachments. */
const loggedFields: ReadonlySet<ContentField> = new Set<ContentField>(['subject', 'text', 'html'])

export interface RecentSave {
  readonly version: Version
  readonly savedAt: number
  readonly device: DeviceId
  readonly by: Author
  readonly fieldsChanged: readonly ContentField[]
  /** Makes this version of the one before. */
  readonly delta: Delta
  readonly content: DraftContent
}

type Line = readonly [
  version: Version,
  savedAt: number,
  device: DeviceId,
  by: Author,
  fieldsChanged: readonly ContentField[],
  delta: Delta,
]

/** As it is added to `draft.recent`; null: it is to be stored whole, with those before it. */
export function recentLine(
  previous: { readonly content: DraftContent },
  {
    version,
    savedAt,
    device,
    by,
    fieldsChanged,
    content,
    keepWhole = false,
  }: Omit<RecentSave, 'delta'> & { readonly keepWhole?: boolean },
): string | null {
  if (keepWhole || version % settleEvery === 0) return null
  if (!fieldsChanged.every((field) => loggedFields.has(field))) return null
  const line: Line = [version, savedAt, device, by, fieldsChanged, deltaBetween(previous.content, content)]
  const text = `${JSON.stringify(line)}\n`
  return text.length > longestLine ? null : text
}

/** A head as it is stored. */
export interface StoredHead {
  readonly id: string
  /** Null: there is no row of it. */
  readonly content: string | null
  readonly recent: string
}

/** @throws {DamagedDraftError} */
export function headContent(row: StoredHead): DraftContent {
  const content = stored(row)
  return row.recent === '' ? content : (savesOn(content, row).at(-1)?.content ?? content)
}

/** The saves that the history does not hold yet, and the newest version that it does. */
export interface Recent {
  readonly base: { readonly version: Version; readonly content: DraftContent }
  /** Oldest first, one at least. */
  readonly saves: readonly RecentSave[]
}

/** Null: the history holds all. @throws {DamagedDraftError} */
export async function recentOf(db: Db, id: Umid): Promise<Recent | null> {
  const [draft] = await recentRow(db, { id })
  if (draft === undefined || draft.recent === '') return null
  const [head] = await contentRow(db, { id })
  const row = { id, recent: draft.recent, content: head?.content ?? null }
  const content = stored(row)
  const saves = savesOn(content, row)
  const [first] = saves
  return first === undefined ? null : { base: { version: (first.version - 1) as Version, content }, saves }
}

const recentRow = prepared((db, input: { readonly id: Umid }) =>
  db.selectFrom('draft').select('recent').where('id', '=', input.id),
)

const contentRow = prepared((db, input: { readonly id: Umid }) =>
  db.selectFrom('draft_content').select('content').where('draft_id', '=', input.id),
)

/** Of a new draft. */
export async function addContent(db: Db, id: Umid, content: DraftContent): Promise<void> {
  await addRow(db, { id, content: JSON.stringify(content) })
}

const addRow = prepared((db, row: { readonly id: Umid; readonly content: string }) =>
  db.insertInto('draft_content').values({ draft_id: row.id, content: row.content }),
)

/** The caller empties `draft.recent`. */
export async function setContent(db: Db, id: Umid, content: DraftContent): Promise<void> {
  await setRow(db, { id, content: JSON.stringify(content) })
}

const setRow = prepared((db, row: { readonly id: Umid; readonly content: string }) =>
  db.updateTable('draft_content').set({ content: row.content }).where('draft_id', '=', row.id),
)

/** In words of ours: what a parser says of a damaged text is in part that text. */
function stored({ id, content }: StoredHead): DraftContent {
  try {
    if (content !== null) return JSON.parse(content) as DraftContent
  } catch {
    // JSON that is none.
  }
  throw new DamagedDraftError(id)
}

function savesOn(content: DraftContent, { id, recent }: StoredHead): readonly RecentSave[] {
  const saves: RecentSave[] = []
  let before = content
  try {
    // The last line has an end, too.
    for (const text of recent.split('\n').slice(0, -1)) {
      const [version, savedAt, device, by, fieldsChanged, delta] = JSON.parse(text) as Line
      before = applyDelta(before, delta)
      saves.push({ version, savedAt, device, by, fieldsChanged, delta, content: before })
    }
  } catch {
    throw new DamagedDraftError(id)
  }
  return saves
}

class DamagedDraftError extends EverdraftError {
  constructor(id: string) {
    super('STORAGE_ERROR', `what draft ${id} says is damaged in the store, and cannot be read`)
  }
}

/** It, or a revision of it, is not what was stored: work on all drafts goes on with the next one. */
export function isDamage(error: unknown): boolean {
  return error instanceof DamagedDraftError || error instanceof SyntaxError
}
