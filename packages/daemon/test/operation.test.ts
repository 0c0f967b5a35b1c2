import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'

import { describe, expect, test } from 'vitest'

import { type Running, start, token } from './harness.ts'

/** By a plain socket, as fetch sets the Host header by itself. */
async function statusWithHost({ url }: Running, host: string): Promise<number | undefined> {
  const asked = request(`${url}/accounts`, { headers: { host, authorization: `Bearer ${token}` } }).end()
  const [response] = await once(asked, 'response')
  response.resume()
  return response.statusCode
}

async function tokenWith({ call }: Running, json: object): Promise<string> {
  return (await call('POST', '/tokens', { json })).body.token
}

describe('who may be asked for', () => {
  test('an address, localhost and the names that were given; any other is 421, as a page elsewhere may have it', async () => {
    const running = await start({ hosts: ['mail.example.com'] })
    for (const host of [
      '127.0.0.1',
      '127.0.0.1:8025',
      '[::1]:8025',
      'localhost:1',
      'app.localhost',
      'Mail.example.com:443',
      'mail.example.com.',
    ]) {
      expect(await statusWithHost(running, host), host).toBe(200)
    }
    for (const host of [
      'evil.example.org',
      'mail.example.com.evil.example.org',
      '127.0.0.1.evil.example.org',
      'localhost.evil.example.org:8025',
      'xmail.example.com',
    ]) {
      expect(await statusWithHost(running, host), host).toBe(421)
    }
  })

  test('answers are not framed, guessed at, stored or run', async () => {
    const { call } = await start()
    for (const path of ['/', '/accounts', '/nothing']) {
      const { headers } = await call('GET', path)
      expect(headers.get('content-security-policy')).toBe("default-src 'none';frame-ancestors 'none'")
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('access-control-allow-origin')).toBeNull()
      expect(headers.get('strict-transport-security')).toBeNull()
    }
  })
})

describe('how much may be asked', () => {
  test('each token has its own limit; over it 429 says when to come again', async () => {
    const running = await start({ requestsPerMinute: 3 })
    const { call } = running
    const first = await tokenWith(running, { scopes: ['read'] })
    const second = await tokenWith(running, { scopes: ['read'] })
    for (let n = 0; n < 3; n += 1) expect((await call('GET', '/accounts', { token: first })).status).toBe(200)
    const refused = await call('GET', '/sends', { token: first })
    expect(refused).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED', status: 429 } })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(refused.headers.get('content-type')).toBe('application/problem+json')
    expect((await call('GET', '/accounts', { token: second })).status).toBe(200)
    for (let n = 0; n < 9; n += 1) expect((await call('GET', '/accounts')).status).toBe(200)
    expect((await call('GET', '/healthz', { token: first })).status).toBe(200)
  })

  test('a body that does not come is cut, and the daemon goes on', async () => {
    const running = await start({ slowestBody: { windowMs: 100, bytes: 1024 } })
    const { call, logLines, url } = running
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    socket.write(
      `POST /accounts HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"address"`,
    )
    // It is cut without an answer: whoever sends like this reads none.
    await once(socket.resume(), 'close')
    expect(logLines.join('')).toContain('cut: the body came too slowly')
    expect((await call('GET', '/accounts')).status).toBe(200)
  })
})

describe('what is told of the daemon', () => {
  test('/metrics counts requests by route, the queue and what was saved, and names nobody', async () => {
    const running = await start()
    const { call, addAccount, addDraft } = running
    const { id } = await addAccount()
    const draft = await addDraft(id, { subject: 'top-secret-subject' })
    await call('GET', `/accounts/${id}/drafts/${draft.id}`)
    await call('POST', `/accounts/${id}/sync`, { headers: { prefer: 'wait=20' } })
    const answer = await call('GET', '/metrics')
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    const text = new TextDecoder().decode(answer.bytes)
    const route = 'method="GET",route="/accounts/:id/drafts/:draft_id",status="200"'
    expect(text).toContain(`everdraft_http_request_duration_seconds_count{${route}} 1`)
    expect(text).toMatch(/^everdraft_accounts 1$/m)
    expect(text).toMatch(/^everdraft_saves_total 1$/m)
    expect(text).toMatch(/^everdraft_drafts\{status="draft",sync_state="synchronized"\} 1$/m)
    expect(text).toMatch(/^everdraft_uploads_total\{method="append"\} 1$/m)
    expect(text).toMatch(/^everdraft_stored_copies 1$/m)
    expect(text).toMatch(/^everdraft_oldest_unsent_seconds 0$/m)
    expect(text).toMatch(/^process_resident_memory_bytes \d{7,}$/m)
    for (const secret of ['top-secret', id, draft.id, 'example.org']) expect(text).not.toContain(secret)
  })

  test('/metrics is for the tenant of the daemon itself', async () => {
    const running = await start()
    const scopes = ['read', 'write', 'send', 'approve', 'admin']
    const others = await tokenWith(running, { scopes, tenant_id: 'acme', user_id: 'ann' })
    expect(await running.call('GET', '/metrics', { token: others })).toMatchObject({ status: 403 })
    const own = await tokenWith(running, { scopes: ['read'], user_id: 'prometheus' })
    expect((await running.call('GET', '/metrics', { token: own })).status).toBe(200)
    const writer = await tokenWith(running, { scopes: ['write'] })
    expect((await running.call('GET', '/metrics', { token: writer })).status).toBe(403)
  })

  test('each request has an id, a given one where it is one, in the answer and in the log', async () => {
    const { call, logLines } = await start()
    const given = await call('GET', '/accounts', { headers: { 'x-request-id': 'from-the-proxy.1' } })
    expect(given.headers.get('x-request-id')).toBe('from-the-proxy.1')
    expect(logLines.filter((line) => line.includes('"reqId":"from-the-proxy.1"'))).toHaveLength(2)
    const odd = await call('GET', '/accounts', { headers: { 'x-request-id': 'a b"c' } })
    expect(odd.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })
})
