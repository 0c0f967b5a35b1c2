import { join } from 'node:path'

import { createEngine } from '@everdraft/core'
import { expect, test } from 'vitest'

import { createFakeMailbox } from '../../core/test/fake-mailbox.ts'
import { sqlite } from '../src/index.ts'
import { temporaryFolder, withStatementHook } from './harness.ts'

test('a start looks at what is owed after the first answer, and stores nothing before it', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'everdraft.db')
  const mailbox = createFakeMailbox().port
  const imap = { host: 'mail.example.org', port: 993, security: 'tls', user: 'ann', password: 'secret' } as const
  const first = await createEngine({ storage: sqlite(file), mailbox })
  const { id: accountId } = await first.accounts.add({ address: 'ann@example.org', imap })
  await first.drafts.create({ accountId, text: 'a letter' })
  await first.close()

  const statements: string[] = []
  const hooked = withStatementHook(sqlite(file), (statement, when) => {
    if (when === 'before') statements.push(statement)
  })
  const engine = await createEngine({ storage: hooked, mailbox })
  expect((await engine.drafts.list({ limit: 10 })).total).toBe(1)
  // What ran is let wait again, and what was half stored is dropped.
  expect(statements.some((statement) => statement.startsWith('update "lane"'))).toBe(true)
  expect(statements.some((statement) => statement.startsWith('delete from "blob"'))).toBe(true)
  const looks =
    /^(?:insert into "task"|update "task"|select .* from "(?:pending_import|delete_debt" inner join|account)")/
  expect(statements.filter((statement) => looks.test(statement))).toEqual([])
  await expect.poll(() => statements.filter((statement) => looks.test(statement)).length).toBeGreaterThan(2)
  await engine.close()
})
