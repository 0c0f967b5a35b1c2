import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'

import { type AccountId, createEngine, defaultOwner, type EventCursor } from '@everdraft/core'
import { imap } from '@everdraft/mail'
import { sqlite } from '@everdraft/sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'

import { createEventLog } from '../src/event-log.ts'
import { eventSchema } from '../src/event-resource.ts'
import { eventStream } from '../src/event-stream.ts'
import { createDaemon } from '../src/index.ts'
import { type Heard, listen, type Listening } from './event-client.ts'
import { type Running, start, token } from './harness.ts'

/** Nobody listens there: nothing comes by itself but tries. */
const nowhere = { host: '127.0.0.1', port: 1, security: 'none', user: 'ann', password: 'secret' }

async function tokenOf({ call }: Running, tenant: string, user: string): Promise<{ id: string; token: string }> {
  const { body } = await call('POST', '/tokens', {
    json: { tenant_id: tenant, user_id: user, scopes: ['read', 'write', 'admin'] },
  })
  return body
}

async function accountOf({ call }: Running, bearer: string): Promise<string> {
  const { body } = await call('POST', '/accounts', {
    token: bearer,
    json: { address: 'ann@example.org', imap: nowhere },
  })
  return body.id
}

const isOf = (type: string) => (one: Heard) => one.event === type
const isDraft = ({ event }: Heard): boolean => event.startsWith('draft-')

/** What there is after the cursor, and then the end. */
async function whatThereIs({ url }: Running, query: string, bearer: string = token): Promise<Listening> {
  const stream = await listen(url, { token: bearer, query, headers: { prefer: 'wait=0' } })
  expect(await stream.end).toBe('ended')
  return stream
}

describe('the stream of events', () => {
  test('tells what happens as it happens, under names, with cursors, in the JSON of the OpenAPI document', async () => {
    const running = await start()
    const { id } = await running.addAccount()
    const stream = await listen(running.url, { token })
    expect(stream.response.headers['content-type']).toMatch(/^text\/event-stream/)
    expect(stream.response.headers['cache-control']).toBe('no-store, no-transform')
    expect(stream.response.headers['x-accel-buffering']).toBe('no')
    const draft = await running.addDraft(id, { subject: 'the words of a user' })
    await running.call('PUT', `/accounts/${id}/drafts/${draft.id}`, { json: { in_reply_to: '<a@example.org>' } })
    await running.call('POST', `/accounts/${id}/sync`, { headers: { prefer: 'wait=20' } })
    await stream.hear(isOf('upload-finished'))
    const saved = await stream.hear(isOf('draft-saved'))
    expect(saved.data).toEqual({
      type: 'draft-saved',
      cursor: Number(saved.id),
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      account_id: id,
      draft_id: draft.id,
      version: 2,
      fields_changed: ['in_reply_to'],
    })
    for (const { event, data } of stream.heard) {
      expect(data.type).toBe(event)
      expect(eventSchema.parse(data)).toEqual(data)
    }
    const ids = stream.heard.map((one) => Number(one.id))
    expect(ids).toEqual(ids.toSorted((a, b) => a - b))
    expect(JSON.stringify(stream.heard)).not.toContain('the words of a user')
    stream.leave()
  })

  test('goes on after Last-Event-ID, and from where it began if it was cut before the first event', async () => {
    const running = await start()
    const { id } = await running.addAccount()
    const first = await listen(running.url, { token })
    const lastEventId = await first.opened()
    first.leave()
    await running.addDraft(id)
    await running.addDraft(id)
    const second = await listen(running.url, { token, headers: { 'last-event-id': lastEventId }, query: '?after=0' })
    const created = await second.hear(isOf('draft-created'))
    second.leave()
    const third = await listen(running.url, { token, headers: { 'last-event-id': created.id } })
    const next = await third.hear(isOf('draft-created'))
    expect(Number(next.id)).toBeGreaterThan(Number(created.id))
    third.leave()
    const all = await whatThereIs(running, '?after=0')
    expect(all.heard.filter(isOf('draft-created')).map((one) => one.id)).toEqual([created.id, next.id])
  })

  test('goes on over a restart', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'everdraft-events-test-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const serve = async () => {
      const engine = await createEngine({ storage: sqlite(join(folder, 'everdraft.db')), mailbox: imap() })
      const daemon = await createDaemon({ engine, token, version: '1.2.3' })
      return { engine, daemon, url: await daemon.listen({ host: '127.0.0.1', port: 0 }) }
    }
    const before = await serve()
    const stream = await listen(before.url, { token })
    const { id } = await before.engine.accounts.add({
      address: 'ann@example.org',
      imap: { ...nowhere, security: 'none' },
    })
    await before.engine.drafts.create({ accountId: id })
    const { id: lastEventId } = await stream.hear(isOf('draft-created'))
    await before.daemon.close()
    expect(await stream.end).toBe('ended')
    const draft = await before.engine.drafts.create({ accountId: id })
    await before.engine.close()

    const after = await serve()
    const resumed = await listen(after.url, { token, headers: { 'last-event-id': lastEventId } })
    expect((await resumed.hear(isDraft)).data.draft_id).toBe(draft.id)
    resumed.leave()
    await after.daemon.close()
    await after.engine.close()
  })

  test('is read in pages, and with wait=0 it is what there is', async () => {
    const running = await start()
    const { id } = await running.addAccount()
    const accountId = id as AccountId
    const made = await Promise.all(Array.from({ length: 700 }, () => running.engine.drafts.create({ accountId })))
    const { heard } = await whatThereIs(running, '?after=0')
    expect(heard.filter(isOf('draft-created')).map(({ data }) => data.draft_id)).toEqual(made.map((draft) => draft.id))
  })
})

describe('who waits for more', () => {
  test('hears also of what happened after the look and before the waiting', { timeout: 10_000 }, async () => {
    const { engine, addAccount } = await start()
    const { id } = await addAccount()
    const log = createEventLog(engine)
    onTestFinished(() => log.close())
    const scope = { owner: defaultOwner, accountId: null }
    const wait = { signal: new AbortController().signal, longestMs: 60_000 }
    // From here on it is known whose the account is, and who waits is called at once.
    const first = await log.page(scope, null)
    const called = log.changed(defaultOwner, first.next, wait)
    await engine.accounts.change(id as AccountId, { name: 'Ann' })
    await called
    const { next } = await log.page(scope, first.next)
    await engine.accounts.change(id as AccountId, { name: 'Ann Example' })
    await log.changed(defaultOwner, next, wait)
    const { items } = await log.page(scope, next)
    expect(items.map(({ type }) => type)).toContain('account-changed')
  })
})

describe('who hears what', () => {
  test('each user of each tenant the events of the own accounts, and the end of these, too', async () => {
    const running = await start()
    const bearers = [
      await tokenOf(running, 'acme', 'ann'),
      await tokenOf(running, 'acme', 'eve'),
      await tokenOf(running, 'globex', 'ann'),
    ]
    const streams = await Promise.all(bearers.map((bearer) => listen(running.url, { token: bearer.token })))
    const accounts: string[] = []
    for (const bearer of bearers) accounts.push(await accountOf(running, bearer.token))
    for (const [index, { token: bearer }] of bearers.entries()) {
      await running.call('POST', `/accounts/${accounts[index]}/drafts`, { token: bearer, json: { subject: 'One' } })
      await running.call('DELETE', `/accounts/${accounts[index]}?unsent=discard`, { token: bearer })
    }
    for (const [index, stream] of streams.entries()) {
      await stream.hear(isOf('account-removed'))
      expect(stream.heard.map(({ event }) => event)).toEqual(
        expect.arrayContaining(['account-added', 'draft-created', 'draft-discarded', 'account-removed']),
      )
      expect(new Set(stream.heard.map(({ data }) => data.account_id))).toEqual(new Set([accounts[index]]))
      stream.leave()
      const later = await whatThereIs(running, '?after=0', bearers[index]?.token)
      expect(later.heard.map(({ event, data }) => [event, data.account_id])).toEqual([
        ['account-removed', accounts[index]],
      ])
    }
  })

  test('of one account where it is named, and 403 where it is another’s', async () => {
    const running = await start()
    const { token: bearer } = await tokenOf(running, 'acme', 'ann')
    const one = await accountOf(running, bearer)
    const other = await accountOf(running, bearer)
    for (const id of [one, other]) await running.call('POST', `/accounts/${id}/drafts`, { token: bearer, json: {} })
    const { heard } = await whatThereIs(running, `?after=0&account_id=${other}`, bearer)
    expect(heard.filter(isDraft)).toHaveLength(1)
    expect(new Set(heard.map(({ data }) => data.account_id))).toEqual(new Set([other]))
    const refused = await running.call('GET', `/events?account_id=${one}`, { headers: { prefer: 'wait=0' } })
    expect(refused).toMatchObject({ status: 403, body: { code: 'UNAUTHORIZED' } })
  })

  test('a sign of life moves the place to go on past what is others’, and tells nothing', async () => {
    const running = await start({ eventTiming: { heartbeatMs: 20 } })
    const { token: bearer } = await tokenOf(running, 'acme', 'ann')
    const stream = await listen(running.url, { token: bearer })
    const began = await stream.opened()
    const { id } = await running.addAccount()
    await running.addDraft(id)
    await stream.until(() => (stream.lastEventId() === began ? undefined : true))
    expect(stream.heard).toEqual([])
    stream.leave()
  })

  test('nobody any more, once the token is revoked', async () => {
    const running = await start({ eventTiming: { heartbeatMs: 20 } })
    const bearer = await tokenOf(running, 'acme', 'ann')
    const stream = await listen(running.url, { token: bearer.token })
    await running.call('DELETE', `/tokens/${bearer.id}`)
    expect(await stream.end).toBe('ended')
  })

  test('a cursor that is none is named, and one that is not of this log is told as a gap', async () => {
    const running = await start()
    const { id } = await running.addAccount()
    for (const [path, headers] of [
      ['/events?after=x', {}],
      ['/events?after=-1', {}],
      ['/events?since=1', {}],
      ['/events', { 'last-event-id': '1e3' }],
    ] as const) {
      expect(await running.call('GET', path, { headers }), path).toMatchObject({
        status: 400,
        body: { code: 'VALIDATION_ERROR' },
      })
    }
    const stream = await listen(running.url, { token, headers: { 'last-event-id': '999999999' } })
    expect(await stream.hear(isOf('gap'))).toMatchObject({ data: { type: 'gap' } })
    await running.addDraft(id)
    await stream.hear(isOf('draft-created'))
    stream.leave()
  })
})

describe('how many streams', () => {
  test('a token may have open at a time is a setting; one that ends makes room, and the daemon’s own has no limit', async () => {
    const running = await start({ streamsPerToken: 2 })
    const ann = await tokenOf(running, 'acme', 'ann')
    const bob = await tokenOf(running, 'acme', 'bob')
    const first = await listen(running.url, ann)
    await first.opened()
    const second = await listen(running.url, ann)
    await second.opened()
    const refused = await running.call('GET', '/events', ann)
    expect(refused).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } })
    expect(refused.headers.get('retry-after')).toBe('10')
    // What is refused for another reason takes no place, and neither does what has ended.
    expect((await running.call('GET', '/events?after=x', bob)).status).toBe(400)
    for (const _ of [1, 2, 3]) await whatThereIs(running, '?after=0', bob.token)
    for (const _ of [1, 2, 3]) await (await listen(running.url, { token })).opened()

    first.leave()
    expect(await first.end).toBe('cut')
    const again = async (): Promise<Listening> => await listen(running.url, ann).catch(again)
    await (await again()).opened()
    expect((await running.call('GET', '/events', ann)).status).toBe(429)
  })
})

describe('the end of a stream', () => {
  test('comes in order when the daemon stops, and at once', async () => {
    const running = await start()
    const streams = await Promise.all(Array.from({ length: 5 }, () => listen(running.url, { token })))
    const before = performance.now()
    await running.daemon.close()
    expect(await Promise.all(streams.map((stream) => stream.end))).toEqual(Array(5).fill('ended'))
    expect(performance.now() - before).toBeLessThan(3_000)
  })

  test('comes to a client that takes nothing, and until then no more is read than it has room for', async () => {
    const { engine, addAccount } = await start()
    const { id } = await addAccount()
    await Promise.all(Array.from({ length: 2_000 }, () => engine.drafts.create({ accountId: id as AccountId })))
    const log = createEventLog(engine)
    let pages = 0
    const cut = Promise.withResolvers<number>()
    const options = {
      log: { ...log, page: (...asked: Parameters<typeof log.page>) => log.page(...asked).finally(() => (pages += 1)) },
      scope: { owner: defaultOwner, accountId: null },
      after: 0 as EventCursor,
      timing: { heartbeatMs: 15_000, stallMs: 100 },
      signal: new AbortController().signal,
      enough: new AbortController().signal,
      isStillAllowed: async () => true,
      cut: () => cut.resolve(pages),
    }
    const unread = Readable.from(eventStream(options), { objectMode: false })
    // Begins to fill its buffer, and nobody takes anything out of it.
    unread.read(0)
    expect(await cut.promise).toBeLessThanOrEqual(2)
    unread.destroy()
    log.close()
  })
})
