export { blobFolder } from './blob-folder.ts'
export { nodeSqlite } from './node-sqlite.ts'
export { sqlite } from './sqlite.ts'
export type { SqliteOptions } from './sqlite-storage.ts'
