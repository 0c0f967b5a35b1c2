import { join } from 'node:path'

import { exerciseStorage, type StorageSubject } from '@everdraft/testkit'
import { describe } from 'vitest'

import { nodeSqlite, sqlite } from '../src/index.ts'
import { temporaryFolder } from './harness.ts'

const subject = (open: typeof sqlite): StorageSubject => ({
  async create() {
    const folder = await temporaryFolder()
    return {
      storage: () => open(join(folder.path, 'everdraft.db')),
      copyPath: join(folder.path, 'copy.db'),
      storageAt: (path) => open(path),
      remove: async () => await folder[Symbol.asyncDispose](),
    }
  },
})

const all = { backup: true, checkIntegrity: true, answersAtOnce: true, leadingByteOrderMark: true }

describe('better-sqlite3', () => {
  exerciseStorage(() => subject(sqlite), all)
})

describe('node:sqlite', () => {
  exerciseStorage(() => subject(nodeSqlite), all)
})
