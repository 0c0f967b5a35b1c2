import type { Scope } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import type { Route } from '../src/index.ts'
import { type Answer, type CallOptions, type Running, start } from './harness.ts'

const nobody = '00000000-0000-7000-8000-000000000000'
const allScopes: readonly Scope[] = ['read', 'write', 'send', 'approve', 'admin']

/** A request that its owner may make; ids go into the path by name. */
const requests: Readonly<Record<string, CallOptions>> = {
  'GET /': {},
  'GET /healthz': {},
  'GET /readyz': {},
  'GET /metrics': {},
  'GET /accounts': {},
  'POST /accounts': { json: accountJson('carl@example.org') },
  'POST /accounts/discover': { json: { address: 'carl@example.org' } },
  'GET /accounts/:id': {},
  'PATCH /accounts/:id': { json: { name: 'Robert' } },
  'DELETE /accounts/:id': {},
  'POST /accounts/:id/verify': {},
  'POST /accounts/:id/sync': {},
  'POST /accounts/:id/sends/release': {},
  'POST /drafts': { json: {} },
  'GET /accounts/:id/drafts': {},
  'POST /accounts/:id/drafts': { json: {} },
  'GET /accounts/:id/drafts/:draft_id': {},
  'PUT /accounts/:id/drafts/:draft_id': { json: { subject: 'Changed' } },
  'DELETE /accounts/:id/drafts/:draft_id': {},
  'POST /accounts/:id/messages/reply': { json: { message_id: '<a@example.org>', mode: 'reply' } },
  'POST /accounts/:id/drafts/:draft_id/send': {},
  'POST /send': { json: { from_email: 'bob@example.org', to: 'ann@example.org', subject: 'Hello', text: 'Hello' } },
  'GET /track/:id': {},
  'GET /sends': {},
  'DELETE /sends/:id': {},
  'POST /sends/:id/retry': {},
  'POST /sends/:id/resolve': { json: { as: 'sent' } },
  'GET /accounts/:id/drafts/:draft_id/attachments': {},
  'POST /accounts/:id/drafts/:draft_id/attachments': file('b.txt'),
  'GET /accounts/:id/drafts/:draft_id/attachments/:attachment_id': {},
  'DELETE /accounts/:id/drafts/:draft_id/attachments/:attachment_id': {},
  'POST /accounts/:id/drafts/:draft_id/open': { json: { device_id: 'desk' } },
  'DELETE /accounts/:id/drafts/:draft_id/open': { json: { device_id: 'desk' } },
  'GET /accounts/:id/drafts/:draft_id/history': {},
  'POST /accounts/:id/drafts/:draft_id/restore': { json: { version: 1 } },
  'POST /accounts/:id/drafts/:draft_id/discard-changes': {},
  'POST /accounts/:id/drafts/:draft_id/undiscard': {},
  'GET /accounts/:id/drafts/:draft_id/review': {},
  'POST /accounts/:id/drafts/:draft_id/approve': { json: { version: 3 } },
  'GET /accounts/:id/drafts/:draft_id/conflicts': {},
  'POST /accounts/:id/drafts/:draft_id/conflicts/:conflict_id/resolve': { json: { strategy: 'local-wins' } },
  'POST /accounts/:id/drafts/:draft_id/suggest': { json: { webhook_id: ':adviser' } },
  // What it answers about drafts of others: draft-manager.test.ts.
  'POST /accounts/:id/draft-manager': { json: { action: 'list' } },
  'GET /accounts/:id/export': {},
  'POST /accounts/:id/import': { body: '{"drafts":[]}' },
  'GET /accounts/:id/responder': {},
  'PUT /accounts/:id/responder': { json: { module: 'nothing' } },
  'DELETE /accounts/:id/responder': {},
  'GET /accounts/:id/templates': {},
  'POST /accounts/:id/templates': { json: { name: 'New' } },
  'GET /accounts/:id/templates/:template_id': {},
  'DELETE /accounts/:id/templates/:template_id': {},
  'GET /accounts/:id/tasks': {},
  'GET /accounts/:id/tasks/:task_id': {},
  'POST /accounts/:id/tasks/:task_id/retry': {},
  'GET /events': { headers: { prefer: 'wait=0' } },
  'GET /webhooks': {},
  'POST /webhooks': { json: webhookJson() },
  'PATCH /webhooks/:id': { json: { enabled: false } },
  'POST /webhooks/:id/secret': { json: {} },
  'DELETE /webhooks/:id': {},
  'POST /webhooks/:id/test': {},
  'GET /webhooks/:id/deliveries': {},
  'GET /webhook/analytics/counts': {},
  'GET /webhook/analytics/by-scenario': {},
  'GET /webhook/analytics/by-user': {},
  'GET /webhook/analytics/trends': {},
  'GET /webhook/analytics/draft-vs-sent': {},
  'GET /tokens': {},
  'POST /tokens': { json: { scopes: ['admin'] } },
  'DELETE /tokens/:id': {},
  // backup.test.ts and key.test.ts ask these as others than the operator.
  'GET /backup': {},
  'POST /key/rotate': {},
  // Its tools go through the routes above; mcp.test.ts asks them as two tenants.
  'POST /mcp': { json: {} },
}

function accountJson(address: string): unknown {
  // Nobody listens there: tasks and sends stay where they are.
  const server = { host: '127.0.0.1', port: 1, security: 'none', user: address, password: 'secret' }
  return { address, imap: server, smtp: server }
}

function webhookJson(): unknown {
  // Nothing is delivered there: it is no address of the public network, and that event never comes.
  return { url: 'https://192.0.2.1/', events: ['webhook-disabled'] }
}

function file(name: string): CallOptions {
  return {
    body: 'text',
    headers: { 'content-type': 'text/plain', 'content-disposition': `attachment; filename="${name}"` },
  }
}

const nameOf = ({ method, path }: Route): string => `${method} ${path}`

/** Without the HEAD that comes with each GET, and the pages to read. */
function routesOf({ daemon }: Running): readonly Route[] {
  return daemon.routes.filter(({ method, access }) => method !== 'HEAD' && access !== 'reader')
}

interface Ids {
  readonly account: string
  readonly draft: string
  readonly attachment: string
  readonly conflict: string
  readonly template: string
  readonly task: string
  readonly send: string
  readonly token: string
  readonly webhook: string
  /** Another one, which a body names. */
  readonly adviser: string
}

const nobodys: Ids = {
  account: nobody,
  draft: nobody,
  attachment: nobody,
  conflict: nobody,
  template: nobody,
  task: nobody,
  send: nobody,
  token: nobody,
  webhook: nobody,
  adviser: nobody,
}

function pathWith(path: string, ids: Ids): string {
  const own = { track: ids.send, sends: ids.send, tokens: ids.token, webhooks: ids.webhook }
  const id = own[path.split('/')[1] as keyof typeof own] ?? ids.account
  return path
    .replace(':id', id)
    .replace(':draft_id', ids.draft)
    .replace(':attachment_id', ids.attachment)
    .replace(':conflict_id', ids.conflict)
    .replace(':template_id', ids.template)
    .replace(':task_id', ids.task)
}

/** Of the ids, those that go into bodies. */
function optionsWith(route: Route, { adviser }: Ids): CallOptions {
  return JSON.parse(JSON.stringify(requests[nameOf(route)]).replaceAll(':adviser', adviser)) as CallOptions
}

async function tokenOf({ call }: Running, tenant: string, user: string, scopes = allScopes): Promise<string> {
  const { body } = await call('POST', '/tokens', { json: { tenant_id: tenant, user_id: user, scopes } })
  return body.token
}

/** One of everything. */
async function possessions({ call }: Running, token: string, address: string): Promise<Ids> {
  const made = async (method: string, path: string, options: CallOptions = {}): Promise<Answer['body']> => {
    const answer = await call(method, path, { ...options, token })
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  const { id: account } = await made('POST', '/accounts', { json: accountJson(address) })
  const drafts = `/accounts/${account}/drafts`
  const { id: draft } = await made('POST', drafts, { json: { to: 'ann@example.org', subject: 'One', text: 'One' } })
  await made('PUT', `${drafts}/${draft}`, { json: { subject: 'Two' } })
  const clash = await call('PUT', `${drafts}/${draft}?on_conflict=merge&base_version=1`, {
    json: { subject: 'Three' },
    token,
  })
  const { id: attachment } = await made('POST', `${drafts}/${draft}/attachments`, file('a.txt'))
  const { id: template } = await made('POST', `/accounts/${account}/templates`, { json: { name: 'One' } })
  await made('PUT', `/accounts/${account}/responder`, { json: { module: 'nothing' } })
  const { items: tasks } = await made('GET', `/accounts/${account}/tasks`)
  const { id: send } = await made('POST', '/send', {
    json: { from_email: address, to: 'ann@example.org', subject: 'Sent', text: 'Sent', undo_seconds: 3600 },
  })
  const { id: ownToken } = await made('POST', '/tokens', { json: { scopes: ['read'] } })
  const { id: webhook } = await made('POST', '/webhooks', { json: webhookJson() })
  const { id: adviser } = await made('POST', '/webhooks', { json: webhookJson() })
  return {
    account,
    draft,
    attachment,
    conflict: clash.body.conflict_id,
    template,
    task: tasks[0].id,
    send,
    token: ownToken,
    webhook,
    adviser,
  }
}

/** All that the bearer of the token can see. */
async function everything({ call }: Running, token: string, ids: Ids): Promise<readonly unknown[]> {
  const seen: unknown[] = []
  for (const path of [
    '/accounts',
    '/sends',
    '/webhooks',
    `/accounts/${ids.account}/drafts`,
    `/accounts/${ids.account}/drafts/${ids.draft}/history`,
    `/accounts/${ids.account}/drafts/${ids.draft}/conflicts`,
    `/accounts/${ids.account}/templates`,
    `/accounts/${ids.account}/responder`,
  ]) {
    const { body } = await call('GET', path, { token })
    // What is tried again and again in the background says when.
    seen.push(
      JSON.parse(JSON.stringify(body), (key, value: unknown) =>
        ['last_error', 'pending', 'next_attempt_at', 'error', 'attempts'].includes(key) ? null : value,
      ),
    )
  }
  return seen
}

describe('every route', () => {
  test('stands in the table of this test', async () => {
    const running = await start()
    expect(Object.keys(requests).toSorted()).toEqual(routesOf(running).map(nameOf).toSorted())
  })

  test('answers another tenant, and another user of the same one, as if nothing were there', async () => {
    const running = await start()
    const bob = await tokenOf(running, 'globex', 'bob')
    const bobs = await possessions(running, bob, 'bob@example.org')
    const before = await everything(running, bob, bobs)
    for (const stranger of [await tokenOf(running, 'acme', 'ann'), await tokenOf(running, 'globex', 'eve')]) {
      const own = await possessions(running, stranger, 'ann@example.org')
      for (const route of routesOf(running).filter(({ path }) => path.includes(':'))) {
        const ask = (ids: Ids): Promise<Answer> =>
          running.call(route.method, pathWith(route.path, ids), { ...optionsWith(route, ids), token: stranger })
        const expected = route.path.startsWith('/accounts/') ? 403 : 404
        const foreign = await ask(bobs)
        expect(foreign.status, nameOf(route)).toBe(expected)
        expect(withoutTimes(foreign), nameOf(route)).toEqual(withoutTimes(await ask(nobodys)))
        if (!route.path.includes('/:id/') || !/:[a-z]+_id/.test(route.path)) continue
        // In one's own account what is another's is unknown, and so it is said.
        const within = await ask({ ...bobs, account: own.account })
        const unknown = await ask({ ...nobodys, account: own.account })
        expect(within.status, `${nameOf(route)} in an own account`).toBe(404)
        expect(withoutIds(within), nameOf(route)).toEqual(withoutIds(unknown))
      }
    }
    expect(await everything(running, bob, bobs)).toEqual(before)
  })

  test('needs its scope, and no other', async () => {
    const running = await start()
    const bob = await tokenOf(running, 'globex', 'bob')
    const bobs = await possessions(running, bob, 'bob@example.org')
    const ask = (route: Route, token: string): Promise<Answer> =>
      running.call(route.method, pathWith(route.path, bobs), { ...optionsWith(route, bobs), token })
    for (const scope of allScopes) {
      const only = await tokenOf(running, 'globex', 'bob', [scope])
      const others = await tokenOf(
        running,
        'globex',
        'bob',
        allScopes.filter((one) => one !== scope),
      )
      const table = routesOf(running)
        .filter(({ access }) => access === scope)
        .toSorted(byHarm)
      for (const route of table) {
        expect(await ask(route, others), nameOf(route)).toMatchObject({
          status: 403,
          body: { code: 'UNAUTHORIZED', detail: `the token lacks the scope ${scope}` },
        })
      }
      if (scope === 'write') continue
      for (const route of table) {
        expect([401, 403, 404], `${nameOf(route)} with ${scope} alone`).not.toContain((await ask(route, only)).status)
      }
    }
    // Last, as they take away what the others are asked for.
    const write = await tokenOf(running, 'globex', 'bob', ['write'])
    for (const route of routesOf(running)
      .filter(({ access }) => access === 'write')
      .toSorted(byHarm)) {
      expect([401, 403, 404], `${nameOf(route)} with write alone`).not.toContain((await ask(route, write)).status)
    }
  })
})

/** What is taken away is taken from the inside to the outside, after everything else. */
function byHarm(a: Route, b: Route): number {
  return harm(a) - harm(b)
}

function harm({ method, path }: Route): number {
  return method === 'DELETE' ? 1000 - path.length : 0
}

/** An envelope says when it was written. */
function withoutTimes({ body }: Answer): unknown {
  if (typeof body !== 'object' || body === null) return body
  const { timestamp: _timestamp, duration: _duration, ...rest } = body
  return rest
}

function withoutIds({ body }: Answer): unknown {
  return JSON.parse(JSON.stringify(body).replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID'))
}

describe('ids in bodies and queries', () => {
  test('are the own ones, or unknown', async () => {
    const running = await start()
    const { call } = running
    const bob = await tokenOf(running, 'globex', 'bob')
    const bobs = await possessions(running, bob, 'bob@example.org')
    const ann = await tokenOf(running, 'acme', 'ann')
    const mail = { to: 'carl@example.org', subject: 'Hello', text: 'Hello' }
    for (const accountId of [bobs.account, nobody]) {
      const answer = await call('POST', '/send', { token: ann, json: { ...mail, account_id: accountId } })
      expect(answer).toMatchObject({ status: 403, body: { code: 'UNAUTHORIZED' } })
      expect((await call('GET', `/sends?account_id=${accountId}`, { token: ann })).status).toBe(403)
    }
    for (const fromEmail of ['bob@example.org', 'nobody@example.org']) {
      const answer = await call('POST', '/send', { token: ann, json: { ...mail, from_email: fromEmail } })
      expect(answer).toMatchObject({ status: 422, body: { code: 'UNSENDABLE', errors: [{ path: 'from_email' }] } })
    }
    expect(
      (await call('POST', '/webhooks', { token: ann, json: { url: 'https://192.0.2.1/', account_id: bobs.account } }))
        .status,
    ).toBe(403)
    expect((await call('GET', `/sends?draft_id=${bobs.draft}`, { token: ann })).body.total).toBe(0)
    expect((await call('POST', '/drafts', { token: ann, json: { from: 'bob@example.org' } })).status).toBe(404)
    const anns = await possessions(running, ann, 'ann@example.org')
    const picked = await call('POST', '/drafts', { token: ann, json: { from: 'bob@example.org' } })
    expect(picked.body.account_id).toBe(anns.account)
    const withTemplate = await call('POST', `/accounts/${anns.account}/drafts`, {
      token: ann,
      json: { template_id: bobs.template },
    })
    expect(withTemplate.status).toBe(404)
    const stream = await call('GET', '/events?after=0', { token: ann, headers: { prefer: 'wait=0' } })
    const seen = new TextDecoder().decode(stream.bytes)
    expect(seen).toContain(anns.draft)
    expect(seen).not.toMatch(new RegExp(Object.values(bobs).join('|')))
    expect((await call('GET', `/events?account_id=${bobs.account}`, { token: ann })).status).toBe(403)
    for (const path of ['/accounts', '/sends', '/tokens', '/webhooks']) {
      const { body } = await call('GET', `${path}?limit=500`, { token: ann })
      expect(JSON.stringify(body), path).not.toMatch(new RegExp(Object.values(bobs).join('|')))
    }
  })

  test('one idempotency key in two tenants makes two things', async () => {
    const running = await start()
    const headers = { 'idempotency-key': 'the-same' }
    const made = new Set<string>()
    for (const user of ['ann', 'bob']) {
      const token = await tokenOf(running, 'acme', user)
      await running.call('POST', '/accounts', { token, json: accountJson(`${user}@example.org`) })
      const { body } = await running.call('POST', '/drafts', { token, headers, json: { subject: 'Hello' } })
      made.add(body.id)
    }
    expect(made.size).toBe(2)
  })
})
