import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { expect, onTestFinished, test } from 'vitest'

import { createClient, type Client, type ServerEvent } from '../src/index.ts'
import { start, token } from './harness.ts'

interface Connection {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** What the client has heard last. */
  readonly cursor: number
}

/** A server whose connections are as bad as the test wants them. */
async function scripted(
  answer: (connection: Connection, number: number) => void,
): Promise<{ readonly client: Client; readonly cursors: readonly number[] }> {
  const cursors: number[] = []
  const server = createServer((request, response) => {
    const cursor = Number(request.headers['last-event-id'] ?? 0)
    cursors.push(cursor)
    answer({ request, response, cursor }, cursors.length)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { client: createClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token }), cursors }
}

const stream = { 'content-type': 'text/event-stream' }
const eventText = (id: number): string =>
  `id: ${id}\nevent: draft-purged\ndata: {"type": "draft-purged",\ndata: "cursor": ${id}}\n\n`

async function take(events: AsyncIterable<ServerEvent>, count: number): Promise<readonly ServerEvent[]> {
  const taken: ServerEvent[] = []
  for await (const event of events) {
    taken.push(event)
    if (taken.length === count) break
  }
  return taken
}

test('each event is told once and in order, however often the connection breaks, and wherever', async () => {
  const { client, cursors } = await scripted(({ response, cursor }, number) => {
    response.writeHead(200, stream)
    // Three whole ones, and the beginning of the next: cut at another byte each time.
    const whole = [1, 2, 3].map((step) => eventText(cursor + step)).join('')
    response.write(`: hello\n\n${whole}${eventText(cursor + 4).slice(0, number * 5)}`, () => response.destroy())
  })
  const events = await take(client.events({ reconnectMs: 1 }), 30)
  expect(events).toEqual(Array.from({ length: 30 }, (_, index) => ({ type: 'draft-purged', cursor: index + 1 })))
  expect(cursors).toEqual([0, 3, 6, 9, 12, 15, 18, 21, 24, 27])
})

test('it goes on behind `after`, of one account, and behind an id that came without an event', async () => {
  const urls: (string | undefined)[] = []
  const { client, cursors } = await scripted(({ request, response, cursor }, number) => {
    urls.push(request.url)
    response.writeHead(200, stream)
    if (number === 1) response.end('retry: 1\n:\nid: 50\n\n')
    else response.write(eventText(cursor + 1))
  })
  const [event] = await take(client.events({ after: 41, accountId: 'a/b' }), 1)
  expect(event).toMatchObject({ cursor: 51 })
  expect(cursors).toEqual([41, 50])
  expect(urls).toEqual(['/events?account_id=a%2Fb', '/events?account_id=a%2Fb'])
})

test('a connection that falls silent is given up, a daemon that is busy is asked again', async () => {
  const { client, cursors } = await scripted(({ response, cursor }, number) => {
    // Never a word; then no head at all; then busy.
    if (number === 1) return response.writeHead(200, stream).flushHeaders()
    if (number === 2) return
    if (number === 3) return void response.writeHead(503, { 'retry-after': '0' }).end()
    response.writeHead(200, stream).write(eventText(cursor + 1))
  })
  const [event] = await take(client.events({ silenceMs: 50, reconnectMs: 1 }), 1)
  expect(event).toMatchObject({ cursor: 1 })
  expect(cursors).toHaveLength(4)
})

test('where asking again is no use it is an error: a refusal, and what is no stream of events', async () => {
  const { client: refused } = await scripted(({ response }) => {
    response.writeHead(401, { 'content-type': 'application/problem+json' }).end('{"code":"UNAUTHENTICATED"}')
  })
  await expect(take(refused.events(), 1)).rejects.toMatchObject({ status: 401, code: 'UNAUTHENTICATED' })
  const { client: page } = await scripted(({ response }) => void response.writeHead(200).end('<h1>Hello</h1>'))
  await expect(take(page.events(), 1)).rejects.toMatchObject({ message: 'what answers is no stream of events' })
})

test('leaving the loop ends the connection, and a signal ends the loop', async () => {
  const closed = Promise.withResolvers<void>()
  const { client } = await scripted(({ response, cursor }, number) => {
    response.writeHead(200, stream)
    if (number === 1) response.on('close', () => closed.resolve())
    response.write(eventText(cursor + 1))
  })
  await take(client.events(), 1)
  await closed.promise
  const controller = new AbortController()
  const heard: ServerEvent[] = []
  for await (const event of client.events({ signal: controller.signal })) {
    heard.push(event)
    controller.abort()
  }
  expect(heard).toHaveLength(1)
})

test('what happens in a daemon is heard, over its restart', async () => {
  const { client, accountId, addDraft, close, restart } = await start()
  const events = client.events({ accountId, after: 0, reconnectMs: 1 })
  const one = await addDraft('One')
  const first = await nextDraft(events)
  expect(first).toMatchObject({ draft_id: one, account_id: accountId, version: 1 })
  await close()
  await restart()
  const two = await addDraft('Two')
  expect(await nextDraft(events)).toMatchObject({ draft_id: two })
  await events.return()

  // Whoever has noted the cursor goes on behind it.
  const later = client.events({ after: first.cursor })
  expect(await nextDraft(later)).toMatchObject({ draft_id: two })
  await later.return()
})

interface Created {
  readonly cursor: number
  readonly draft_id: string
}

async function nextDraft(events: AsyncGenerator<ServerEvent, void, undefined>): Promise<Created> {
  while (true) {
    const { done, value } = await events.next()
    if (done === true) throw new Error('it ended')
    if (value.type === 'draft-created') return value
  }
}
