import type { AccountId, EventCursor, Owner, ToldEvent } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { type Heard, listen } from './event-client.ts'
import { type Running, start } from './harness.ts'

const clients = 200
/** As many drafts are made and saved at a time; then so many clients come again before the next. */
const groups = 20
const savesPerGroup = 10
const dropsPerGroup = 20
const owners = [
  ['acme', 'ann'],
  ['acme', 'eve'],
  ['globex', 'ann'],
  ['initech', 'bob'],
] as const

interface User {
  readonly owner: Owner
  readonly token: string
  readonly accountId: AccountId
}

async function userOf(running: Running, tenant: string, user: string): Promise<User> {
  const { body } = await running.call('POST', '/tokens', {
    json: { tenant_id: tenant, user_id: user, scopes: ['read', 'write'] },
  })
  const server = { host: '127.0.0.1', port: 1, security: 'none', user, password: 'secret' }
  const account = await running.call('POST', '/accounts', {
    token: body.token,
    json: { address: `${user}@example.org`, imap: server },
  })
  const owner = { tenantId: tenant, userId: user } as Owner
  return { owner, token: body.token, accountId: account.body.id }
}

/** The same numbers each time (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Listens, goes without a word after some events or some milliseconds, comes again, until it has heard `last`. */
async function hearAll(
  { url }: Running,
  user: User,
  random: () => number,
  { last, onConnect }: { readonly last: Promise<string>; readonly onConnect: () => void },
): Promise<{ readonly heard: readonly Heard[]; readonly drops: number }> {
  const heard: Heard[] = []
  let lastEventId = '0'
  let isOver = false
  let drops = 0
  let target: string | null = null
  last.then(
    (id) => (target = id),
    () => {},
  )
  const reached = (): boolean => target !== null && Number(lastEventId) >= Number(target)
  while (!isOver) {
    const stream = await listen(url, { token: user.token, headers: { 'last-event-id': lastEventId } })
    onConnect()
    const patience = 1 + Math.floor(random() * 20)
    const timer = setTimeout(stream.leave, 10 + random() * 300)
    const enough = stream.until(() => {
      const at = Number(stream.lastEventId() || lastEventId)
      return stream.heard.length >= patience || (target !== null && at >= Number(target)) ? true : undefined
    })
    // It has heard enough, or has gone.
    await enough.catch(() => {})
    stream.leave()
    clearTimeout(timer)
    await stream.end
    heard.push(...stream.heard)
    if (stream.lastEventId() !== '') lastEventId = stream.lastEventId()
    isOver = reached()
    if (!isOver) drops += 1
  }
  return { heard, drops }
}

/** By the engine itself, without HTTP. */
async function logOf({ engine }: Running, owner: Owner, last: EventCursor): Promise<readonly ToldEvent[]> {
  const all: ToldEvent[] = []
  for (let after = 0 as EventCursor; after < last;) {
    const page = await engine.events.page({ owner, accountId: null }, { after, limit: 500 })
    all.push(...page.items)
    after = page.next
  }
  return all.filter(({ cursor }) => cursor <= last)
}

describe(`${clients} clients that drop and resume while drafts are saved`, () => {
  test('hear every event of theirs once, in order, and none of anybody else', { timeout: 120_000 }, async () => {
    const running = await start({ requestsPerMinute: 0, eventTiming: { heartbeatMs: 1_000 } })
    const users: User[] = []
    for (const [tenant, user] of owners) users.push(await userOf(running, tenant, user))
    const last = Promise.withResolvers<string>()
    let connections = 0
    let reached: { readonly count: number; readonly resolve: () => void } | null = null
    const onConnect = (): void => {
      connections += 1
      if (reached !== null && connections >= reached.count) reached.resolve()
    }
    const connected = async (count: number): Promise<void> => {
      const { promise, resolve } = Promise.withResolvers<void>()
      reached = { count, resolve }
      if (connections >= count) resolve()
      await promise
    }
    const listening = Array.from({ length: clients }, (_each, index) => {
      const user = users[index % users.length]
      if (user === undefined) throw new Error('there is no such user')
      const hearing = hearAll(running, user, randomFrom(index + 1), { last: last.promise, onConnect })
      return hearing.then((result) => ({ user, ...result }))
    })
    await connected(clients)
    for (let group = 1; group <= groups; group += 1) {
      await Promise.all(
        Array.from({ length: savesPerGroup }, async (_each, n) => {
          const { accountId } = users[n % users.length] ?? { accountId: '' as AccountId }
          const { id } = await running.engine.drafts.create({ accountId, subject: `Draft ${group}.${n}` })
          await running.engine.drafts.save(id, { text: `Text ${group}.${n}` })
        }),
      )
      await connected(clients + group * dropsPerGroup)
    }
    const { next } = await running.engine.events.page(
      { owner: { tenantId: 'acme', userId: 'ann' } as Owner, accountId: null },
      { after: null },
    )
    last.resolve(String(next))
    const all = await Promise.all(listening)

    const expected = new Map<User, readonly string[]>()
    for (const user of users) {
      expected.set(
        user,
        (await logOf(running, user.owner, next)).map(({ cursor, type, accountId }) => `${cursor} ${type} ${accountId}`),
      )
    }
    let drops = 0
    for (const { user, heard, drops: dropped } of all) {
      drops += dropped
      const told = heard
        .filter((one) => Number(one.id) <= next)
        .map(({ id, event, data }) => `${id} ${event} ${data.account_id}`)
      expect(told).toEqual(expected.get(user))
    }
    expect([...expected.values()].flat().length).toBeGreaterThanOrEqual(groups * savesPerGroup * 2)
    expect(drops).toBeGreaterThanOrEqual(groups * dropsPerGroup)
    console.log(`${clients} clients, ${drops} drops, ${[...expected.values()].flat().length} events`)
  })
})
