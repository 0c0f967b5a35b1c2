import type { Kysely, Transaction } from 'kysely'

import type { Schema } from './schema.ts'

/** A query runner: inside a write, or for reading. */
export type Db = Kysely<Schema> | Transaction<Schema>
