import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createEngine, defaultOwner, type Engine } from '@everdraft/core'
import { imap } from '@everdraft/mail'
import { keyFile, keysFromText, sqlite } from '@everdraft/sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'

import { createDaemon, signWebhook, verifyWebhook, type WebhookOptions } from '../src/index.ts'
import { isPublicAddress } from '../src/public-address.ts'
import { listen } from './event-client.ts'
import { type Answer, type Running, start, token } from './harness.ts'

interface Delivered {
  readonly headers: IncomingHttpHeaders
  readonly text: string
  // oxlint-disable-next-line typescript/no-explicit-any -- what came is what the tests are about
  readonly body: any
}

interface Receiver {
  readonly url: string
  readonly port: number
  readonly delivered: readonly Delivered[]
  /** Resolves when it is so; looks at each delivery. */
  readonly until: (isSo: () => boolean) => Promise<void>
  /** Resolves once there are so many. */
  readonly count: (deliveries: number) => Promise<void>
}

type Reply = (delivered: Delivered, index: number) => { status: number; headers?: Record<string, string> } | null

/** A real receiver; `reply` null: it says nothing. */
async function receive(reply: Reply = () => ({ status: 204 }), port = 0): Promise<Receiver> {
  const delivered: Delivered[] = []
  const watching = new Set<() => void>()
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Uint8Array[] = []
    for await (const chunk of request) chunks.push(chunk as Uint8Array)
    const text = Buffer.concat(chunks).toString()
    const one = { headers: request.headers, text, body: JSON.parse(text) }
    delivered.push(one)
    const said = reply(one, delivered.length - 1)
    if (said !== null) response.writeHead(said.status, said.headers).end('an answer that nobody keeps')
    for (const look of watching) look()
  }
  const server = createServer((request, response) => void answer(request, response))
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const bound = (server.address() as AddressInfo).port
  async function until(isSo: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const look = (): void => {
      if (isSo()) resolve()
    }
    watching.add(look)
    look()
    await promise
    watching.delete(look)
  }
  return {
    url: `http://127.0.0.1:${bound}/hook`,
    port: bound,
    delivered,
    until,
    count: (deliveries) => until(() => delivered.length >= deliveries),
  }
}

const quick: Partial<WebhookOptions> = {
  policy: { backOff: { firstMs: 1, longestMs: 5 }, disableAfterMs: 3_600_000 },
}

async function hook({ call }: Running, url: string, json: object = {}): Promise<Answer['body']> {
  const answer = await call('POST', '/webhooks', { json: { url, allow_private: true, ...json } })
  expect(answer.status).toBe(201)
  return answer.body
}

async function attempts({ call }: Running, id: string): Promise<Answer['body'][]> {
  return (await call('GET', `/webhooks/${id}/deliveries?limit=500`)).body.items
}

function isSigned(secret: string, { headers, text }: Delivered, now?: number): boolean {
  return verifyWebhook({
    secret,
    timestamp: String(headers['everdraft-timestamp']),
    signature: String(headers['everdraft-signature']),
    body: text,
    ...(now === undefined ? {} : { now }),
  })
}

describe('deliveries', () => {
  test('come in order, signed, in the JSON of the stream, from the making of the webhook on', async () => {
    const running = await start()
    const receiver = await receive()
    const { id: accountId } = await running.addAccount()
    await running.addDraft(accountId, { subject: 'before' })
    const made = await running.call('POST', '/webhooks', {
      json: { url: receiver.url, events: ['draft-saved', 'draft-created'], allow_private: true },
    })
    expect(made.headers.get('location')).toBe(`/webhooks/${made.body.id}`)
    const { secret, ...shown } = made.body
    expect(secret).toMatch(/^whsec_[0-9a-f]{64}$/)
    expect(shown).toMatchObject({ status: 'active', events: ['draft-created', 'draft-saved'], account_id: null })
    const stream = await listen(running.url, { token })
    await stream.opened()
    const draft = await running.addDraft(accountId, { subject: 'the words of a user' })
    for (let n = 0; n < 20; n += 1) {
      await running.call('PUT', `/accounts/${accountId}/drafts/${draft.id}`, { json: { text: `${n}` } })
    }
    await receiver.count(21)
    await stream.hear(({ data }) => data.version === 21)
    const told = stream.heard.filter(({ event }) => event === 'draft-created' || event === 'draft-saved')
    expect(receiver.delivered.map(({ body }) => body)).toEqual(told.map(({ data }) => data))
    for (const delivered of receiver.delivered) {
      expect(delivered.headers).toMatchObject({
        'content-type': 'application/json',
        'user-agent': 'everdraft/1.2.3',
        'everdraft-event': delivered.body.type,
        'everdraft-delivery': `${shown.id}:${delivered.body.cursor}`,
      })
      const signedAt = Number(delivered.headers['everdraft-timestamp']) * 1000
      expect(isSigned(secret, delivered)).toBe(true)
      expect(isSigned(`${secret}0`, delivered)).toBe(false)
      expect(isSigned(secret, { ...delivered, text: `${delivered.text} ` })).toBe(false)
      expect(isSigned(secret, delivered, signedAt + 301_000)).toBe(false)
      expect(isSigned(secret, delivered, signedAt - 301_000)).toBe(false)
    }
    stream.leave()
    const log = running.logLines.join('')
    for (const unsaid of ['the words of a user', secret, receiver.url]) expect(log).not.toContain(unsaid)
    expect(JSON.stringify((await running.call('GET', '/webhooks')).body)).not.toContain(secret)
  })

  test('are tried again until they are taken, and what comes later waits', async () => {
    const running = await start({ webhooks: quick })
    const receiver = await receive((_one, index) => ({ status: [500, 404, 302, 200][index] ?? 204 }))
    const { id: accountId } = await running.addAccount()
    const webhook = await hook(running, receiver.url, { events: ['draft-created'] })
    const first = await running.addDraft(accountId)
    const second = await running.addDraft(accountId)
    await receiver.count(5)
    expect(receiver.delivered.map(({ body }) => body.draft_id)).toEqual([...Array<string>(4).fill(first.id), second.id])
    const ids = receiver.delivered.map(({ headers }) => headers['everdraft-delivery'])
    expect(new Set(ids.slice(0, 4)).size).toBe(1)
    expect(ids[4]).not.toBe(ids[0])
    // The receiver knows of it a moment before the log does.
    await expect.poll(() => attempts(running, webhook.id)).toHaveLength(5)
    expect((await attempts(running, webhook.id)).map(({ attempt, status, error }) => [attempt, status, error])).toEqual(
      [
        [1, 204, null],
        [4, 200, null],
        [3, 302, 'REDIRECT'],
        [2, 404, 'REFUSED'],
        [1, 500, 'REFUSED'],
      ],
    )
  })

  test('go on over a restart with what happened meanwhile; the secret lies sealed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'everdraft-webhooks-test-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const serve = async () => {
      const secrets = keyFile(join(folder, 'key'))
      const engine = await createEngine({ storage: sqlite(join(folder, 'everdraft.db')), mailbox: imap(), secrets })
      const daemon = await createDaemon({ engine, token, version: '1.2.3', webhooks: quick })
      return { engine, daemon, url: await daemon.listen({ host: '127.0.0.1', port: 0 }) }
    }
    const before = await serve()
    const receiver = await receive()
    const made = await fetch(`${before.url}/webhooks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ url: receiver.url, events: ['draft-created'], allow_private: true }),
    })
    const { secret } = (await made.json()) as { secret: string }
    const server = { host: '127.0.0.1', port: 1, security: 'none', user: 'ann', password: 'secret' } as const
    const { id: accountId } = await before.engine.accounts.add({ address: 'ann@example.org', imap: server })
    const drafts = [await before.engine.drafts.create({ accountId })]
    await receiver.count(1)
    await before.daemon.close()
    for (let n = 0; n < 3; n += 1) drafts.push(await before.engine.drafts.create({ accountId }))
    await before.engine.close()
    for (const name of await readdir(folder)) expect(await readFile(join(folder, name), 'utf8')).not.toContain(secret)

    const after = await serve()
    const last = await after.engine.drafts.create({ accountId })
    drafts.push(last)
    await receiver.until(() => receiver.delivered.some(({ body }) => body.draft_id === last.id))
    await after.daemon.close()
    await after.engine.close()
    const told = receiver.delivered.map(({ body }) => body.draft_id)
    // The first may have been taken in the moment in which the daemon closed.
    expect([...new Set(told)]).toEqual(drafts.map(({ id }) => id))
    expect(receiver.delivered.every((delivered) => isSigned(secret, delivered))).toBe(true)
  })

  test('end after days of failure, which is an event; a test that is taken makes them go on', async () => {
    let isDown = true
    const running = await start({ webhooks: { policy: { backOff: { firstMs: 1, longestMs: 5 }, disableAfterMs: 1 } } })
    const receiver = await receive(() => ({ status: isDown ? 503 : 204 }))
    const { id: accountId } = await running.addAccount()
    const stream = await listen(running.url, { token })
    const { id } = await hook(running, receiver.url, { events: ['draft-created'] })
    const draft = await running.addDraft(accountId)
    const { data } = await stream.hear(({ event }) => event === 'webhook-disabled')
    stream.leave()
    expect(data).toMatchObject({ webhook_id: id, account_id: null })
    const [shown] = (await running.call('GET', '/webhooks')).body.items
    expect(shown).toMatchObject({ status: 'disabled', next_attempt_at: null })
    // The event is dated when it is written down, a moment later.
    expect(Date.parse(shown.disabled_at)).toBeLessThanOrEqual(Date.parse(data.at))
    const refused = await running.call('POST', `/webhooks/${id}/test`)
    expect(refused).toMatchObject({ status: 200, body: { event: 'ping', cursor: null, status: 503, error: 'REFUSED' } })
    const tried = receiver.delivered.length

    isDown = false
    expect((await running.call('POST', `/webhooks/${id}/test`)).body).toMatchObject({ status: 204, error: null })
    await receiver.count(tried + 2)
    const [ping, waited] = receiver.delivered.slice(tried)
    expect(ping?.body).toMatchObject({ type: 'ping', webhook_id: id })
    expect(waited?.body).toMatchObject({ type: 'draft-created', draft_id: draft.id })
    expect((await running.call('GET', '/webhooks')).body.items).toMatchObject([{ status: 'active', disabled_at: null }])
  })

  test('end at once where the receiver says that it is gone, and when the webhook is removed', async () => {
    const running = await start({ webhooks: quick })
    const receiver = await receive(() => ({ status: 410 }))
    const { id: accountId } = await running.addAccount()
    const stream = await listen(running.url, { token })
    const gone = await hook(running, receiver.url, { events: ['draft-created'] })
    await running.addDraft(accountId)
    expect((await stream.hear(({ event }) => event === 'webhook-disabled')).data.webhook_id).toBe(gone.id)
    expect(receiver.delivered).toHaveLength(1)
    stream.leave()

    const other = await receive()
    const removed = await hook(running, other.url, { events: ['draft-created'] })
    const witness = await hook(running, other.url, { events: ['draft-created'] })
    expect((await running.call('DELETE', `/webhooks/${removed.id}`)).status).toBe(204)
    await running.addDraft(accountId)
    await running.addDraft(accountId)
    await other.count(2)
    expect(new Set(other.delivered.map(({ headers }) => String(headers['everdraft-delivery']).slice(0, 36)))).toEqual(
      new Set([witness.id]),
    )
    expect((await running.call('GET', `/webhooks/${removed.id}/deliveries`)).status).toBe(404)
  })

  test('of one account, and of one user, are of no other', async () => {
    const running = await start()
    const receiver = await receive()
    const { id: one } = await running.addAccount()
    const { id: two } = await running.addAccount({ address: 'two@example.org' })
    await hook(running, receiver.url, { events: ['draft-created'], account_id: two })
    const { body: bearer } = await running.call('POST', '/tokens', {
      json: { user_id: 'bob', scopes: ['admin', 'write'] },
    })
    const bobs = await running.call('POST', '/webhooks', {
      token: bearer.token,
      json: { url: receiver.url, allow_private: true },
    })
    expect(bobs.status).toBe(201)
    await running.addDraft(one)
    const draft = await running.addDraft(two)
    await receiver.count(1)
    expect((await running.call('POST', `/webhooks/${bobs.body.id}/test`, { token: bearer.token })).status).toBe(200)
    expect(receiver.delivered.map(({ body }) => body.draft_id ?? body.type)).toEqual([draft.id, 'ping'])
  })

  test('are kept in the log for 30 days', async () => {
    let shiftMs = 0
    const running = await start({}, { now: () => Date.now() + shiftMs })
    const receiver = await receive()
    const { id } = await hook(running, receiver.url)
    await running.call('POST', `/webhooks/${id}/test`)
    expect(await attempts(running, id)).toHaveLength(1)
    shiftMs = 29 * 24 * 3_600_000
    await running.engine.housekeep()
    expect(await attempts(running, id)).toHaveLength(1)
    shiftMs = 31 * 24 * 3_600_000
    await running.engine.housekeep()
    expect(await attempts(running, id)).toEqual([])
  })

  test('to a receiver that says nothing time out', async () => {
    const running = await start({ webhooks: { timeoutMs: 50 } })
    const receiver = await receive(() => null)
    const { id } = await hook(running, receiver.url)
    expect((await running.call('POST', `/webhooks/${id}/test`)).body).toMatchObject({ status: null, error: 'TIMEOUT' })
  })
})

describe('a webhook that is changed', () => {
  const events = ['draft-created']

  test('goes elsewhere at once with what the old place did not take, and brings what it is told to', async () => {
    const running = await start({
      webhooks: { policy: { backOff: { firstMs: 3_600_000, longestMs: 3_600_000 }, disableAfterMs: 3_600_000 } },
    })
    const [old, place] = [await receive(() => ({ status: 500 })), await receive()]
    const { id: accountId } = await running.addAccount()
    const { id, secret, ...made } = await hook(running, old.url, { events })
    const first = await running.addDraft(accountId)
    await expect.poll(() => attempts(running, id)).toHaveLength(1)
    const moved = await running.call('PATCH', `/webhooks/${id}`, { json: { url: place.url } })
    expect(moved).toMatchObject({
      status: 200,
      body: { ...made, url: place.url, status: 'active', failures: 0, next_attempt_at: null },
    })
    await place.count(1)
    expect(isSigned(secret, place.delivered[0]!)).toBe(true)

    await running.call('PATCH', `/webhooks/${id}`, { json: { events: ['draft-saved', 'draft-discarded'] } })
    await running.addDraft(accountId)
    await running.call('PUT', `/accounts/${accountId}/drafts/${first.id}`, { json: { text: 'More' } })
    await place.count(2)
    const all = await running.call('PATCH', `/webhooks/${id}`, { json: { events: null } })
    expect(all.body).toMatchObject({ url: place.url, events: null })
    const third = await running.addDraft(accountId)
    await place.count(3)
    expect(place.delivered.map(({ body }) => [body.type, body.draft_id])).toEqual([
      ['draft-created', first.id],
      ['draft-saved', first.id],
      ['draft-created', third.id],
    ])
    expect(old.delivered).toHaveLength(1)
    expect((await running.call('PATCH', `/webhooks/${id}`, { json: {} })).body).toEqual(all.body)
  })

  test('brings nothing while it is not enabled, also over what was on its way, and then goes on from where it was', async () => {
    const running = await start({ webhooks: quick })
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
    const receiver = await receive()
    const { id: accountId } = await running.addAccount()
    const { id } = await hook(running, receiver.url, { events })
    const drafts = [await running.addDraft(accountId)]
    await receiver.count(1)
    const paused = await running.call('PATCH', `/webhooks/${id}`, { json: { enabled: false } })
    expect(paused.body).toMatchObject({ status: 'disabled', disabled_at: expect.any(String) })
    const known = receiver.delivered.length
    drafts.push(await running.addDraft(accountId), await running.addDraft(accountId))
    // Somebody else's have come meanwhile: deliveries go on, and not here.
    const other = await receive(() => {
      letGo()
      return { status: 204 }
    })
    await hook(running, other.url, { events })
    drafts.push(await running.addDraft(accountId))
    await held
    expect(receiver.delivered).toHaveLength(known)
    const again = await running.call('PATCH', `/webhooks/${id}`, { json: { enabled: true } })
    expect(again.body).toMatchObject({ status: 'active', disabled_at: null })
    await receiver.until(() => receiver.delivered.at(-1)?.body.draft_id === drafts.at(-1)?.id)
    expect([...new Set(receiver.delivered.map(({ body }) => body.draft_id))]).toEqual(drafts.map((draft) => draft.id))
  })

  test('has a new secret: the old one signs beside it until its time is over, and is kept no longer', async () => {
    let shiftMs = 0
    const running = await start({}, { now: () => Date.now() + shiftMs })
    const receiver = await receive()
    const { id, secret: first } = await hook(running, receiver.url)
    const ping = async (): Promise<Delivered> => {
      await running.call('POST', `/webhooks/${id}/test`)
      return receiver.delivered.at(-1)!
    }
    const changed = await running.call('POST', `/webhooks/${id}/secret`, { json: { previous_valid_seconds: 3_600 } })
    const { secret: second, previous_secret_expires_at: expiresAt } = changed.body
    expect(changed.status).toBe(200)
    expect(second).toMatch(/^whsec_[0-9a-f]{64}$/)
    expect(Math.abs(Date.parse(expiresAt) - Date.now() - 3_600_000)).toBeLessThan(60_000)
    expect((await running.call('GET', '/webhooks')).body.items[0].previous_secret_expires_at).toBe(expiresAt)
    const both = await ping()
    expect(String(both.headers['everdraft-signature'])).toMatch(/^v1=[0-9a-f]{64},v1=[0-9a-f]{64}$/)
    expect([first, second, `${second}0`].map((secret) => isSigned(secret, both))).toEqual([true, true, false])

    // Another change: what was before the previous one is over.
    const { secret: third } = (await running.call('POST', `/webhooks/${id}/secret`)).body
    const next = await ping()
    expect([first, second, third].map((secret) => isSigned(secret, next))).toEqual([false, true, true])
    shiftMs = 24 * 3_600_000 + 1_000
    const late = await ping()
    expect(String(late.headers['everdraft-signature'])).toMatch(/^v1=[0-9a-f]{64}$/)
    expect([second, third].map((secret) => isSigned(secret, late))).toEqual([false, true])
    await running.engine.housekeep()
    expect((await running.engine.webhooks.get(id)).previousSecretUntil).toBeNull()

    const { secret: fourth } = (
      await running.call('POST', `/webhooks/${id}/secret`, { json: { previous_valid_seconds: 0 } })
    ).body
    const last = await ping()
    expect([third, fourth].map((secret) => isSigned(secret, last))).toEqual([false, true])
  })

  test('has both secrets sealed, by a new key as soon as there is one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'everdraft-webhooks-test-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const keys = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64'))
    const [before = '', after = ''] = keys
    const open = (text: string): Promise<Engine> =>
      createEngine({
        storage: sqlite(join(folder, 'everdraft.db')),
        mailbox: imap(),
        secrets: keysFromText(text, 'the keys'),
      })
    const engine = await open(before)
    const { webhook, secret: old } = await engine.webhooks.add({
      owner: defaultOwner,
      url: 'https://hooks.example.com',
    })
    const { secret } = await engine.webhooks.changeSecret(webhook.id)
    await engine.close()
    for (const name of await readdir(folder)) {
      const text = await readFile(join(folder, name), 'utf8')
      for (const one of [old, secret]) expect(text).not.toContain(one)
    }
    await (await open(`${after},${before}`)).close()
    const later = await open(after)
    expect(await later.webhooks.secrets(webhook.id)).toEqual([secret, old])
    await later.close()
  })

  test('is changed to nothing that none may be', async () => {
    const running = await start()
    const { id } = await hook(running, 'https://hooks.example.com', { allow_private: false })
    for (const [json, path] of [
      [{ url: 'http://hooks.example.com/' }, 'url'],
      [{ url: null }, 'url'],
      [{ events: [] }, 'events'],
      [{ events: ['draft-lost'] }, 'events[0]'],
      [{ enabled: 'yes' }, 'enabled'],
      [{ secret: 'mine' }, 'secret'],
      [{ allow_private: true }, 'allow_private'],
    ] as const) {
      expect(await running.call('PATCH', `/webhooks/${id}`, { json }), JSON.stringify(json)).toMatchObject({
        status: 400,
        body: { code: 'VALIDATION_ERROR', errors: [{ path }] },
      })
    }
    for (const seconds of [-1, 604_801, 1.5]) {
      const json = { previous_valid_seconds: seconds }
      expect(await running.call('POST', `/webhooks/${id}/secret`, { json })).toMatchObject({ status: 400 })
    }
    expect((await running.call('GET', '/webhooks')).body.items[0]).toMatchObject({
      url: 'https://hooks.example.com/',
      status: 'active',
      previous_secret_expires_at: null,
    })
  })
})

describe('where deliveries never go', () => {
  test('addresses within this machine and the networks around it', () => {
    for (const address of [
      '127.0.0.1',
      '127.9.9.9',
      '0.0.0.0',
      '10.1.2.3',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '169.254.169.254',
      '100.64.0.1',
      '100.100.100.200',
      '168.63.129.16',
      '192.0.2.1',
      '198.51.100.7',
      '203.0.113.9',
      '224.0.0.1',
      '255.255.255.255',
      '::',
      '::1',
      '::ffff:127.0.0.1',
      '::ffff:8.8.8.8',
      '64:ff9b::7f00:1',
      '64:ff9b:1::1',
      'fe80::1',
      'fe80::1%eth0',
      'fc00::1',
      'fd00:ec2::254',
      'ff02::1',
      '2001::1',
      '2001:db8::1',
      '2002:7f00:1::1',
      '3fff::1',
      'localhost',
      '',
    ]) {
      expect(isPublicAddress(address), address).toBe(false)
    }
    for (const address of ['8.8.8.8', '172.32.0.1', '192.169.0.1', '100.128.0.1', '2606:4700:4700::1111', '2a00::1']) {
      expect(isPublicAddress(address), address).toBe(true)
    }
  })

  test('by whatever name or number: not one connection is made', async () => {
    const answers: Record<string, readonly string[]> = {
      'private.example.com': ['127.0.0.1'],
      // One good address does not make up for a bad one.
      'mixed.example.com': ['8.8.8.8', '127.0.0.1'],
      'metadata.example.com': ['169.254.169.254'],
      'six.example.com': ['::1'],
    }
    const asked: string[] = []
    const running = await start({
      webhooks: {
        resolve: async (host) => {
          asked.push(host)
          return (answers[host] ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
        },
      },
    })
    let connections = 0
    const server = createTcpServer((socket) => {
      connections += 1
      socket.destroy()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const hosts = ['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', '0', '169.254.169.254']
    for (const host of [...hosts, ...Object.keys(answers)]) {
      const made = await running.call('POST', '/webhooks', { json: { url: `https://${host}:${port}/` } })
      const { body } = await running.call('POST', `/webhooks/${made.body.id}/test`)
      expect(body, host).toMatchObject({ status: null, error: 'FORBIDDEN_ADDRESS' })
    }
    expect(connections).toBe(0)
    // Once for each: what was checked is what would be connected to.
    expect(asked).toEqual(Object.keys(answers))
  })

  test('unless it is allowed; then to the addresses that were looked up', async () => {
    const running = await start({ webhooks: { resolve: async () => [{ address: '127.0.0.1', family: 4 }] } })
    const receiver = await receive()
    const { id } = await hook(running, `http://hooks.example.com:${receiver.port}/`)
    expect((await running.call('POST', `/webhooks/${id}/test`)).body).toMatchObject({ status: 204, error: null })
    expect(receiver.delivered[0]?.headers.host).toBe(`hooks.example.com:${receiver.port}`)
  })

  test('where a redirect leads', async () => {
    const running = await start()
    const inside = await receive()
    const outside = await receive(() => ({ status: 307, headers: { location: inside.url } }))
    const { id } = await hook(running, outside.url)
    expect((await running.call('POST', `/webhooks/${id}/test`)).body).toMatchObject({ status: 307, error: 'REDIRECT' })
    expect(inside.delivered).toEqual([])
  })

  test('to anything within for another tenant than that of the daemon', async () => {
    const running = await start()
    const { body } = await running.call('POST', '/tokens', {
      json: { tenant_id: 'acme', user_id: 'ann', scopes: ['admin'] },
    })
    const json = { url: 'https://hooks.example.com/', allow_private: true }
    expect(await running.call('POST', '/webhooks', { token: body.token, json })).toMatchObject({
      status: 403,
      body: { code: 'UNAUTHORIZED', errors: [{ path: 'allow_private' }] },
    })
  })

  test('what is wrong is named', async () => {
    const { call } = await start()
    for (const [json, path] of [
      [{}, 'url'],
      [{ url: 'hooks.example.com' }, 'url'],
      [{ url: 'http://hooks.example.com/' }, 'url'],
      [{ url: 'ftp://hooks.example.com/', allow_private: true }, 'url'],
      [{ url: 'https://ann:secret@hooks.example.com/' }, 'url'],
      [{ url: `https://hooks.example.com/${'a'.repeat(2000)}` }, 'url'],
      [{ url: 'https://hooks.example.com/', events: [] }, 'events'],
      [{ url: 'https://hooks.example.com/', events: ['draft-lost'] }, 'events[0]'],
      [{ url: 'https://hooks.example.com/', secret: 'mine' }, 'secret'],
    ] as const) {
      const answer = await call('POST', '/webhooks', { json })
      expect(answer, JSON.stringify(json)).toMatchObject({
        status: 400,
        body: { code: 'VALIDATION_ERROR', errors: [{ path }] },
      })
    }
  })
})

test('the signature is the HMAC-SHA-256 of the timestamp, a dot and the body', () => {
  // By `printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac whsec_00`.
  expect(signWebhook({ secret: 'whsec_00', timestamp: '1700000000', body: '{"a":1}' })).toBe(
    'v1=45cffce3b675935877c716288bfe48276b43036345fecebf62b30649bd0946a7',
  )
})
