import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { everdraft, mailUser, startMailServer, temporaryFolder } from './harness.ts'

test('a draft lives its life from the command line, on a data folder without a daemon', async () => {
  const server = await startMailServer()
  const data = await temporaryFolder()
  const file = join(data, 'notes.bin')
  await writeFile(file, randomBytes(10_000))
  const run = async (args: readonly string[], stdin = ''): Promise<string> => {
    const { code, stdout, stderr } = await everdraft([...args, '--data', data], {
      stdin,
      env: { MAIL_PASSWORD: mailUser.password },
    })
    expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' })
    return stdout
  }
  const address = ['--address', mailUser.name, '--imap-host', '127.0.0.1', '--imap-port', String(server.imapPort)]
  const added = await run([
    'account',
    'add',
    ...address,
    '--imap-security',
    'none',
    '--imap-password-env',
    'MAIL_PASSWORD',
  ])
  expect(added).toMatch(/^account \S+ \(ann@example\.org\) added$/m)
  expect(await run(['account', 'verify', mailUser.name])).toMatch(/an edit {7}\d+ bytes by (append|replace)/)

  const created = await run(
    [
      'draft',
      'create',
      '--to',
      'bob@example.org',
      '--to',
      'carol@example.org',
      '--subject',
      'Hi',
      '--text-file',
      '-',
      '--json',
    ],
    'Dear both',
  )
  const { id } = JSON.parse(created) as { id: string }
  expect(JSON.parse(created)).toMatchObject({ version: 1, text: 'Dear both', to: [{ address: 'bob@example.org' }, {}] })
  expect(await run(['draft', 'edit', id, '--subject', 'Hello', '--base-version', '1'])).toContain('version 2')
  expect(await run(['draft', 'attach', id, file, '--name', "a 'note'.bin"])).toContain(
    "a 'note'.bin (10.0 KB) attached",
  )
  // On a slow machine an earlier version may be there already.
  expect(await run(['draft', 'show', id])).toMatch(
    /sync {6}(?:local-only: no copy on the server|stale-server: UID|synchronized)/,
  )
  // Nor is it said who brings the last: each command works on the queue while it runs.
  expect(await run(['sync'])).toMatch(/^[01] uploaded, [01] replaced, 0 imported, 0 purged/)
  expect(server.mailbox(mailUser.name, 'Drafts')).toHaveLength(1)
  expect(await run(['draft', 'list'])).toMatch(new RegExp(`${id} +draft +synchronized +\\d+ .* Hello`))
  const history = JSON.parse(await run(['draft', 'history', id, '--json'])) as { items: object[] }
  expect(history.items).toMatchObject([
    { version: 3, by: 'user', fields_changed: ['attachments'] },
    { version: 2, by: 'user' },
    { version: 1 },
  ])
  expect(await run(['draft', 'discard', id])).toContain('is discarded')
  await run(['sync'])
  expect(server.mailbox(mailUser.name, 'Drafts')).toHaveLength(0)
  expect(await run(['draft', 'list', '--status', 'draft'])).toBe('no drafts\n')
  const inbox = server.store.find(mailUser.name, 'INBOX')
  if (inbox === undefined) throw new Error('there is no INBOX')
  const mail = 'From: bob@example.org\r\nSubject: Lunch\r\nMessage-ID: <lunch@example.org>\r\n\r\nSoup?\r\n'
  server.store.append(inbox, { bytes: Buffer.from(mail), flags: [], internalDateMs: 0 })
  expect(
    JSON.parse(await run(['draft', 'reply', '<lunch@example.org>', '--mode', 'reply-all', '--json'])),
  ).toMatchObject({ subject: 'Re: Lunch', to: [{ address: 'bob@example.org' }], in_reply_to: '<lunch@example.org>' })
  expect(await run(['account', 'remove', mailUser.name, '--unsent', 'discard'])).toContain('removed')
})

test('while the server is down sync exits 1 and says why, and the queue shows it and can be told to try again', async () => {
  const server = await startMailServer()
  await server.close()
  const data = await temporaryFolder()
  const connection = ['--imap-host', '127.0.0.1', '--imap-port', String(server.imapPort), '--imap-security', 'none']
  await everdraft(['account', 'add', '--address', mailUser.name, ...connection, '--data', data], { stdin: 'secret\n' })
  expect((await everdraft(['draft', 'create', '--subject', 'x', '--data', data])).code).toBe(0)
  const sync = await everdraft(['sync', '--wait', '10', '--data', data])
  expect(sync.code).toBe(1)
  expect(sync.stderr).toContain(`127.0.0.1:${server.imapPort}`)
  const run = async (args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await everdraft([...args, '--data', data])
    expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' })
    return stdout
  }
  const tasks = JSON.parse(await run(['task', 'list', '--json'])) as { items: { id: string; kind: string }[] }
  expect(tasks.items).toContainEqual(expect.objectContaining({ kind: 'draft_upload', state: 'waiting' }))
  const upload = tasks.items.find(({ kind }) => kind === 'draft_upload')?.id ?? ''
  expect(await run(['task', 'list'])).toMatch(new RegExp(`${upload} +draft_upload .* waiting .*T.*Z +UNREACHABLE: `))
  const shown = await run(['task', 'show', upload])
  expect(shown).toMatch(/^why +UNREACHABLE: .*127\.0\.0\.1/m)
  expect(shown).toMatch(/T\S+Z +planned +–\n/)
  expect(shown).toMatch(/T\S+Z +offline +UNREACHABLE: /)
  const { timeline } = JSON.parse(await run(['task', 'show', upload, '--json'])) as { timeline: object[] }
  expect(timeline[0]).toMatchObject({ what: 'planned', error: null })

  await server.listen({ imapPort: server.imapPort })
  expect(await run(['task', 'retry', upload])).toMatch(new RegExp(`^task ${upload} is (waiting|running)`))
  const unknown = await everdraft(['task', 'show', 'no-task', '--data', data])
  expect(unknown).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('there is no task') })
})

test('a stale --base-version, an unknown draft and a missing file exit 1 with a reason', async () => {
  const data = await temporaryFolder()
  const account = ['--address', 'a@example.org', '--imap-host', '127.0.0.1', '--imap-port', '1']
  await everdraft(['account', 'add', ...account, '--data', data], { stdin: 'secret\n' })
  const created = await everdraft(['draft', 'create', '--subject', 'x', '--local-only', '--json', '--data', data])
  const { id } = JSON.parse(created.stdout) as { id: string }
  for (const [args, reason] of [
    [['draft', 'edit', id, '--subject', 'y', '--base-version', '7'], /version/i],
    [['draft', 'show', '00000000-0000-7000-8000-000000000000'], /there is no draft/],
    [['draft', 'attach', id, join(data, 'no-such-file')], /no-such-file cannot be read/],
    [['account', 'remove', 'a@example.org'], /drafts/],
  ] as const) {
    const { code, stderr } = await everdraft([...args, '--data', data])
    expect({ args, code }).toEqual({ args, code: 1 })
    expect(stderr).toMatch(reason)
  }
})

test('an account is not added without a password, nor with a variable that is not set', async () => {
  const data = await temporaryFolder()
  const account = ['account', 'add', '--address', 'a@example.org', '--imap-host', 'mail.example.org', '--data', data]
  expect(await everdraft(account)).toMatchObject({ code: 1, stderr: expect.stringContaining('no password') })
  const unset = await everdraft([...account, '--imap-password-env', 'NOT_SET'])
  expect(unset).toMatchObject({ code: 2, stderr: expect.stringContaining('NOT_SET') })
})
