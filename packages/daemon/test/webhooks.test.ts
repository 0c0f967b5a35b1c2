import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createEngine } from '@everdraft/core'
import { imap } from '@everdraft/mail'
import { keyFile, sqlite } from '@everdraft/sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'

import { createDaemon, signWebhook } from '../src/index.ts'
import { listen } from './event-client.ts'
import { start, token } from './harness.ts'
import { attempts, hook, isSigned, quick, receive } from './webhook-receiver.ts'

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

test('the signature is the HMAC-SHA-256 of the timestamp, a dot and the body', () => {
  // By `printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac whsec_00`.
  expect(signWebhook({ secret: 'whsec_00', timestamp: '1700000000', body: '{"a":1}' })).toBe(
    'v1=45cffce3b675935877c716288bfe48276b43036345fecebf62b30649bd0946a7',
  )
})
