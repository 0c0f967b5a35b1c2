import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

import { expect, onTestFinished, test } from 'vitest'

import { verifyWebhook } from '../src/index.ts'
import { type Answer, type Running, start } from './harness.ts'

interface Asked {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Somebody with ideas, over real HTTP. */
async function adviser(answer: (response: ServerResponse) => void): Promise<{ url: string; asked: readonly Asked[] }> {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    void (async () => {
      asked.push({ headers: request.headers, body: await text(request) })
      answer(response)
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/suggest`, asked }
}

interface Asking {
  readonly webhook: Answer['body']
  readonly path: string
  readonly suggest: (json?: object) => Promise<Answer>
}

async function asking(running: Running, url: string): Promise<Asking> {
  const { call } = running
  const { id: accountId } = await running.addAccount()
  const draft = {
    to: 'ann@example.org',
    bcc: 'eve@example.org',
    subject: 'Monday',
    text: 'Dear Ann,',
    metadata: { n: 1 },
  }
  const { id } = await running.addDraft(accountId, draft)
  const webhook = (await call('POST', '/webhooks', { json: { url, allow_private: true } })).body
  // It is only asked, and hears of nothing.
  await call('PATCH', `/webhooks/${webhook.id}`, { json: { enabled: false } })
  const path = `/accounts/${accountId}/drafts/${id}`
  const suggest: Asking['suggest'] = async (json = {}) =>
    await call('POST', `${path}/suggest`, { json: { webhook_id: webhook.id, ...json } })
  return { webhook, path, suggest }
}

const json = (response: ServerResponse, body: unknown): void => {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function saysNothing(response: ServerResponse): void {
  response.writeHead(204).end()
}

/** Whatever it is called. */
async function leadInside(): Promise<readonly { address: string; family: number }[]> {
  return [{ address: '127.0.0.1', family: 4 }]
}

test('a webhook of the user’s is asked, signed, and what it suggests comes back; the draft stays as it is', async () => {
  const running = await start()
  const { url, asked } = await adviser((response) =>
    json(response, {
      suggestions: [
        { label: 'Shorter', text: 'Hi Ann,' },
        { subject: 'On Monday', html: '<p>Hi</p>' },
      ],
      model: 'x',
    }),
  )
  const { webhook, path, suggest } = await asking(running, url)
  const { status, body } = await suggest({ instructions: 'shorter' })
  expect({ status, body }).toEqual({
    status: 200,
    body: {
      items: [
        { label: 'Shorter', subject: null, text: 'Hi Ann,', html: null },
        { label: null, subject: 'On Monday', text: null, html: '<p>Hi</p>' },
      ],
    },
  })
  const one = asked[0]
  if (one === undefined || asked.length !== 1) throw new Error('it was asked once')
  const { headers } = one
  const [timestamp, signature] = [String(headers['everdraft-timestamp']), String(headers['everdraft-signature'])]
  expect(verifyWebhook({ secret: webhook.secret, timestamp, signature, body: one.body })).toBe(true)
  expect(verifyWebhook({ secret: 'another', timestamp, signature, body: one.body })).toBe(false)
  expect(headers).toMatchObject({ 'everdraft-event': 'suggest', 'content-type': 'application/json' })
  expect(JSON.parse(one.body)).toMatchObject({
    version: 1,
    draft: { to: [{ address: 'ann@example.org' }], subject: 'Monday', text: 'Dear Ann,', attachments: [] },
    instructions: 'shorter',
  })
  // H39: who is in Bcc is told to nobody.
  expect(one.body).not.toContain('eve@example.org')
  expect((await running.call('GET', path)).body).toMatchObject({ version: 1, text: 'Dear Ann,' })
})

test('204 is no suggestion; what is refused, not understood or too long is a problem that says so', async () => {
  const running = await start()
  let answer: (response: ServerResponse) => void = saysNothing
  const { url } = await adviser((response) => answer(response))
  const { suggest } = await asking(running, url)
  expect((await suggest()).body).toEqual({ items: [] })
  const problems: readonly (readonly [(response: ServerResponse) => void, string])[] = [
    [(response) => void response.writeHead(500).end(), 'the webhook answered 500'],
    [
      (response) => void response.writeHead(302, { location: 'http://127.0.0.1/' }).end(),
      'the webhook wants to be asked elsewhere',
    ],
    [(response) => void response.end('<p>'), 'the answer of the webhook is not JSON'],
    [
      (response) => json(response, { suggestions: [{ label: 'nothing' }] }),
      'the answer of the webhook is not understood: suggestions.0 custom',
    ],
    [
      (response) => json(response, { suggestions: [{ text: 7 }] }),
      'the answer of the webhook is not understood: suggestions.0.text invalid_type',
    ],
    [(response) => json(response, 'x'.repeat(5_000_000)), 'the answer of the webhook is too long'],
  ]
  for (const [said, detail] of problems) {
    answer = said
    expect((await suggest()).body).toMatchObject({ status: 422, code: 'REFUSED', detail })
  }
})

test('who does not answer in time is not waited for, and who is not there is said to be away', async () => {
  const running = await start()
  const { url } = await adviser(() => {})
  const { suggest, webhook } = await asking(running, url)
  expect((await suggest({ timeout_seconds: 1 })).body).toMatchObject({ status: 503, code: 'TIMEOUT' })
  await running.call('PATCH', `/webhooks/${webhook.id}`, { json: { url: 'http://127.0.0.1:1/' } })
  expect((await suggest()).body).toMatchObject({ status: 503, code: 'UNREACHABLE' })
})

test('a name that leads into one’s own network is not asked, and a webhook of others is none', async () => {
  const running = await start({ webhooks: { resolve: leadInside } })
  const { url, asked } = await adviser((response) => json(response, { suggestions: [] }))
  const { path } = await asking(running, url)
  const inside = await running.call('POST', '/webhooks', { json: { url: 'https://rebound.example.com/' } })
  const refused = await running.call('POST', `${path}/suggest`, { json: { webhook_id: inside.body.id } })
  expect(refused.body).toMatchObject({
    status: 422,
    code: 'REFUSED',
    detail: 'the address of the webhook is not a public one',
  })
  expect(asked).toEqual([])
  const theirs = await running.engine.webhooks.add({
    owner: { tenantId: 'acme', userId: 'eve' } as never,
    url: 'https://hooks.example.com/',
  })
  const unknown = await running.call('POST', `${path}/suggest`, { json: { webhook_id: theirs.webhook.id } })
  expect(unknown.body).toMatchObject({ status: 404, code: 'NOT_FOUND' })
})
