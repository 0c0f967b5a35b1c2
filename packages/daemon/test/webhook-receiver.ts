import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { expect, onTestFinished } from 'vitest'

import { verifyWebhook, type WebhookOptions } from '../src/index.ts'
import type { Answer, Running } from './harness.ts'

export interface Delivered {
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
export async function receive(reply: Reply = () => ({ status: 204 }), port = 0): Promise<Receiver> {
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

export const quick: Partial<WebhookOptions> = {
  policy: { backOff: { firstMs: 1, longestMs: 5 }, disableAfterMs: 3_600_000 },
}

export async function hook({ call }: Running, url: string, json: object = {}): Promise<Answer['body']> {
  const answer = await call('POST', '/webhooks', { json: { url, allow_private: true, ...json } })
  expect(answer.status).toBe(201)
  return answer.body
}

export async function attempts({ call }: Running, id: string): Promise<Answer['body'][]> {
  return (await call('GET', `/webhooks/${id}/deliveries?limit=500`)).body.items
}

export function isSigned(secret: string, { headers, text }: Delivered, now?: number): boolean {
  return verifyWebhook({
    secret,
    timestamp: String(headers['everdraft-timestamp']),
    signature: String(headers['everdraft-signature']),
    body: text,
    ...(now === undefined ? {} : { now }),
  })
}
