export { pglite, type PgliteOptions } from './pglite.ts'
export { postgres, type PostgresOptions } from './postgres.ts'
