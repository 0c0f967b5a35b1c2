import type { Db } from './db.ts'
import { prepared } from './prepared.ts'

/** One of a bundle's drafts while the bundle is read, as JSON. */
export interface StagedEntry {
  readonly importId: string
  /** From 0, without gaps. */
  readonly seq: number
  readonly entry: string
  readonly at: number
}

export async function stageEntry(db: Db, entry: StagedEntry): Promise<void> {
  await addEntry(db, entry)
}

const addEntry = prepared((db, input: StagedEntry) =>
  db
    .insertInto('staged_import')
    .values({ import_id: input.importId, seq: input.seq, entry: input.entry, at: input.at }),
)

/** In their order, from `seq` on. */
export async function stagedEntries(db: Db, importId: string, seq: number, limit: number): Promise<readonly string[]> {
  const rows = await entryRows(db, { importId, seq, limit })
  return rows.map(({ entry }) => entry)
}

const entryRows = prepared((db, input: { readonly importId: string; readonly seq: number; readonly limit: number }) =>
  db
    .selectFrom('staged_import')
    .select('entry')
    .where('import_id', '=', input.importId)
    .where('seq', '>=', input.seq)
    .orderBy('seq')
    .limit(input.limit),
)

/** Those before `seq`. */
export async function dropStaged(db: Db, importId: string, seq: number): Promise<void> {
  await dropEntries(db, { importId, seq })
}

const dropEntries = prepared((db, input: { readonly importId: string; readonly seq: number }) =>
  db.deleteFrom('staged_import').where('import_id', '=', input.importId).where('seq', '<', input.seq),
)

/** What a crash in the middle of reading left. */
export async function dropOldStaged(db: Db, before: number): Promise<void> {
  await db.deleteFrom('staged_import').where('at', '<', before).execute()
}
