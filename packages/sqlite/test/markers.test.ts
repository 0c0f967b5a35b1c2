import { join } from 'node:path'

import { type AccountId, createEngine, type Engine, WireError } from '@everdraft/core'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'

import { sqlite } from '../src/index.ts'
import { temporaryFolder } from './harness.ts'

const unused = (): Promise<never> => Promise.reject(new TypeError('nothing is uploaded here'))

function open(file: string): Promise<Engine> {
  return createEngine({
    storage: sqlite(file),
    mailbox: {
      format: { compose: unused, parse: unused },
      connect: () => Promise.reject(new WireError('UNREACHABLE', 'there is no server')),
    },
    timing: { uploadDelayMs: 3_600_000, longestUploadDelayMs: 86_400_000, pollMs: 3_600_000 },
  })
}

async function uploads(engine: Engine, accountId: AccountId): Promise<number> {
  const { items } = await engine.tasks.list(accountId, { limit: 500 })
  return items.filter(({ kind }) => kind === 'draft_upload').length
}

test('a start finds every draft that is owed an upload and has no task, however many there are (H30)', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'everdraft.db')
  // More than two pages of them.
  const drafts = 450
  const engine = await open(file)
  const { id: accountId } = await engine.accounts.add({
    address: 'ann@example.org',
    imap: { host: 'mail.example.org', port: 993, security: 'tls', user: 'ann', password: 'secret' },
  })
  await Promise.all(Array.from({ length: drafts }, () => engine.drafts.create({ accountId, text: 'a letter' })))
  expect(await uploads(engine, accountId)).toBe(drafts)
  await engine.close()
  const database = new Database(file)
  database.exec(`delete from task where kind = 'draft_upload'`)
  database.close()

  const again = await open(file)
  await expect.poll(() => uploads(again, accountId)).toBe(drafts)
  await again.close()
})
