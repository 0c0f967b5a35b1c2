import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'

import { everdraft, mailUser, startMailServer, temporaryFolder } from './harness.ts'

interface Account {
  readonly id: string
  readonly name: string
  readonly imap: Record<string, unknown>
  readonly smtp: Record<string, unknown> | null
}

async function start(): Promise<{
  readonly data: string
  readonly server: readonly string[]
  readonly run: (args: readonly string[], env?: Record<string, string>) => ReturnType<typeof everdraft>
}> {
  const { imapPort } = await startMailServer()
  const data = await temporaryFolder()
  const server = ['--imap-host', '127.0.0.1', '--imap-port', String(imapPort), '--imap-security', 'none']
  return { data, server, run: async (args, env = {}) => everdraft([...args, '--data', data], { env }) }
}

test('an account whose password was wrong is changed: what is not said of its server stays', async () => {
  const { server, run } = await start()
  const added = await run(['account', 'add', '--address', mailUser.name, ...server, '--imap-password-env', 'P'], {
    P: 'wrong',
  })
  expect(added).toMatchObject({ code: 0, stderr: '' })
  expect(await run(['account', 'verify', mailUser.name])).toMatchObject({ code: 1, stdout: '' })
  const args = ['account', 'change', mailUser.name, '--name', 'Ann', '--imap-password-env', 'P', '--json']
  const { code, stdout } = await run(args, { P: mailUser.password })
  expect(code).toBe(0)
  const changed = JSON.parse(stdout) as Account
  expect(changed).toMatchObject({ name: 'Ann', imap: { host: '127.0.0.1', port: Number(server[3]), security: 'none' } })
  expect(stdout).not.toContain(mailUser.password)
  expect(await run(['account', 'verify', mailUser.name])).toMatchObject({ code: 0, stderr: '' })
})

test('an account logs in by access tokens that a refresh token gets; none of its secrets is told or stored as it is', async () => {
  const { data, server, run } = await start()
  const forms: string[] = []
  const endpoint = createServer((incoming, response) => {
    let form = ''
    incoming.setEncoding('utf8').on('data', (piece: string) => (form += piece))
    incoming.on('end', () => {
      forms.push(form)
      response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}')
    })
  })
  endpoint.listen(0, '127.0.0.1')
  await once(endpoint, 'listening')
  onTestFinished(() => void endpoint.close())
  const { port } = endpoint.address() as AddressInfo
  const oauth = [
    '--oauth-token-endpoint',
    `http://127.0.0.1:${port}/token`,
    '--oauth-client-id',
    'everdraft',
    '--oauth-scope',
    'mail',
  ]
  const secrets = ['--oauth-refresh-token-env', 'R', '--oauth-client-secret-env', 'C']
  const env = { R: 'refresh-word', C: 'client-word' }
  const added = await run(
    ['account', 'add', '--address', mailUser.name, ...server, ...oauth, ...secrets, '--json'],
    env,
  )
  expect(added).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(added.stdout) as Account).toMatchObject({ imap: { auth: 'oauth2' }, smtp: null })
  const verified = await run(['account', 'verify', mailUser.name])
  expect(verified.code).toBe(1)
  expect(forms[0]).toBe(
    'grant_type=refresh_token&refresh_token=refresh-word&client_id=everdraft&client_secret=client-word&scope=mail',
  )
  const stored = (await readFile(join(data, 'everdraft.db'))).toString('latin1')
  for (const secret of Object.values(env)) expect(added.stdout + verified.stderr + stored).not.toContain(secret)
})

test('a proxy and untrusted certificates are for both servers, and the proxy’s password is not told', async () => {
  const { server, run } = await start()
  const asked: string[] = []
  const proxy = createTcpServer((socket) => {
    socket.once('data', (data) => {
      asked.push(data.toString('hex'))
      socket.destroy()
    })
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  onTestFinished(() => void proxy.close())
  const { port } = proxy.address() as AddressInfo
  const way = ['--proxy-env', 'X', '--allow-untrusted', '--smtp-host', '127.0.0.1', '--imap-password-env', 'P']
  const env = { X: `socks5://ann:proxy-word@127.0.0.1:${port}`, P: mailUser.password }
  const added = await run(['account', 'add', '--address', mailUser.name, ...server, ...way, '--json'], env)
  expect(added).toMatchObject({ code: 0, stderr: '' })
  const shown = { proxy: `socks5://127.0.0.1:${port}`, allow_untrusted: true }
  expect(JSON.parse(added.stdout) as Account).toMatchObject({ imap: shown, smtp: shown })
  expect(added.stdout).not.toContain('proxy-word')
  expect((await run(['account', 'verify', mailUser.name])).code).toBe(1)
  // RFC 1928 §3: version 5, and the ways in which it can log in, by a user name among them.
  expect(asked[0]).toMatch(/^05..(?:..)*02/)
})

test('key rotate: the account goes on with a new key, and the old one opens nothing any more', async () => {
  const { data, server, run } = await start()
  await run(['account', 'add', '--address', mailUser.name, ...server, '--imap-password-env', 'P'], {
    P: mailUser.password,
  })
  const key = async (): Promise<string> => (await readFile(join(data, 'everdraft.key'), 'utf8')).trim()
  const before = await key()
  const rotated = await run(['key', 'rotate'])
  expect(rotated).toMatchObject({ code: 0, stderr: '' })
  const after = await key()
  expect(after).not.toBe(before)
  expect(after).not.toContain(before)
  expect(await run(['account', 'verify', mailUser.name])).toMatchObject({ code: 0, stderr: '' })
  const locked = await run(['account', 'verify', mailUser.name], { EVERDRAFT_KEY: before })
  expect(locked.code).toBe(1)
  expect(await run(['key', 'rotate'], { EVERDRAFT_KEY: before })).toMatchObject({ code: 2, stdout: '' })
})
