import type { PGlite } from '@electric-sql/pglite'

/** Schemas of one PGlite that tests use one after another: to make the tables takes longer than most of the tests. */
export interface SchemasInTurns {
  /** One with empty tables, or a new one. */
  take(): Promise<string>
  /** Its stores are closed. */
  giveBack(schema: string): void
}

const ofTests = ['note', 'thing']

export function schemasInTurns(database: PGlite): SchemasInTurns {
  const free: string[] = []
  let made = 0

  async function empty(schema: string): Promise<void> {
    const { rows } = await database.query<{ readonly name: string }>(
      'select table_name as name from information_schema.tables where table_schema = $1',
      [schema],
    )
    // What a test made by itself, perhaps in the place of the engine's tables.
    if (rows.some(({ name }) => ofTests.includes(name))) {
      await database.exec(`drop schema "${schema}" cascade`)
      return
    }
    const emptied = rows.map(({ name }) =>
      name === 'meta' ? `delete from meta where key <> 'schema_version'` : `delete from "${name}"`,
    )
    // Neither triggers nor foreign keys have a say in it.
    await database.exec(
      [
        `set search_path to "${schema}"`,
        'set session_replication_role = replica',
        ...emptied,
        'set session_replication_role = origin',
      ].join(';'),
    )
  }

  return {
    async take() {
      const used = free.pop()
      if (used !== undefined) {
        await empty(used)
        return used
      }
      made += 1
      return `test ${made}`
    },
    giveBack: (schema) => void free.push(schema),
  }
}
