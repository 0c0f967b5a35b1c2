import { expect, test } from 'vitest'

import { ensureDataFolder, ensureToken } from '../src/data-folder.ts'
import { begin, everdraft, mailUser, startMailServer, temporaryFolder } from './harness.ts'

test('each command is a process that ends by itself, with its exit code', async () => {
  const server = await startMailServer()
  const data = await temporaryFolder()
  const run = (...args: readonly string[]) =>
    begin([...args, '--data', data], { env: { MAIL_PASSWORD: mailUser.password } }).ended
  const address = ['--address', mailUser.name, '--imap-host', '127.0.0.1', '--imap-port', String(server.imapPort)]
  const password = ['--imap-security', 'none', '--imap-password-env', 'MAIL_PASSWORD']
  expect(await run('account', 'add', ...address, ...password)).toMatchObject({ code: 0, stderr: '' })
  const created = begin(['draft', 'create', '--text-file', '-', '--json', '--data', data], { stdin: 'Dear both' })
  expect(JSON.parse((await created.ended).stdout)).toMatchObject({ text: 'Dear both' })
  expect(await run('sync')).toMatchObject({ code: 0, stderr: '' })
  expect(server.mailbox(mailUser.name, 'Drafts')).toHaveLength(1)
  expect(await run('draft', 'show', 'nothing')).toMatchObject({ code: 1, stdout: '' })
  expect(await run('draft', 'lose')).toMatchObject({ code: 2, stdout: '' })
})

test('the token of a data folder can follow its option', async () => {
  for (let n = 0; n < 100; n += 1) {
    expect(await ensureToken(await ensureDataFolder(await temporaryFolder()))).toMatch(/^\w{64}$/)
  }
  const listed = await everdraft(['account', 'list', '--url', 'http://127.0.0.1:1', '--token', '-x'])
  expect(listed).toMatchObject({ code: 2, stderr: expect.stringContaining('--token') })
})
