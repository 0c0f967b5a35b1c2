import { join } from 'node:path'

import { createMailServer } from '@everdraft/mailserver'
import { expect, onTestFinished, test } from 'vitest'

import { everdraft, mailUser, startMailServer, temporaryFolder } from './harness.ts'

test('a draft is sent from the command line, and what became of it can be seen', async () => {
  const server = await startMailServer()
  const data = await temporaryFolder()
  const ask = (args: readonly string[]) =>
    everdraft([...args, '--data', data], { env: { MAIL_PASSWORD: mailUser.password } })
  const run = async (args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await ask(args)
    expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' })
    return stdout
  }
  await run([
    'account',
    'add',
    '--address',
    mailUser.name,
    '--imap-host',
    '127.0.0.1',
    '--imap-port',
    String(server.imapPort),
    '--imap-security',
    'none',
    '--smtp-host',
    '127.0.0.1',
    '--smtp-port',
    String(server.smtpPort),
    '--smtp-security',
    'none',
    '--imap-password-env',
    'MAIL_PASSWORD',
  ])
  const created = await run(['draft', 'create', '--to', 'bob@example.org', '--subject', 'Hi', '--text', 'x', '--json'])
  const draft = JSON.parse(created) as { readonly id: string }
  const at = new Date(Date.now() + 3_600_000).toISOString()
  const later = await run(['draft', 'send', draft.id, '--at', at])
  expect(later).toContain(` is queued, next ${at}`)
  const [, queued = ''] = /^send (\S+) /.exec(later) ?? []
  expect(await run(['send', 'cancel', queued])).toContain(`send ${queued} is cancelled`)

  const sent = await run(['draft', 'send', draft.id])
  expect(sent).toMatch(/^send \S+ is sent$/m)
  const [, id = ''] = /^send (\S+) /.exec(sent) ?? []
  expect(server.submissions).toHaveLength(1)
  const list = await run(['send', 'list', '--status', 'sent'])
  expect(list).toContain(id)
  expect(list).not.toContain(queued)
  const shown = await run(['send', 'show', id])
  expect(shown).toMatch(/bob@example\.org\s+accepted/)
  expect(shown).toMatch(/answered-ok\s+accepted/)

  const held = JSON.parse(await run(['draft', 'create', '--to', 'bob@example.org', '--json'])) as {
    readonly id: string
  }
  await run(['draft', 'send', held.id, '--at', at])
  const restored = await temporaryFolder()
  await run(['backup', join(restored, 'everdraft.db')])
  const there = ['--data', restored]
  const listed = await everdraft(['send', 'list', '--status', 'queued', ...there])
  expect(listed.stdout).toContain('restored from a backup')
  expect(await everdraft(['send', 'release', ...there])).toMatchObject({ code: 0, stdout: 'released: 1\n' })
  expect((await everdraft(['send', 'list', '--status', 'queued', ...there])).stdout).not.toContain('backup')
  expect(await run(['send', 'release'])).toBe('nothing is held by a backup\n')

  expect(await ask(['draft', 'send', draft.id])).toMatchObject({ code: 1 })
  expect(await ask(['send', 'resolve', id, '--as', 'lost'])).toMatchObject({ code: 2 })
  const toNobody = JSON.parse(await run(['draft', 'create', '--subject', 'Hi', '--json'])) as { readonly id: string }
  const refused = await ask(['draft', 'send', toNobody.id])
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain('to: there must be a recipient')
}, 120_000)

test('a mail for later is held by the server that can, and goes also while nothing runs here', async () => {
  const server = createMailServer({ users: [mailUser], smtp: { longestHoldSeconds: 7_200 } })
  await server.listen()
  onTestFinished(() => server.close())
  const data = await temporaryFolder()
  const ask = (args: readonly string[]) =>
    everdraft([...args, '--data', data], { env: { MAIL_PASSWORD: mailUser.password } })
  const imap = ['--imap-host', '127.0.0.1', '--imap-port', String(server.imapPort), '--imap-security', 'none']
  const smtp = ['--smtp-host', '127.0.0.1', '--smtp-port', String(server.smtpPort), '--smtp-security', 'none']
  const word = ['--imap-password-env', 'MAIL_PASSWORD']
  await ask(['account', 'add', '--address', mailUser.name, ...imap, ...smtp, ...word])
  const created = await ask(['draft', 'create', '--to', 'bob@example.org', '--subject', 'Hi', '--json'])
  const { id } = JSON.parse(created.stdout) as { readonly id: string }
  const at = new Date(Date.now() + 3_600_000).toISOString()
  expect(await ask(['draft', 'send', id, '--hold-at-server'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--hold-at-server: needs --at'),
  })
  const sent = await ask(['draft', 'send', id, '--at', at, '--hold-at-server'])
  expect(sent).toMatchObject({ code: 0, stderr: '' })
  expect(sent.stdout).toMatch(/^send \S+ is sent, held by the server until \S+$/m)
  expect(server.submissions).toHaveLength(1)
}, 120_000)
