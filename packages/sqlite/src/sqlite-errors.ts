import { EverdraftError } from '@everdraft/core'

/** Errors of the file system and of SQLite, by code, in words that say what to do. */
const explanations: readonly (readonly [code: RegExp, explanation: string])[] = [
  [/^(SQLITE_FULL|ENOSPC)/, 'the disk is full: nothing of this change was stored'],
  [/^(SQLITE_READONLY|EROFS)/, 'the file is read-only'],
  [/^(SQLITE_CORRUPT|SQLITE_NOTADB)/, 'the file is damaged or not a database'],
  [/^(SQLITE_IOERR|EIO)/, 'the disk failed to read or write'],
  [/^(EACCES|EPERM|SQLITE_PERM)/, 'access to the file is denied'],
  [/^(ENOENT|ENOTDIR|EISDIR|EEXIST|ELOOP|SQLITE_CANTOPEN)/, 'the file cannot be opened: is the folder there?'],
]

/** Null: not an error of the storage. */
export function describeSqliteError(error: unknown, file: string): string | null {
  const code = codeOf(error)
  const found = explanations.find(([pattern]) => pattern.test(code))
  if (found) return `${file}: ${found[1]} (${code})`
  return code.startsWith('SQLITE_') ? `${file}: SQLite answered ${code}` : null
}

/** Brings an error of the file system into ours: the message names the path. */
export async function named<Result>(path: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof EverdraftError) throw error
    const description = describeSqliteError(error, path)
    throw description === null ? error : new EverdraftError('STORAGE_ERROR', description, { cause: error })
  }
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

export function isBusy(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error))
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return ''
  if (error.code !== 'ERR_SQLITE_ERROR') return error.code
  // Node gives SQLite's number, of which the low byte is the primary result code.
  const number = 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : 1
  return `SQLITE_${primaryCodes[number & 0xff] ?? number}`
}

/** https://www.sqlite.org/rescode.html */
const primaryCodes: Readonly<Record<number, string>> = {
  1: 'ERROR',
  3: 'PERM',
  5: 'BUSY',
  6: 'LOCKED',
  7: 'NOMEM',
  8: 'READONLY',
  10: 'IOERR',
  11: 'CORRUPT',
  13: 'FULL',
  14: 'CANTOPEN',
  18: 'TOOBIG',
  19: 'CONSTRAINT',
  20: 'MISMATCH',
  26: 'NOTADB',
}
