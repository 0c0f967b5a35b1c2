import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  type AccountId,
  createEngine,
  type Engine,
  type LoginSettings,
  type Secrets,
  type TokenProvider,
  WireError,
} from '@everdraft/core'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { keyFile, keysFromText, sqlite } from '../src/index.ts'

const password = 'correct-horse-battery'
const address = { host: 'mail.example.org', port: 993, security: 'tls', user: 'ann' } as const
let folder = ''
let keys = ''
let settings: LoginSettings[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'everdraft-keys-'))
  keys = join(folder, 'everdraft.key')
  settings = []
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

function unused(): never {
  throw new Error('nothing is composed here')
}

/** Its mailbox takes the settings, and does not let anybody in. */
function open(secrets: Secrets | null, tokens: TokenProvider | null = null): Promise<Engine> {
  return createEngine({
    storage: sqlite(join(folder, 'everdraft.db')),
    mailbox: {
      format: { compose: unused, parse: unused },
      async connect(given) {
        settings.push(given)
        if ('auth' in given) await given.auth.accessToken({ renew: false })
        throw new WireError('UNREACHABLE', 'there is no server')
      },
    },
    ...(secrets === null ? {} : { secrets }),
    ...(tokens === null ? {} : { tokens }),
  })
}

/** What any file of the folder holds, but the keys. */
function inFiles(text: string): boolean {
  return readdirSync(folder)
    .filter((name) => name !== 'everdraft.key')
    .some((name) => readFileSync(join(folder, name)).includes(text))
}

async function tryToEnter(engine: Engine, id: AccountId): Promise<string> {
  await engine.accounts.verify(id).catch(() => {})
  const given = settings.at(-1)
  return given !== undefined && 'password' in given ? given.password : ''
}

test('a password lies in no file of the store, the key is its owner’s alone, and the wire gets the password', async () => {
  const engine = await open(keyFile(keys))
  const proxy = 'socks5://ann:hidden-word@proxy.example.org:1080'
  const { id, imap } = await engine.accounts.add({ address: 'ann@example.org', imap: { ...address, password, proxy } })
  expect(imap.proxy).toBe('socks5://proxy.example.org:1080')
  expect(await tryToEnter(engine, id)).toBe(password)
  expect(settings.at(-1)?.proxy).toBe(proxy)
  expect([inFiles(password), inFiles('hidden-word')]).toEqual([false, false])
  await engine.close()
  expect([inFiles(password), inFiles('hidden-word')]).toEqual([false, false])
  expect(statSync(keys).mode & 0o777).toBe(0o600)
})

test('what lay there as it was is sealed at the next start with a key, and is not left in the file', async () => {
  const before = await open(null)
  const { id } = await before.accounts.add({ address: 'ann@example.org', imap: { ...address, password } })
  await before.close()
  expect(inFiles(password)).toBe(true)
  const engine = await open(keyFile(keys))
  expect(await tryToEnter(engine, id)).toBe(password)
  await engine.close()
  expect(inFiles(password)).toBe(false)
})

test('a missing or wrong key is said, naming the file; drafts are there all the same', async () => {
  const before = await open(keyFile(keys))
  const { id } = await before.accounts.add({ address: 'ann@example.org', imap: { ...address, password } })
  await before.drafts.create({ accountId: id, text: 'still here' })
  await before.close()
  rmSync(keys)
  for (const spoil of [() => {}, () => keyFile(keys).addKey()]) {
    spoil()
    const engine = await open(keyFile(keys))
    await expect(engine.accounts.verify(id)).rejects.toMatchObject({ code: 'SECRETS_LOCKED' })
    const { lastError } = await engine.accounts.get(id)
    expect(lastError?.message).toContain(keys)
    expect((await engine.drafts.list()).total).toBe(1)
    await engine.close()
  }
  writeFileSync(keys, 'no key\n')
  await expect(open(keyFile(keys))).rejects.toMatchObject({ code: 'SECRETS_LOCKED' })
  await expect(open(null).then((engine) => engine.accounts.verify(id))).rejects.toMatchObject({
    code: 'SECRETS_LOCKED',
  })
})

test('a new key seals all anew: then the old one is not needed any more', async () => {
  const ring = keyFile(keys)
  const before = await open(ring)
  const { id } = await before.accounts.add({ address: 'ann@example.org', imap: { ...address, password } })
  await before.close()
  const old = readFileSync(keys, 'utf8').trim()
  ring.addKey()
  await (await open(ring)).close()
  ring.keepNewestKey()
  expect(readFileSync(keys, 'utf8')).not.toContain(old)
  const engine = await open(keysFromText(readFileSync(keys, 'utf8').trim(), 'EVERDRAFT_KEY'))
  expect(await tryToEnter(engine, id)).toBe(password)
  await engine.close()
})

test('what is sealed for one account does not open for another, nor when a bit of it is another', async () => {
  const secrets = keyFile(keys)
  const sealed = await secrets.seal('ann' as AccountId, password)
  expect(await secrets.open('ann' as AccountId, sealed)).toBe(password)
  await expect(secrets.open('ben' as AccountId, sealed)).rejects.toMatchObject({ code: 'SECRETS_LOCKED' })
  const spoilt = `${sealed.slice(0, -6)}${sealed.at(-6) === 'A' ? 'B' : 'A'}${sealed.slice(-5)}`
  await expect(secrets.open('ann' as AccountId, spoilt)).rejects.toMatchObject({ code: 'SECRETS_LOCKED' })
  expect(() => keysFromText('too short', 'EVERDRAFT_KEY')).toThrow(/EVERDRAFT_KEY/)
})

test('a login by tokens asks for one with what is stored, and keeps the refresh token that comes back', async () => {
  const asked: (string | undefined)[] = []
  const engine = await open(keyFile(keys), async ({ refresh, keepRefreshToken }) => {
    asked.push(refresh?.refreshToken, refresh?.clientSecret)
    await keepRefreshToken('second-refresh-token')
    return 'an-access-token'
  })
  const refresh = {
    tokenEndpoint: 'https://login.example.org/token',
    clientId: 'everdraft',
    refreshToken: 'first-refresh-token',
    clientSecret: 'client-word',
  }
  const { id, imap } = await engine.accounts.add({
    address: 'ann@example.org',
    imap: { ...address, auth: { type: 'oauth2', refresh } },
  })
  expect(imap.auth).toEqual({
    type: 'oauth2',
    refresh: { tokenEndpoint: refresh.tokenEndpoint, clientId: 'everdraft' },
  })
  await engine.accounts.verify(id).catch(() => {})
  asked.length = 0
  await engine.accounts.verify(id).catch(() => {})
  expect(asked.slice(0, 2)).toEqual(['second-refresh-token', 'client-word'])
  await engine.close()
  for (const secret of ['first-refresh-token', 'second-refresh-token', 'client-word']) {
    expect(inFiles(secret)).toBe(false)
  }
})
