import type { Session } from './session.ts'

/** All names of the session are of this schema from here on. */
export async function enterSchema(session: Session, schema: string): Promise<void> {
  const name = `"${schema.replaceAll('"', '""')}"`
  const { rows } = await session.query('select 1 from pg_namespace where nspname = $1', [schema])
  // Looked for first: who has no right to make schemas may use one that was made for him.
  if (rows.length === 0) await session.query(`create schema ${name}`, [])
  await session.query(`set search_path to ${name}`, [])
}
