import { expect, test } from 'vitest'

import { everdraft, temporaryFolder } from './harness.ts'

test('a draft is to be reviewed, is approved, and shows what changed since', async () => {
  const data = await temporaryFolder()
  const ask = (args: readonly string[]) => everdraft([...args, '--data', data], { env: { MAIL_PASSWORD: 'secret' } })
  const run = async (args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await ask(args)
    expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' })
    return stdout
  }
  // Nobody listens on that port.
  const imap = ['--imap-host', '127.0.0.1', '--imap-port', '1', '--imap-security', 'none']
  const smtp = ['--smtp-host', '127.0.0.1', '--smtp-port', '1', '--smtp-security', 'none']
  const account = ['account', 'add', '--address', 'ann@example.org', '--imap-password-env', 'MAIL_PASSWORD']
  await run([...account, ...imap, ...smtp])
  const fields = ['--to', 'bob@example.org', '--subject', 'Hi', '--text', 'One\nTwo\nThree']
  const { id } = JSON.parse(await run(['draft', 'create', ...fields, '--review', '--json'])) as { readonly id: string }
  expect(await ask(['draft', 'send', id])).toMatchObject({ code: 1, stderr: expect.stringContaining('to be reviewed') })
  expect(await run(['draft', 'review', id])).toContain('version 1: to be reviewed, not approved')
  expect(await run(['draft', 'approve', id, '1'])).toContain(`draft ${id} approved, version 1`)
  await run(['draft', 'edit', id, '--text', 'One\n2\nThree'])
  const shown = await run(['draft', 'review', id])
  expect(shown).toContain('not approved as it is; version 1 was, by default at ')
  expect(shown.split('\n').slice(1)).toEqual(['text', '  - Two', '  + 2', ''])
  expect(await ask(['draft', 'approve', id, '1'])).toMatchObject({ code: 1 })
  expect(await ask(['draft', 'approve', id, 'last'])).toMatchObject({ code: 2 })
  expect(await run(['draft', 'review', id, '--waive'])).toContain('version 2: needs no review')
}, 120_000)
