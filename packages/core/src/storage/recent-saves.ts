import { applyDelta, changeBetween } from '../draft/delta.ts'
import type { ContentField, DraftContent } from '../draft/draft.ts'
import { EverdraftError } from '../errors.ts'
import type { Umid } from '../ids.ts'
import type { Db } from './db.ts'
import type { Answered } from './direct.ts'
import { prepared, preparedChange } from './prepared.ts'
import { lineOf, readLines, type SaveFacts } from './save-lines.ts'

/**
 * The last saves of a draft stand in its row as what each changed (`draft.recent`, lines of save-lines.ts); the head before them
 * stands whole in `draft_content`. So a save writes one short row, however long the text is. Each sixteenth version takes them
 * into the history and stores the head whole, as does what changes more than a text.
 */

/** Fifteen short lines are read and applied in the time that one page takes. */
const settleEvery = 16
/** In UTF-16 code units. The row is written at each save, and is to be short. */
const longestLine = 512

/** What statements ask for is always whole: who it is for, its tags, its attachments. */
const loggedFields: ReadonlySet<ContentField> = new Set<ContentField>(['subject', 'text', 'html'])

interface RecentSave extends SaveFacts {
  /** All that differ from the version before: the line tells no others. */
  readonly fieldsChanged: readonly ContentField[]
  readonly content: DraftContent
  /** The version before it is stored whole. Default false. */
  readonly keepWhole?: boolean
}

/** As it is added to `draft.recent`; null: it is to be stored whole, with those before it. `before`: see `lineOf`. */
export function recentLine(
  previous: { readonly content: DraftContent },
  save: RecentSave,
  before: SaveFacts | null,
): string | null {
  const { version, fieldsChanged, content, keepWhole = false } = save
  if (keepWhole || version % settleEvery === 0) return null
  if (!fieldsChanged.every((field) => loggedFields.has(field))) return null
  const line = lineOf(save, changeBetween(previous.content, content, fieldsChanged), before)
  return line.length > longestLine ? null : line
}

/** A head as it is stored. */
export interface StoredHead {
  readonly id: string
  /** Null: there is no row of it. */
  readonly content: string | null
  readonly recent: string
}

/** @throws {DamagedDraftError} */
export function headContent({ id, content, recent }: StoredHead): DraftContent {
  return undamaged(id, () => {
    const base = JSON.parse(content ?? '') as DraftContent
    if (recent === '') return base
    return readLines(recent).saves.reduce((before, save) => {
      const forward = save.forward()
      if (forward === null) throw new SyntaxError('a save that does not tell the way there')
      return applyDelta(before, forward)
    }, base)
  })
}

/** The lines that the history does not hold yet; empty: it holds all. */
export async function recentText(db: Db, id: Umid): Promise<string> {
  const [row] = await recentRow(db, { id })
  return row?.recent ?? ''
}

const recentRow = prepared((db, input: { readonly id: Umid }) =>
  db.selectFrom('draft').select('recent').where('id', '=', input.id),
)

/** Of a new draft. @returns how much it takes, as JSON */
export async function addContent(db: Db, id: Umid, content: DraftContent): Promise<number> {
  const json = JSON.stringify(content)
  await addRow(db, { id, content: json })
  return json.length
}

const addRow = prepared((db, row: { readonly id: Umid; readonly content: string }) =>
  db.insertInto('draft_content').values({ draft_id: row.id, content: row.content }),
)

/** The caller empties `draft.recent`. */
export function setContent(db: Db, id: Umid, content: DraftContent): Answered<unknown> {
  return setRow(db, { id, content: JSON.stringify(content) })
}

const setRow = preparedChange((db, row: { readonly id: Umid; readonly content: string }) =>
  db.updateTable('draft_content').set({ content: row.content }).where('draft_id', '=', row.id),
)

/** In words of ours: what a parser says of a damaged text is in part that text. @throws {DamagedDraftError} */
export function undamaged<Result>(id: string, read: () => Result): Result {
  try {
    return read()
  } catch {
    throw new DamagedDraftError(id)
  }
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
