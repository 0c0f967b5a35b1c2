import type { Scope } from '@everdraft/core'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'

import { type Answer, mailUser, rewriteOnServer, type Running, start, token as operatorToken } from './harness.ts'

const nobody = '00000000-0000-7000-8000-000000000000'
const letter = { to: 'bob@example.com', subject: 'Hello', text: 'Dear Bob\n' }

interface Model {
  readonly tools: () => Promise<readonly string[]>
  /** What the tool answers, or the problem that it has. */
  readonly use: (tool: string, input?: Record<string, unknown>) => Promise<Answer['body']>
  readonly client: Client
}

/** A model that was given the token, over real HTTP. */
async function modelWith({ url }: Running, token: string): Promise<Model> {
  const client = new Client({ name: 'a-test', version: '1.0.0' })
  const requestInit = { headers: { authorization: `Bearer ${token}` } }
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit }))
  onTestFinished(() => client.close())
  return {
    client,
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    use: async (name, input = {}) => {
      const { content, structuredContent, isError } = (await client.callTool({
        name,
        arguments: input,
      })) as CallToolResult
      const [first] = content
      if (first?.type !== 'text') throw new Error('the answer is no text')
      expect(JSON.parse(first.text)).toEqual(structuredContent)
      const failed = typeof structuredContent?.['code'] === 'string'
      expect(isError ?? false, first.text).toBe(failed)
      return structuredContent
    },
  }
}

async function tokenOf({ call }: Running, tenant: string, scopes: readonly Scope[]): Promise<string> {
  const json = { tenant_id: tenant, user_id: 'ann', scopes }
  return (await call('POST', '/tokens', { json })).body.token
}

/** A mailbox that can send, of the tenant whose token it is. */
async function accountOf({ call, imapPort, mailServer }: Running, token: string): Promise<string> {
  const server = { host: '127.0.0.1', security: 'none', user: mailUser.name, password: mailUser.password }
  const json = {
    address: mailUser.name,
    imap: { ...server, port: imapPort },
    smtp: { ...server, port: mailServer.smtpPort },
  }
  const { status, body } = await call('POST', '/accounts', { token, json })
  expect(status).toBe(201)
  return body.id
}

function fields(schema: { readonly properties: object }): readonly string[] {
  return Object.keys(schema.properties)
}

describe('the tools of a token', () => {
  test('are those of its scopes, and what is not listed is refused', async () => {
    const running = await start()
    const reading = ['list_accounts', 'list_drafts', 'get_draft', 'track_send']
    const writing = ['create_draft', 'update_draft', 'request_review']
    const sending = ['send_draft', 'undo_send']
    const table: readonly (readonly [readonly Scope[], readonly string[]])[] = [
      [['read'], reading],
      [['write'], writing],
      [['send'], sending],
      [['approve', 'admin'], []],
      [
        ['read', 'write', 'send', 'approve', 'admin'],
        [...reading, ...writing, ...sending],
      ],
    ]
    for (const [scopes, expected] of table) {
      const model = await modelWith(running, await tokenOf(running, 'acme', scopes))
      expect((await model.tools()).toSorted(), scopes.join(' ')).toEqual(expected.toSorted())
    }
    const reader = await modelWith(running, await tokenOf(running, 'acme', ['read']))
    const ids = { account_id: nobody, draft_id: nobody }
    for (const [tool, input, scope] of [
      ['create_draft', letter, 'write'],
      ['update_draft', { ...ids, expected_version: 1, text: 'Other' }, 'write'],
      ['request_review', ids, 'write'],
      ['send_draft', { ...ids, expected_version: 1 }, 'send'],
      ['undo_send', { send_id: nobody }, 'send'],
    ] as const) {
      expect(await reader.use(tool, input), tool).toMatchObject({
        code: 'UNAUTHORIZED',
        detail: `the token lacks the scope ${scope}`,
      })
    }
  })

  test('take what their routes take', async () => {
    const running = await start()
    const { client } = await modelWith(running, operatorToken)
    const { tools } = await client.listTools()
    const { body: document } = await running.call('GET', '/openapi.json')
    const { NewDraft, DraftChanges, SendOptions } = document.components.schemas
    const taken = (name: string): readonly string[] =>
      Object.keys(tools.find((tool) => tool.name === name)?.inputSchema.properties ?? {}).toSorted()
    const ids = ['account_id', 'draft_id']
    expect(taken('create_draft')).toEqual([...fields(NewDraft), 'idempotency_key'].toSorted())
    expect(taken('update_draft')).toEqual(
      [...fields(DraftChanges).filter((field) => field !== 'review'), ...ids, 'expected_version'].toSorted(),
    )
    expect(taken('send_draft')).toEqual(
      [...fields(SendOptions), ...ids, 'expected_version', 'idempotency_key', 'wait_seconds'].toSorted(),
    )
    const { parameters } = document.paths['/accounts/{id}/drafts'].get
    const names = (parameters as readonly { name: string }[]).map(({ name }) => (name === 'id' ? 'account_id' : name))
    expect(taken('list_drafts')).toEqual(names.toSorted())
    expect(taken('request_review')).toEqual(ids)
    for (const tool of tools) expect(JSON.stringify(tool.inputSchema), tool.name).not.toMatch(/\$ref|"id":"[A-Z]/)
    const update = tools.find(({ name }) => name === 'update_draft')
    expect(update?.inputSchema.required?.toSorted()).toEqual(['account_id', 'draft_id', 'expected_version'])
  })

  test('name what is wrong as they call it', async () => {
    const running = await start()
    const model = await modelWith(running, operatorToken)
    for (const [tool, input, path] of [
      ['get_draft', { account_id: 'one', draft_id: nobody }, 'account_id'],
      ['get_draft', { draft_id: nobody }, 'account_id'],
      ['track_send', { send_id: '../accounts' }, 'send_id'],
      ['list_drafts', { account_id: nobody, limit: 501 }, 'limit'],
      ['create_draft', { too: 'bob@example.com' }, 'too'],
      ['create_draft', { idempotency_key: 'a\r\nb' }, 'idempotency_key'],
      ['update_draft', { account_id: nobody, draft_id: nobody, text: 'Other' }, 'expected_version'],
      ['send_draft', { account_id: nobody, draft_id: nobody }, 'expected_version'],
    ] as const) {
      expect(await model.use(tool, input), tool).toMatchObject({ code: 'VALIDATION_ERROR', errors: [{ path }] })
    }
    // What only the route sees.
    await accountOf(running, operatorToken)
    expect(await model.use('create_draft', { subject: 'a\r\nb' })).toMatchObject({
      code: 'VALIDATION_ERROR',
      errors: [{ path: 'subject' }],
    })
    expect(await model.use('make_coffee')).toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('a model that writes drafts', () => {
  test('creates, finds, reads and changes one; the history says that a program did', async () => {
    const running = await start()
    const accountId = await accountOf(running, operatorToken)
    const model = await modelWith(running, operatorToken)
    const first = await model.use('create_draft', { ...letter, idempotency_key: 'one' })
    const again = await model.use('create_draft', { ...letter, idempotency_key: 'one' })
    expect(again.id).toBe(first.id)
    expect(await model.use('list_accounts')).toMatchObject({ items: [{ id: accountId }], total: 1 })
    const list = await model.use('list_drafts', { account_id: accountId, status: 'draft', limit: 10 })
    expect(list).toMatchObject({ items: [{ id: first.id, subject: 'Hello' }], total: 1, limit: 10 })
    const ids = { account_id: accountId, draft_id: first.id }
    expect(await model.use('get_draft', ids)).toMatchObject({ text: letter.text, version: 1 })
    const changed = await model.use('update_draft', { ...ids, expected_version: 1, text: 'Dear Bob and Carla\n' })
    expect(changed).toMatchObject({ version: 2, subject: 'Hello', text: 'Dear Bob and Carla\n' })
    const { body: history } = await running.call('GET', `/accounts/${accountId}/drafts/${first.id}/history`)
    expect(history.items.map(({ by }: { by: string }) => by)).toEqual(['program', 'program'])
  })

  test('does not write over what a person wrote: it is told the version, and who it was', async () => {
    const running = await start()
    const { call, mailServer } = running
    const accountId = await accountOf(running, operatorToken)
    const { id, account_id } = (await call('POST', `/accounts/${accountId}/drafts`, { json: letter })).body
    const path = `/accounts/${account_id}/drafts/${id}`
    const person = { 'everdraft-author': 'user' }
    await call('PUT', path, { headers: person, json: { text: 'Dear Bob, dear Carla\n' } })
    const asked = { account_id: accountId, draft_id: id, expected_version: 1 }
    const model = await modelWith(running, operatorToken)
    const refused = await model.use('update_draft', { ...asked, text: 'Overwritten\n' })
    expect(refused).toMatchObject({
      status: 412,
      code: 'VERSION_MISMATCH',
      current_version: 2,
      edits: [{ version: 2, by: 'user', fields_changed: ['text'] }],
    })
    expect(refused.detail).toContain('the draft is at version 2 now, not 1: a person edited it (version 2)')
    expect(await model.use('send_draft', asked)).toMatchObject({ code: 'VERSION_MISMATCH', current_version: 2 })
    expect(mailServer.submissions).toHaveLength(0)
    expect((await call('GET', path)).body).toMatchObject({ version: 2, text: 'Dear Bob, dear Carla\n' })
    // And in another mail program.
    const wait = { headers: { prefer: 'wait=20' } }
    expect((await call('POST', `/accounts/${accountId}/sync`, wait)).status).toBe(200)
    rewriteOnServer(mailServer, 'Drafts', (message) => message.replace('dear Carla', 'dear Dora'))
    expect((await call('POST', `/accounts/${accountId}/sync`, wait)).status).toBe(200)
    const { body: now } = await call('GET', path)
    expect(now.text).toContain('dear Dora')
    const both = await model.use('update_draft', { ...asked, text: 'Overwritten\n' })
    expect(both.detail).toContain('a person edited it (version 2), a person in another mail program edited it')
    const unknown = await model.use('update_draft', { ...asked, expected_version: 99, text: 'Overwritten\n' })
    expect(unknown.detail).toContain('nobody has written that version')
    // Whoever may only write is told it as well, and a stranger is not.
    const { body: writing } = await call('POST', '/tokens', { json: { scopes: ['write'] } })
    const writer = await modelWith(running, writing.token)
    expect(await writer.use('update_draft', { ...asked, text: 'Mine' })).toMatchObject({
      code: 'VERSION_MISMATCH',
      current_version: now.version,
    })
    const stranger = await modelWith(running, await tokenOf(running, 'acme', ['write']))
    expect(await stranger.use('update_draft', { ...asked, text: 'Mine' })).not.toHaveProperty('current_version')
  })

  test('sends nothing over a review that was not given, and cannot take the review back', async () => {
    const running = await start()
    const { call, mailServer } = running
    const accountId = await accountOf(running, operatorToken)
    // With all scopes: what it may do as a bearer, it still may not do as a model.
    const model = await modelWith(running, operatorToken)
    const { id } = await model.use('create_draft', letter)
    const ids = { account_id: accountId, draft_id: id }
    const asked = await model.use('request_review', ids)
    expect(asked.review).toMatchObject({ required: true, approved: false })
    const send = { ...ids, expected_version: asked.version, wait_seconds: 20 }
    expect(await model.use('send_draft', send)).toMatchObject({ status: 403, code: 'APPROVAL_REQUIRED' })
    for (const review of [null, { required: false }]) {
      const taken = await model.use('update_draft', { ...ids, expected_version: asked.version, review })
      expect(taken).toMatchObject({ code: 'VALIDATION_ERROR', errors: [{ path: 'review' }] })
    }
    const path = `/accounts/${accountId}/drafts/${id}`
    await call('POST', `${path}/approve`, { json: { version: asked.version } })
    const edited = await model.use('update_draft', { ...ids, expected_version: asked.version, text: 'Other\n' })
    const afterEdit = { ...send, expected_version: edited.version }
    expect(await model.use('send_draft', afterEdit)).toMatchObject({ code: 'APPROVAL_REQUIRED' })
    expect(mailServer.submissions).toHaveLength(0)
    await call('POST', `${path}/approve`, { json: { version: edited.version } })
    const sent = await model.use('send_draft', { ...afterEdit, idempotency_key: 'go' })
    expect(sent).toMatchObject({ status: 'sent', draft_id: id })
    expect((await model.use('send_draft', { ...afterEdit, idempotency_key: 'go' })).id).toBe(sent.id)
    expect(mailServer.submissions).toHaveLength(1)
    expect(await model.use('track_send', { send_id: sent.id })).toMatchObject({ id: sent.id, status: 'sent' })
  })

  test('takes a send back', async () => {
    const running = await start()
    const accountId = await accountOf(running, operatorToken)
    const model = await modelWith(running, operatorToken)
    const { id, version } = await model.use('create_draft', letter)
    const ids = { account_id: accountId, draft_id: id }
    const sent = await model.use('send_draft', { ...ids, expected_version: version, undo_seconds: 3600 })
    expect(sent.status).toBe('queued')
    expect(await model.use('undo_send', { send_id: sent.id })).toMatchObject({ status: 'cancelled' })
    expect(await model.use('get_draft', ids)).toMatchObject({ status: 'draft', version })
    expect(running.mailServer.submissions).toHaveLength(0)
  })
})

describe('two tenants', () => {
  test('have nothing of each other, and are told of it what they are told of nothing', async () => {
    const running = await start()
    const all: readonly Scope[] = ['read', 'write', 'send', 'approve', 'admin']
    const annsToken = await tokenOf(running, 'acme', all)
    const bobsToken = await tokenOf(running, 'globex', all)
    const bobs = await accountOf(running, bobsToken)
    const ann = await modelWith(running, annsToken)
    const bob = await modelWith(running, bobsToken)
    const draft = await bob.use('create_draft', letter)
    const other = await bob.use('create_draft', letter)
    const sent = await bob.use('send_draft', {
      account_id: bobs,
      draft_id: other.id,
      expected_version: 1,
      undo_seconds: 3600,
    })
    // She has no account yet, and is given none of his.
    expect(await ann.use('create_draft', { ...letter, from: mailUser.name })).toMatchObject({ code: 'NOT_FOUND' })
    const anns = await accountOf(running, annsToken)
    expect(await ann.use('list_accounts')).toMatchObject({ items: [{ id: anns }], total: 1 })
    for (const [tool, input] of [
      ['list_drafts', {}],
      ['get_draft', { draft_id: draft.id }],
      ['update_draft', { draft_id: draft.id, expected_version: 7, text: 'Mine' }],
      ['request_review', { draft_id: draft.id }],
      ['send_draft', { draft_id: draft.id, expected_version: 7 }],
    ] as const) {
      const foreign = await ann.use(tool, { account_id: bobs, ...input })
      expect(foreign, tool).toMatchObject({ code: 'UNAUTHORIZED' })
      expect(await ann.use(tool, { account_id: nobody, ...input }), tool).toEqual(foreign)
      if (tool === 'list_drafts') continue
      expect(await ann.use(tool, { account_id: anns, ...input }), tool).toMatchObject({ code: 'NOT_FOUND' })
    }
    for (const tool of ['track_send', 'undo_send']) {
      const foreign = await ann.use(tool, { send_id: sent.id })
      expect(foreign, tool).toMatchObject({ code: 'NOT_FOUND' })
      expect(await ann.use(tool, { send_id: nobody }), tool).toEqual(foreign)
    }
    expect(await bob.use('get_draft', { account_id: bobs, draft_id: draft.id })).toMatchObject({
      version: 1,
      text: letter.text,
    })
    expect(await bob.use('track_send', { send_id: sent.id })).toMatchObject({ status: 'queued' })
  })
})

describe('POST /mcp', () => {
  const headers = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' }
  const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' }

  test('needs a bearer: no password of a browser, and no token at all is none', async () => {
    const { url, call } = await start()
    const ask = (authorization: Record<string, string>): Promise<Response> =>
      fetch(`${url}/mcp`, { method: 'POST', headers: { ...headers, ...authorization }, body: JSON.stringify(list) })
    expect((await ask({})).status).toBe(401)
    expect((await ask({ authorization: `Basic ${btoa(`ann:${operatorToken}`)}` })).status).toBe(401)
    expect((await call('POST', '/mcp', { json: list, headers })).body.result.tools).toHaveLength(9)
  })

  test('is in the OpenAPI document, with what the protocol says in its frame', async () => {
    const { call } = await start()
    const { body: document } = await call('GET', '/openapi.json')
    const { post } = document.paths['/mcp']
    const messages = z.fromJSONSchema({ anyOf: document.components.schemas.McpMessage.anyOf })
    expect(messages.safeParse(list).success).toBe(true)
    expect(messages.safeParse({ ...list, id: {} }).success).toBe(false)
    expect(post.security).toEqual([{ token: [] }])
    expect(Object.keys(post.responses).toSorted()).toEqual(expect.arrayContaining(['200', '202', '400', '401', '406']))
    const answers = z.fromJSONSchema({ anyOf: document.components.schemas.McpAnswer.anyOf })
    for (const [json, status] of [
      [list, 200],
      [{ ...list, id: 'a', method: 'no/such' }, 200],
      [{ ...list, method: 'ping', params: { _meta: { progressToken: 1 } } }, 200],
    ] as const) {
      const answer = await call('POST', '/mcp', { json, headers })
      expect(answer.status).toBe(status)
      expect(answers.parse(answer.body)).toEqual(answer.body)
    }
    const refused = await call('POST', '/mcp', { json: {}, headers })
    expect(refused).toMatchObject({ status: 400, body: { jsonrpc: '2.0', id: null, error: { code: -32_700 } } })
  })

  test('has no sessions and no batches, and answers whatever else comes with 4xx', async () => {
    const { addAccount, call, logLines } = await start()
    for (const [method, json, status] of [
      ['GET', undefined, 405],
      ['DELETE', undefined, 405],
      ['POST', undefined, 400],
      ['POST', [], 400],
      ['POST', [list, list], 400],
      ['POST', null, 400],
      ['POST', {}, 400],
      ['POST', { ...list, jsonrpc: '1.0' }, 400],
      ['POST', { ...list, id: {} }, 400],
      ['POST', { jsonrpc: '2.0', method: 'notifications/initialized' }, 202],
      ['POST', { jsonrpc: '2.0', id: 1, result: {} }, 202],
    ] as const) {
      const answer = await call(method, '/mcp', { headers, ...(json === undefined ? {} : { json }) })
      expect(answer.status, `${method} ${JSON.stringify(json)}`).toBe(status)
    }
    expect((await call('POST', '/mcp', { json: list, headers: { accept: 'text/html' } })).status).toBe(406)
    expect((await call('POST', '/mcp', { json: list, headers: { accept: 'text/html, */*' } })).status).toBe(200)
    const unknown = { ...list, method: 'tools/burn' }
    expect((await call('POST', '/mcp', { json: unknown, headers })).body.error.code).toBe(-32_601)
    for (const params of [undefined, {}, { name: 7 }, { name: 'get_draft', arguments: 'all' }]) {
      const { status, body } = await call('POST', '/mcp', {
        json: { ...list, method: 'tools/call', params },
        headers,
      })
      expect(status, JSON.stringify(params)).toBe(200)
      // Invalid params, or what the package makes of them.
      expect([-32_602, -32_603], JSON.stringify(params)).toContain(body.error?.code)
    }
    const account = await addAccount()
    const asTask = { name: 'create_draft', arguments: { subject: 'A task' }, task: { ttl: 1000 } }
    const { body } = await call('POST', '/mcp', { json: { ...list, method: 'tools/call', params: asTask }, headers })
    expect(body.error.message).toContain('task')
    expect((await call('GET', `/accounts/${account.id}/drafts`)).body.total).toBe(0)
    expect(logLines.join('')).not.toContain('INTERNAL_ERROR')
  })
})
