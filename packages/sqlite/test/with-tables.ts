import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Storage } from '@everdraft/core'

import { openStore } from '../../core/src/storage/store.ts'
import { sqlite } from '../src/index.ts'

/**
 * The storage on a file in which the empty tables are already, when it is first opened: to go through all versions of them
 * anew takes longer than many a test. How they are made in an empty file is what the tests of the storage are about.
 */
export function withTables(file: string, storage: Storage = sqlite(file)): Storage {
  return {
    async open() {
      if (!existsSync(file)) await writeFile(file, await (made ??= make()), { mode: 0o600 })
      return await storage.open()
    },
  }
}

let made: Promise<Uint8Array> | undefined

/** No engine was in it yet: nothing of one is in two files. */
async function make(): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'everdraft-tables-'))
  const file = join(folder, 'everdraft.db')
  const { store } = await openStore(sqlite(file), { now: () => 0, schedule: () => () => {} })
  await store.close()
  const bytes = await readFile(file)
  await rm(folder, { recursive: true })
  return bytes
}
