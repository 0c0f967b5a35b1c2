/** What a statement answered. */
interface Answer {
  readonly rows: readonly Record<string, unknown>[]
  /** As PostgreSQL says it, `INSERT` or `COMMIT`. */
  readonly command: string
  readonly rowCount: number
}

/**
 * One session with a PostgreSQL. Numbers of eight bytes come as numbers, bytes as `Uint8Array`; errors are as
 * `postgresFailure` makes them.
 */
export interface Session {
  query(text: string, parameters: readonly unknown[]): Promise<Answer>
  close(): Promise<void>
}

/** Waits until it is one's turn; the function that comes ends the turn. */
export type Turns = () => Promise<() => void>

export function takeTurns(): Turns {
  let last = Promise.resolve()
  return async () => {
    const before = last
    const turn = Promise.withResolvers<void>()
    last = turn.promise
    await before
    return turn.resolve
  }
}
