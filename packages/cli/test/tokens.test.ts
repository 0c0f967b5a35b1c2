import { expect, test } from 'vitest'

import { begin, everdraft, temporaryFolder } from './harness.ts'

test('a token is made, opens the daemon as far as it says, is listed and revoked', async () => {
  const data = await temporaryFolder()
  const daemon = begin(['serve', '--data', data, '--listen', '127.0.0.1:0'])
  const [, url = ''] = await daemon.printed(/listens on (\S+)/)
  const create = ['token', 'create', '--data', data]
  const who = ['--scope', 'read', '--tenant', 'acme', '--user', 'ann']
  const made = await everdraft([...create, ...who, '--json', '--name', 'reader'])
  expect(made).toMatchObject({ code: 0, stderr: '' })
  const { id, token } = JSON.parse(made.stdout) as { readonly id: string; readonly token: string }
  const asReader = (args: readonly string[]) => everdraft([...args, '--url', url, '--token', token])
  expect(await asReader(['account', 'list'])).toMatchObject({ code: 0 })
  const refused = await asReader(['token', 'list'])
  expect(refused).toMatchObject({ code: 1, stderr: 'everdraft: the token lacks the scope admin\n' })
  const list = await everdraft(['token', 'list', '--data', data])
  expect(list.stdout).toMatch(new RegExp(`${id}\\s+reader\\s+acme\\s+ann\\s+read\\s+never`))
  expect(list.stdout).not.toContain(token)
  expect(await everdraft(['token', 'revoke', id, '--data', data])).toMatchObject({ code: 0 })
  expect(await asReader(['account', 'list'])).toMatchObject({ code: 1 })
  for (const wrong of [
    ['token', 'create'],
    ['token', 'create', '--scope', 'reed'],
  ]) {
    expect(await everdraft([...wrong, '--data', data])).toMatchObject({ code: 2 })
  }
  daemon.kill('SIGTERM')
  expect((await daemon.ended).code).toBe(0)
}, 60_000)
