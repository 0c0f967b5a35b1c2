import { join } from 'node:path'

import { createEngine, type DiscoveredServer } from '@everdraft/core'
import { createDaemon } from '@everdraft/daemon'
import { imap } from '@everdraft/mail'
import { sqlite } from '@everdraft/sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'

import { everdraft, temporaryFolder } from './harness.ts'

const token = 'the-token-of-this-test'
const found: DiscoveredServer = {
  host: 'imap.example.org',
  port: 9993,
  security: 'starttls',
  user: 'ann',
  logins: ['password'],
  source: 'autoconfig',
  toConfirm: false,
}

/** `account add` on a daemon that finds these, whatever it is asked for. */
async function adding(servers: {
  readonly imap: DiscoveredServer | null
  readonly smtp: DiscoveredServer | null
}): Promise<(...args: readonly string[]) => ReturnType<typeof everdraft>> {
  const engine = await createEngine({ storage: sqlite(join(await temporaryFolder(), 'everdraft.db')), mailbox: imap() })
  const daemon = await createDaemon({
    engine,
    token,
    version: '1.2.3',
    autodiscovery: { discover: async () => servers },
  })
  const url = await daemon.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(async () => {
    await daemon.close()
    await engine.close()
  })
  const always = ['account', 'add', '--url', url, '--token', token, '--address', 'ann@example.org', '--json']
  return (...args) => everdraft([...always, '--imap-password-env', 'P', ...args], { env: { P: 'secret' } })
}

describe('account add --discover', () => {
  test('takes what the domain has published; what is said wins', async () => {
    const add = await adding({ imap: found, smtp: { ...found, host: 'smtp.example.org', port: 465, security: 'tls' } })
    const { code, stdout, stderr } = await add('--discover', '--imap-port', '1143')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({
      imap: { host: 'imap.example.org', port: 1143, security: 'starttls', user: 'ann' },
      smtp: { host: 'smtp.example.org', port: 465, security: 'tls', user: 'ann' },
    })
  })

  test('gives no password to a host that DNS alone names, until a person does', async () => {
    const add = await adding({ imap: { ...found, host: 'imap.example.net', toConfirm: true }, smtp: null })
    const refused = await add('--discover')
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain('--imap-host imap.example.net')
    const confirmed = await add('--discover', '--imap-host', 'imap.example.net')
    expect(confirmed.code).toBe(0)
    expect(JSON.parse(confirmed.stdout)).toMatchObject({ imap: { host: 'imap.example.net', port: 9993 }, smtp: null })
  })

  test('says so where nobody says anything; a server that is named is no found one', async () => {
    const add = await adding({ imap: null, smtp: null })
    const { code, stderr } = await add('--discover')
    expect(code).toBe(1)
    expect(stderr).toContain('nothing says where the mailbox of ann@example.org is')
    const named = await (await adding({ imap: found, smtp: null }))('--discover', '--imap-host', 'other.example.org')
    expect(JSON.parse(named.stdout)).toMatchObject({
      imap: { host: 'other.example.org', port: 993, security: 'tls', user: 'ann@example.org' },
    })
  })
})
