import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { Outcome, TaskView } from '@everdraft/core'
import { describe, expect, onTestFinished, test } from 'vitest'

import { type ResponderRequestJson, verifyWebhook } from '../src/index.ts'
import { listen } from './event-client.ts'
import { mailUser, type Running, start, token } from './harness.ts'

interface Asked {
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly request: ResponderRequestJson
}

interface Said {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: string
}

interface Program {
  readonly url: string
  readonly asked: readonly Asked[]
  close(): void
}

/** A real program that answers; null: it says nothing. */
async function program(answer: (asked: Asked, index: number) => Said | null, port = 0): Promise<Program> {
  const asked: Asked[] = []
  async function reply(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Uint8Array[] = []
    for await (const piece of request) pieces.push(piece as Uint8Array)
    const text = Buffer.concat(pieces).toString()
    const one = { headers: request.headers, text, request: JSON.parse(text) as ResponderRequestJson }
    asked.push(one)
    const said = answer(one, asked.length - 1)
    if (said !== null) response.writeHead(said.status ?? 200, said.headers).end(said.body)
  }
  const server = createServer((request, response) => void reply(request, response))
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const close = (): void => {
    server.closeAllConnections()
    server.close()
  }
  onTestFinished(close)
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/answer`, asked, close }
}

function json(answer: object): Said {
  return { body: JSON.stringify(answer), headers: { 'content-type': 'application/json' } }
}

interface Answering extends Running {
  readonly accountId: string
  readonly put: (settings: object) => ReturnType<Running['call']>
  readonly arrives: (mail?: string) => void
  readonly outcomes: () => Promise<readonly Outcome[]>
  readonly tasks: () => Promise<readonly TaskView[]>
}

async function startAnswering(): Promise<Answering> {
  const running = await start()
  const account = await running.addAccount()
  const id = account.id as Parameters<Running['engine']['sync']>[0]
  await running.engine.sync(id, { waitMs: 10_000 })
  return {
    ...running,
    accountId: id,
    put: (settings) => running.call('PUT', `/accounts/${id}/responder`, { json: settings }),
    arrives(mail = question) {
      const inbox = running.mailServer.store.find(mailUser.name, 'INBOX')
      running.mailServer.store.append(inbox!, { bytes: Buffer.from(mail), flags: [], internalDateMs: Date.now() })
    },
    outcomes: async () => (await running.engine.outcomes.list({ accountId: id })).items,
    tasks: async () => (await running.engine.tasks.list(id, { limit: 500 })).items,
  }
}

const question = [
  'From: Bob Example <bob@example.com>',
  'To: ann@example.org',
  'Subject: Prices',
  'Message-ID: <question@example.com>',
  'Date: Thu, 01 Jan 2026 12:00:00 +0000',
  '',
  'What does it cost?',
  '',
].join('\r\n')

describe('the responder of an account', () => {
  test('is none, is set, is shown without its secret, and goes', async () => {
    const { call, accountId, put } = await startAnswering()
    const path = `/accounts/${accountId}/responder`
    expect((await call('GET', path)).body).toMatchObject({ status: 404, code: 'NOT_FOUND' })
    const filters = { from: ['*@example.com', '!boss@example.com'], headers: { 'X-Team': ['sales'] }, list_id: ['*'] }
    const made = await put({ url: 'https://hooks.example.com/a', filters, scenario: 'sales', cooldown_seconds: 60 })
    expect(made.status).toBe(200)
    const { secret, ...shown } = made.body
    expect(secret).toMatch(/^whsec_[0-9a-f]{64}$/)
    expect(shown).toMatchObject({
      account_id: accountId,
      url: 'https://hooks.example.com/a',
      module: null,
      filters,
      scenario: 'sales',
      timeout_seconds: 30,
      cooldown_seconds: 60,
      hourly_limit: 100,
      allow_private: false,
    })
    expect((await call('GET', path)).body).toEqual(shown)
    const again = await put({ url: 'https://hooks.example.com/b' })
    expect(again.body).toMatchObject({ url: 'https://hooks.example.com/b', created_at: shown.created_at, filters: {} })
    expect(again.body).not.toHaveProperty('secret')
    expect((await call('DELETE', path)).status).toBe(204)
    expect((await call('DELETE', path)).status).toBe(404)
  })

  test('refuses settings that are wrong, naming what is wrong with them', async () => {
    const { put } = await startAnswering()
    for (const [settings, path] of [
      [{}, 'url'],
      [{ url: 'https://a.example', module: 'b' }, 'module'],
      [{ url: 'http://a.example' }, 'url'],
      [{ url: 'ftp://a.example', allow_private: true }, 'url'],
      [{ module: '../secrets' }, 'module'],
      [{ module: 'a', timeout_seconds: 0 }, 'timeout_seconds'],
      [{ module: 'a', cooldown_seconds: -1 }, 'cooldown_seconds'],
      [{ module: 'a', hourly_limit: 0 }, 'hourly_limit'],
      [{ module: 'a', scenario: '' }, 'scenario'],
      [{ module: 'a', filters: { from: [] } }, 'filters.from'],
      [{ module: 'a', filters: { headers: { 'a b': ['x'] } } }, 'filters.headers'],
      [{ module: 'a', filters: { who: ['x'] } }, 'filters.who'],
    ] as const) {
      const refused = await put(settings)
      expect([settings, refused.status, refused.body.code]).toEqual([settings, 400, 'VALIDATION_ERROR'])
      expect(refused.body.errors.map((one: { path: string }) => one.path).join(' ')).toContain(path)
    }
  })

  test('is nobody else’s affair, and private addresses are for the tenant of the daemon alone', async () => {
    const { call, accountId, put } = await startAnswering()
    const of = async (tenant_id: string, user_id: string, scopes: readonly string[]): Promise<string> =>
      (await call('POST', '/tokens', { json: { tenant_id, user_id, scopes } })).body.token
    const path = `/accounts/${accountId}/responder`
    const other = await of('default', 'other', ['read', 'write'])
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const options = method === 'PUT' ? { json: { module: 'a' }, token: other } : { token: other }
      expect((await call(method, path, options)).status).toBe(403)
    }
    const reader = await of('default', 'default', ['read'])
    expect((await call('PUT', path, { json: { module: 'a' }, token: reader })).status).toBe(403)
    expect((await call('GET', path, { token: reader })).status).toBe(404)
    const tenant = await of('acme', 'carla', ['read', 'write'])
    const { body: account } = await call('POST', '/accounts', {
      token: tenant,
      json: {
        address: 'carla@example.com',
        imap: { host: '127.0.0.1', port: 1, security: 'none', user: 'carla', password: 'x' },
      },
    })
    const settings = { url: 'http://127.0.0.1:1/', allow_private: true }
    const asked = await call('PUT', `/accounts/${account.id}/responder`, { json: settings, token: tenant })
    expect([asked.status, asked.body.errors?.[0]?.path]).toEqual([403, 'allow_private'])
    expect((await put(settings)).status).toBe(200)
  })
})

describe('a URL that answers', () => {
  test('is asked as soon as a mail is there, signed, and its words are a draft; SSE and webhooks hear of it', async () => {
    const answering = await startAnswering()
    const bot = await program(() => json({ text: 'It costs 3 €.', scenario: 'a scenario that nobody knows' }))
    const { secret } = (await answering.put({ url: bot.url, allow_private: true })).body
    const heard = await program(() => ({ status: 204 }))
    const hook = { url: heard.url, events: ['outcome.created'], allow_private: true }
    expect((await answering.call('POST', '/webhooks', { json: hook })).status).toBe(201)
    const stream = await listen(answering.url, { token })
    await stream.opened()
    answering.arrives()
    await expect.poll(() => answering.outcomes(), { timeout: 5_000 }).toHaveLength(1)
    const [asked] = bot.asked
    expect(asked!.request).toEqual({
      account_id: answering.accountId,
      message: {
        message_id: '<question@example.com>',
        from: { address: 'bob@example.com', name: 'Bob Example' },
        to: [{ address: 'ann@example.org', name: '' }],
        cc: [],
        subject: 'Prices',
        date: '2026-01-01T12:00:00.000Z',
        text: 'What does it cost?',
        html: null,
        in_reply_to: null,
        references: [],
      },
      conversation: [],
    })
    expect(asked!.headers['everdraft-event']).toBe('responder')
    const signed = { timestamp: String(asked!.headers['everdraft-timestamp']), body: asked!.text, secret }
    expect(verifyWebhook({ ...signed, signature: String(asked!.headers['everdraft-signature']) })).toBe(true)
    const [outcome] = await answering.outcomes()
    expect(outcome).toMatchObject({ draftBody: 'It costs 3 €.', scenario: 'a scenario that nobody knows' })
    const made = { type: 'outcome.created', draft_id: outcome!.messageId, outcome_id: outcome!.id }
    expect((await stream.hear(({ event }) => event === 'outcome.created')).data).toMatchObject(made)
    await expect.poll(() => heard.asked.map(({ request }) => request)).toMatchObject([made])
  })

  test('is told what came before; the draft before is superseded, and the one that is sent is found in Sent', async () => {
    const answering = await startAnswering()
    const bot = await program(({ request }) => json({ text: `After ${request.conversation.length}.` }))
    await answering.put({ url: bot.url, allow_private: true })
    const stream = await listen(answering.url, { token })
    await stream.opened()
    answering.arrives()
    await stream.hear(({ event }) => event === 'outcome.created')
    answering.arrives(
      question.replace('Message-ID: <question@', 'In-Reply-To: <question@example.com>\r\nMessage-ID: <more@'),
    )
    const { data: superseded } = await stream.hear(({ event }) => event === 'outcome.superseded')
    await expect.poll(() => answering.outcomes()).toHaveLength(2)
    const [second, first] = await answering.outcomes()
    expect(superseded).toMatchObject({ draft_id: first!.messageId, superseded_by: second!.messageId, kept: false })
    expect(bot.asked[1]!.request.conversation).toMatchObject([
      { kind: 'received', message_id: '<question@example.com>', subject: 'Prices', text: 'What does it cost?' },
      { kind: 'draft', message_id: null, text: 'After 0.' },
    ])
    // Another program sends it as it is.
    const { store } = answering.mailServer
    const copies = () => answering.mailServer.mailbox(mailUser.name, 'Drafts')
    const isSecond = (bytes: Uint8Array) => Buffer.from(bytes).includes(`X-Everdraft-Id: ${second!.messageId}`)
    await expect.poll(() => copies().some(({ bytes }) => isSecond(bytes)), { timeout: 5_000 }).toBe(true)
    const copy = copies().find(({ bytes }) => isSecond(bytes))
    const sentFolder = store.find(mailUser.name, 'Sent')
    store.append(sentFolder!, { bytes: copy!.bytes, flags: [], internalDateMs: Date.now() })
    const { data: sent } = await stream.hear(({ event }) => event === 'outcome.sent')
    expect(sent).toMatchObject({ draft_id: second!.messageId, evidence: 'exact', verdict: 'sent-unchanged' })
  }, 20_000)

  test('has nothing to say: 204 is no draft, and the mail is not asked about again', async () => {
    const answering = await startAnswering()
    const bot = await program((_, index) => (index === 0 ? { status: 204 } : json({ text: 'Later.' })))
    await answering.put({ url: bot.url, allow_private: true })
    answering.arrives()
    await expect.poll(() => bot.asked.length, { timeout: 5_000 }).toBe(1)
    answering.arrives(question.replace('question@', 'second@').replace('12:00:00', '12:00:01'))
    await expect.poll(() => answering.outcomes(), { timeout: 5_000 }).toHaveLength(1)
    expect(bot.asked).toHaveLength(2)
    expect((await answering.outcomes())[0]).toMatchObject({ draftBody: 'Later.' })
  })

  test('answers nonsense, fails or says nothing: each mail waits with its reason, and is answered when that is over', async () => {
    const answering = await startAnswering()
    const first = new Map<string, Said | null>([
      ['no JSON', { body: 'Dear Bob,' }],
      ['JSON that is no answer', { body: '{"text": 7}' }],
      ['nothing at all', {}],
      ['megabytes', { body: `{"text": "${'x'.repeat(2 ** 21)}"}` }],
      ['a failure', { status: 500 }],
      ['another place', { status: 307, headers: { location: '/there' } }],
      ['no word', null],
      ['no time', { status: 503 }],
    ])
    const seen = new Set<string>()
    const bot = await program(({ request: { message } }) => {
      const said = seen.has(message.subject) ? undefined : first.get(message.subject)
      seen.add(message.subject)
      return said === undefined ? json({ text: `Here is ${message.subject}.` }) : said
    })
    const codes: string[] = []
    answering.engine.subscribe({}, (event) => {
      if (event.type === 'task-retrying' && event.kind === 'responder_answer') codes.push(event.error.code)
    })
    await answering.put({ url: bot.url, allow_private: true, timeout_seconds: 1 })
    for (const subject of first.keys()) {
      answering.arrives(question.replace('Prices', subject).replace('question@', `${subject.replaceAll(' ', '-')}@`))
    }
    await expect.poll(() => answering.outcomes(), { timeout: 15_000 }).toHaveLength(first.size)
    expect(codes.toSorted()).toEqual([
      'RESPONDER_BUSY',
      'RESPONDER_NONSENSE',
      'RESPONDER_NONSENSE',
      'RESPONDER_NONSENSE',
      'RESPONDER_NONSENSE',
      'RESPONDER_REDIRECT',
      'RESPONDER_REFUSED',
      'RESPONDER_TIMEOUT',
    ])
    const words = (await answering.outcomes()).map(({ draftBody }) => draftBody)
    expect(words.toSorted()).toEqual([...first.keys()].map((subject) => `Here is ${subject}.`).toSorted())
  }, 20_000)

  test('is not asked within the own network unless that is allowed: the mail is parked until the settings change', async () => {
    const answering = await startAnswering()
    const bot = await program(() => json({ text: 'Here it is.' }))
    await answering.put({ url: bot.url.replace('http:', 'https:') })
    answering.arrives()
    const parked = async () => (await answering.tasks()).find(({ state }) => state === 'parked')
    await expect
      .poll(async () => (await parked())?.lastError?.code, { timeout: 5_000 })
      .toBe('RESPONDER_FORBIDDEN_ADDRESS')
    expect(bot.asked).toEqual([])
    await answering.put({ url: bot.url, allow_private: true })
    await expect.poll(() => answering.outcomes(), { timeout: 5_000 }).toHaveLength(1)
  })
})
