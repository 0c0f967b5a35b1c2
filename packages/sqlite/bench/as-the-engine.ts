import Database from 'better-sqlite3'

const pragmas = [
  'locking_mode = EXCLUSIVE',
  'journal_mode = WAL',
  'synchronous = FULL',
  'secure_delete = FAST',
  'fullfsync = 1',
  'foreign_keys = ON',
  'wal_autocheckpoint = 4000',
  'temp_store = MEMORY',
  'cache_size = -16384',
]

/** A file as `sqlite(file)` opens it. */
export function openAsTheEngine(file: string): Database.Database {
  const database = new Database(file, { timeout: 0 })
  for (const pragma of pragmas) database.pragma(pragma)
  return database
}
