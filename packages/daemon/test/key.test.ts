import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createEngine, defaultOwner, type Secrets } from '@everdraft/core'
import { imap } from '@everdraft/mail'
import { createMailServer } from '@everdraft/mailserver'
import { keyFile, keysFromText, sqlite } from '@everdraft/sqlite'
import { expect, onTestFinished, test } from 'vitest'

import { createDaemon } from '../src/index.ts'

const token = 'the-token-of-this-test'
const user = { name: 'ann@example.org', password: 'correct horse' }

async function service(secretsIn: (folder: string) => Secrets) {
  const folder = await mkdtemp(join(tmpdir(), 'everdraft-key-test-'))
  const mailServer = createMailServer({ users: [user] })
  await mailServer.listen()
  const secrets = secretsIn(folder)
  const storage = sqlite(join(folder, 'everdraft.db'))
  const engine = await createEngine({ storage, mailbox: imap(), secrets, watch: false, probe: false })
  const daemon = await createDaemon({ engine, token, version: '1.2.3' })
  const url = await daemon.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(async () => {
    await daemon.close()
    await engine.close()
    await mailServer.close()
    await rm(folder, { recursive: true })
  })
  const server = { host: '127.0.0.1', port: mailServer.imapPort, security: 'none', user: user.name } as const
  return {
    engine,
    keyPath: join(folder, 'key'),
    rotate: (bearer = token) =>
      fetch(`${url}/key/rotate`, { method: 'POST', headers: { authorization: `Bearer ${bearer}` } }),
    addAccount: () => engine.accounts.add({ address: user.name, imap: { ...server, password: user.password } }),
  }
}

const inFile = (folder: string): Secrets => keyFile(join(folder, 'key'))

test('a new key seals all while everything goes on, and the old one opens nothing any more', async () => {
  const { engine, keyPath, rotate, addAccount } = await service(inFile)
  const accounts = [await addAccount()]
  const { webhook, secret } = await engine.webhooks.add({ owner: defaultOwner, url: 'https://hooks.example.com/' })
  const before = (await readFile(keyPath, 'utf8')).trim()
  // Passwords that come while the key changes, and two changes at once.
  const [first, second, ...added] = await Promise.all([rotate(), rotate(), addAccount(), addAccount(), addAccount()])
  expect([first.status, second.status]).toEqual([204, 204])
  accounts.push(...added)
  const after = (await readFile(keyPath, 'utf8')).trim()
  expect(after).toMatch(/^[A-Za-z0-9+/]{43}=$/)
  expect(after).not.toBe(before)
  for (const { id } of accounts) expect(await engine.sync(id)).toMatchObject({ errors: [] })
  expect(await engine.webhooks.secrets(webhook.id)).toEqual([secret])
})

test('it is for the token of the daemon itself, and where the keys are in a file', async () => {
  const { engine, rotate, keyPath, addAccount } = await service(inFile)
  await addAccount()
  const before = await readFile(keyPath, 'utf8')
  const scopes = ['read', 'write', 'send', 'approve', 'admin'] as const
  const { text } = await engine.apiTokens.create({ owner: defaultOwner, scopes })
  const refused = await rotate(text)
  expect(refused.status).toBe(403)
  expect(await refused.json()).toMatchObject({ code: 'UNAUTHORIZED' })
  expect(await readFile(keyPath, 'utf8')).toBe(before)

  const given = await service(() => keysFromText(Buffer.alloc(32, 1).toString('base64'), 'EVERDRAFT_KEY'))
  const answer = await given.rotate()
  expect(answer.status).toBe(503)
  expect(await answer.json()).toMatchObject({
    code: 'SECRETS_LOCKED',
    detail: expect.stringContaining('given from outside'),
  })
})
