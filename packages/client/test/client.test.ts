import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { expect, expectTypeOf, onTestFinished, test } from 'vitest'

import { ConnectionError, createClient, type Draft, ProblemError } from '../src/index.ts'
import { start, token } from './harness.ts'

/** What the promise was rejected with; a promise that was not is a failure. */
async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => expect.unreachable('it was answered'),
    (error: unknown) => error,
  )
}

test('a draft is made, saved, listed and brought to the server, by typed calls', async () => {
  const { client, accountId, mailServer } = await start()
  const path = { id: accountId }
  const { data: draft, response } = await client.POST('/accounts/{id}/drafts', {
    params: { path, header: { 'idempotency-key': 'one' } },
    body: { to: ['Bob <bob@example.org>'], subject: 'Hello' },
  })
  expectTypeOf(draft).toEqualTypeOf<Draft>()
  expect(response.status).toBe(201)
  const { data: saved } = await client.PUT('/accounts/{id}/drafts/{draft_id}', {
    params: { path: { ...path, draft_id: draft.id }, header: { 'if-match': `"${draft.version}"` } },
    body: { text: 'Dear Bob,' },
  })
  expect(saved).toMatchObject({ version: 2, text: 'Dear Bob,', to: [{ address: 'bob@example.org', name: 'Bob' }] })
  const { data: report } = await client.POST('/accounts/{id}/sync', {
    params: { path, header: { prefer: 'wait=30' } },
  })
  expect(report).toMatchObject({ uploaded: 1, pending: 0, errors: [] })
  const { data: page } = await client.GET('/accounts/{id}/drafts', {
    params: { path, query: { sync_state: 'synchronized', limit: '10' } },
  })
  expect(page.items.map(({ id }) => id)).toEqual([draft.id])
  expect(mailServer.mailbox('ann@example.org', 'Drafts')).toHaveLength(1)
})

test('what answers without JSON is text, and what answers with nothing is undefined', async () => {
  const { client, accountId } = await start()
  const { data: figures } = await client.GET('/metrics')
  expectTypeOf(figures).toEqualTypeOf<string>()
  expect(figures).toContain('everdraft_accounts 1')
  const { data: nothing, response } = await client.DELETE('/accounts/{id}', { params: { path: { id: accountId } } })
  expectTypeOf(nothing).toEqualTypeOf<undefined>()
  expect({ nothing, status: response.status }).toEqual({ nothing: undefined, status: 204 })
})

test('a problem is an error with its code, and the path of each field', async () => {
  const { client, accountId, addDraft } = await start()
  const path = { id: accountId, draft_id: await addDraft('Hello') }
  const stale = await rejection(
    client.PUT('/accounts/{id}/drafts/{draft_id}', {
      params: { path, header: { 'if-match': '"7"' } },
      body: { text: 'x' },
    }),
  )
  expect(stale).toBeInstanceOf(ProblemError)
  expect(stale).toMatchObject({ status: 412, code: 'VERSION_MISMATCH', errors: [], conflictId: null })
  const unknown = await rejection(
    client.PUT('/accounts/{id}/drafts/{draft_id}', {
      params: { path },
      // @ts-expect-error -- the document has no such field: neither has the type
      body: { subjekt: 'x' },
    }),
  )
  expect(unknown).toMatchObject({
    status: 400,
    code: 'VALIDATION_ERROR',
    errors: [{ path: 'subjekt', message: 'unknown field' }],
  })
  const save = { params: { path }, body: { text: 'x' } } as const
  await client.PUT('/accounts/{id}/drafts/{draft_id}', save)
  const clash = await rejection(
    client.PUT('/accounts/{id}/drafts/{draft_id}', {
      params: { path, query: { on_conflict: 'merge', base_version: '1' } },
      body: { text: 'y' },
    }),
  )
  expect(clash).toMatchObject({ code: 'CONFLICT', conflictId: expect.stringMatching(/^[0-9a-f-]{36}$/) })
  if (!(clash instanceof ProblemError)) throw clash
  expectTypeOf(clash.code).extract<'CONFLICT'>().toEqualTypeOf<'CONFLICT'>()
})

test('a wrong token is 401, whatever is asked; and the token is in no message', async () => {
  const { url } = await start()
  const client = createClient({ url: `${url}/`, token: 'not-this-one' })
  const error = await rejection(client.GET('/accounts'))
  expect(error).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' })
  expect(String(error)).not.toContain('not-this-one')
})

test('no answer is a connection error, an abort is none, and a page of a proxy is a problem without a code', async () => {
  const { client, close } = await start()
  const page = createServer((_request, response) => response.writeHead(502).end('<h1>Bad Gateway</h1>'))
  page.listen(0, '127.0.0.1')
  await once(page, 'listening')
  onTestFinished(() => void page.close())
  const behindProxy = createClient({ url: `http://127.0.0.1:${(page.address() as AddressInfo).port}`, token })
  expect(await rejection(behindProxy.GET('/accounts'))).toMatchObject({ status: 502, code: 'UNKNOWN' })
  expect(await rejection(client.GET('/accounts', { signal: AbortSignal.abort() }))).toMatchObject({
    name: 'AbortError',
  })
  await close()
  const lost = await rejection(client.GET('/accounts'))
  expect(lost).toBeInstanceOf(ConnectionError)
  expect(lost).toMatchObject({ message: expect.stringMatching(/^no answer from http:\/\/127\.0\.0\.1:\d+$/) })
})
