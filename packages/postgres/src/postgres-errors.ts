/** SQLSTATE classes and codes of the network, in words that say what to do. */
const explanations: readonly (readonly [code: RegExp, explanation: string])[] = [
  [/^53100|^ENOSPC/, 'the disk is full: nothing of this change was stored'],
  [/^25006|^EROFS/, 'the database is read-only'],
  [/^XX00[12]/, 'the database is damaged'],
  [/^(58|EIO)/, 'the disk failed to read or write'],
  [/^(28|3D000|42501)/, 'the database refuses this user: are the name, the password and the rights right?'],
  [/^(08|57P|ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE)/, 'the database cannot be reached'],
  [/^(EACCES|EPERM)/, 'access to the folder is denied'],
  [/^(ENOENT|ENOTDIR|EEXIST|EISDIR)/, 'the folder cannot be opened'],
]

/** An error of the database or of the way to it. It has none of the values that the statement was about. */
export class PostgresFailure extends Error {
  override readonly name: string = 'PostgresFailure'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * The drivers' errors hold the statement's values and what PostgreSQL says of them: a user's text. Only the code and the
 * names of what is in the schema are kept. What has no code is none of the database's, and stays what it is.
 */
export function postgresFailure(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error
  const { table, constraint } = error as { readonly table?: unknown; readonly constraint?: unknown }
  const names = [table, constraint].filter((name) => typeof name === 'string')
  const about = names.length === 0 ? '' : ` (${names.join(', ')})`
  return new PostgresFailure(error.code, `PostgreSQL answered ${error.code}${about}`)
}

/** Null: not an error of the storage. `where` is the database, without its password. */
export function describePostgresError(error: unknown, where: string): string | null {
  if (!(error instanceof PostgresFailure)) return null
  const found = explanations.find(([pattern]) => pattern.test(error.code))
  return found ? `${where}: ${found[1]} (${error.code})` : `${where}: ${error.message}`
}
