import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { begin, everdraft, temporaryFolder } from './harness.ts'

const listensOn = /listens on (?<url>http:\/\/\S+)/

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8)
}

test('serve makes its folder 0700 and a token 0600, prints where it is and never itself', async () => {
  const data = join(await temporaryFolder(), 'new', 'data')
  const daemon = begin(['serve', '--data', data, '--listen', '127.0.0.1:0'])
  const url = (await daemon.printed(listensOn)).groups?.['url'] ?? ''
  await daemon.printed(/token {2}in /)
  const token = (await readFile(join(data, 'token'), 'utf8')).trim()
  expect(token.length).toBeGreaterThan(30)
  expect([await modeOf(data), await modeOf(join(data, 'token'))]).toEqual(['700', '600'])
  expect(existsSync(join(data, 'everdraft.db'))).toBe(true)
  const answer = await fetch(`${url}/accounts`, { headers: { authorization: `Bearer ${token}` } })
  expect(answer.status).toBe(200)
  expect((await fetch(`${url}/accounts`)).status).toBe(401)
  daemon.kill('SIGTERM')
  const { code, stdout, stderr } = await daemon.ended
  expect(code).toBe(0)
  expect(stdout).toContain(join(data, 'token'))
  expect(stdout + stderr).not.toContain(token)
})

test('a second start keeps the token', async () => {
  const data = await temporaryFolder()
  const tokens: string[] = []
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const daemon = begin(['serve', '--data', data, '--listen', '127.0.0.1:0'])
    await daemon.printed(listensOn)
    tokens.push(await readFile(join(data, 'token'), 'utf8'))
    daemon.kill(signal)
    expect((await daemon.ended).code).toBe(0)
  }
  expect(tokens[0]).toBe(tokens[1])
})

test('a second daemon on the same folder says so and exits 1; the first goes on', async () => {
  const data = await temporaryFolder()
  const first = begin(['serve', '--data', data, '--listen', '127.0.0.1:0'])
  const url = (await first.printed(listensOn)).groups?.['url'] ?? ''
  const second = await everdraft(['serve', '--data', data, '--listen', '127.0.0.1:0'])
  expect(second.code).toBe(1)
  expect(second.stderr).toContain(`another everdraft is on ${data} already`)
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
  first.kill('SIGTERM')
  expect((await first.ended).code).toBe(0)
})

test('a port that is taken is named, and nothing stays behind that says a daemon is there', async () => {
  const [data, other] = [await temporaryFolder(), await temporaryFolder()]
  const first = begin(['serve', '--data', data, '--listen', '127.0.0.1:0'])
  const { host } = new URL((await first.printed(listensOn)).groups?.['url'] ?? '')
  const { code, stderr } = await everdraft(['serve', '--data', other, '--listen', host])
  expect(code).toBe(1)
  expect(stderr).toContain(`cannot listen on ${host}: the port is taken`)
  expect(existsSync(join(other, 'daemon.url'))).toBe(false)
})

test('commands with --data go to the daemon that is on it, and to the folder itself when none is', async () => {
  const data = await temporaryFolder()
  const daemon = begin(['serve', '--data', data, '--listen', '127.0.0.1:0'])
  await daemon.printed(/token {2}in /)
  const added = await everdraft(
    ['account', 'add', '--address', 'a@example.org', '--imap-host', '127.0.0.1', '--imap-port', '1', '--data', data],
    { stdin: 'a password\n' },
  )
  expect(added).toMatchObject({ code: 0, stderr: '' })
  daemon.kill('SIGTERM')
  await daemon.ended
  const listed = await everdraft(['account', 'list', '--json', '--data', data])
  expect(listed.code).toBe(0)
  expect(JSON.parse(listed.stdout)).toMatchObject({ total: 1, items: [{ address: 'a@example.org' }] })
  expect(listed.stdout).not.toContain('a password')
})

test('a token that was given to serve is not stored, and clients on the folder are told to bring it', async () => {
  const data = await temporaryFolder()
  const daemon = begin(['serve', '--data', data, '--listen', '127.0.0.1:0'], {
    env: { EVERDRAFT_TOKEN: 'given-token' },
  })
  await daemon.printed(/token {2}as given/)
  expect(existsSync(join(data, 'token'))).toBe(false)
  const without = await everdraft(['account', 'list', '--data', data])
  expect(without.code).toBe(1)
  expect(without.stderr).toContain('--token')
  expect((await everdraft(['account', 'list', '--data', data, '--token', 'given-token'])).code).toBe(0)
})

test('an unknown setting exits 2 and is named', async () => {
  const data = await temporaryFolder()
  const { code, stderr } = await everdraft(['serve', '--data', data], { env: { EVERDRAFT_PROT: '1' } })
  expect(code).toBe(2)
  expect(stderr).toContain('unknown setting: EVERDRAFT_PROT')
})

test('a draft that is open in a composer is open after a restart, from the version at which it was opened', async () => {
  const data = await temporaryFolder()
  const serve = async (): Promise<{
    readonly call: (method: string, path: string, json: object) => Promise<Record<string, unknown>>
    readonly stop: () => Promise<number | null>
  }> => {
    const daemon = begin(['serve', '--data', data, '--listen', '127.0.0.1:0', '--token', 'the-token'])
    const url = (await daemon.printed(listensOn)).groups?.['url'] ?? ''
    return {
      call: async (method, path, json) => {
        const headers = { authorization: 'Bearer the-token', 'content-type': 'application/json' }
        const response = await fetch(`${url}${path}`, { method, headers, body: JSON.stringify(json) })
        expect(response.ok).toBe(true)
        return (await response.json()) as Record<string, unknown>
      },
      stop: async () => {
        daemon.kill('SIGTERM')
        return (await daemon.ended).code
      },
    }
  }
  const device = { device_id: 'desk' }
  const first = await serve()
  const imap = { host: '127.0.0.1', port: 1, security: 'none', user: 'a', password: 'secret' }
  const account = await first.call('POST', '/accounts', { address: 'a@example.org', imap })
  const drafts = `/accounts/${String(account['id'])}/drafts`
  const draft = await first.call('POST', drafts, { subject: 'created', policy: 'local-only' })
  const path = `${drafts}/${String(draft['id'])}`
  await first.call('PUT', path, { subject: 'as opened' })
  await first.call('POST', `${path}/open`, device)
  await first.call('PUT', path, { subject: 'regretted' })
  expect(await first.stop()).toBe(0)
  const second = await serve()
  await second.call('POST', `${path}/open`, device)
  expect(await second.call('POST', `${path}/discard-changes`, device)).toMatchObject({ subject: 'as opened' })
  expect(await second.stop()).toBe(0)
})
