import { describe, expect, test } from 'vitest'

import { start, token as operatorToken } from './harness.ts'

const nobody = '00000000-0000-7000-8000-000000000000'
const hourMs = 3_600_000

describe('making tokens', () => {
  test('a token is told once, and lets its bearer do what it says', async () => {
    const { call } = await start()
    const made = await call('POST', '/tokens', {
      json: { name: 'reader', tenant_id: 'acme', user_id: 'ann', scopes: ['read'] },
    })
    expect(made.status).toBe(201)
    const { token, ...shown } = made.body
    expect(made.headers.get('location')).toBe(`/tokens/${shown.id}`)
    expect(shown).toMatchObject({ name: 'reader', tenant_id: 'acme', user_id: 'ann', scopes: ['read'] })
    expect((await call('GET', '/accounts', { token })).body).toMatchObject({ total: 0 })
    const refused = await call('POST', '/accounts', { token, json: {} })
    expect(refused).toMatchObject({ status: 403, body: { code: 'UNAUTHORIZED' } })
    expect(refused.headers.get('www-authenticate')).toContain('error="insufficient_scope", scope="write"')
    const { body: list } = await call('GET', '/tokens')
    expect(list.items).toEqual([{ ...shown, last_used_at: expect.any(String) }])
    expect(JSON.stringify(list)).not.toContain(token)
  })

  test('nothing in the store shows what a bearer shows', async () => {
    const { call, engine } = await start()
    const { body } = await call('POST', '/tokens', { json: { scopes: ['read'] } })
    const [, , secret] = body.token.split('_')
    expect(JSON.stringify(await engine.apiTokens.get(body.id))).not.toContain(secret)
    for (const wrong of [`${body.token.slice(0, -1)}x`, body.token.replace(secret, '0'.repeat(64))]) {
      expect((await call('GET', '/accounts', { token: wrong })).status).toBe(401)
    }
  })

  test('a token makes none that can do more than itself', async () => {
    const { call } = await start()
    const soon = new Date(Date.now() + hourMs).toISOString()
    const later = new Date(Date.now() + 2 * hourMs).toISOString()
    const { body } = await call('POST', '/tokens', {
      json: { tenant_id: 'acme', user_id: 'ann', scopes: ['admin', 'read'], expires_at: soon },
    })
    const { token } = body
    for (const json of [
      { scopes: ['write'] },
      { scopes: ['read'], tenant_id: 'other' },
      { scopes: ['read'], user_id: 'bob' },
      { scopes: ['read'], expires_at: later },
    ]) {
      expect(await call('POST', '/tokens', { token, json })).toMatchObject({
        status: 403,
        body: { code: 'UNAUTHORIZED' },
      })
    }
    const made = await call('POST', '/tokens', { token, json: { scopes: ['read'] } })
    expect(made.body).toMatchObject({ tenant_id: 'acme', user_id: 'ann', expires_at: soon })
  })

  test('what is wrong is named', async () => {
    const { call } = await start()
    for (const [json, path] of [
      [{}, 'scopes'],
      [{ scopes: [] }, 'scopes'],
      [{ scopes: ['reed'] }, 'scopes[0]'],
      [{ scopes: ['read'], tenant_id: '' }, 'tenant_id'],
      [{ scopes: ['read'], user_id: 'a b' }, 'user_id'],
      [{ scopes: ['read'], expires_at: 'tomorrow' }, 'expires_at'],
      [{ scopes: ['read'], expires_at: '2001-01-01T00:00:00Z' }, 'expires_at'],
      [{ scopes: ['read'], name: 'a\r\nb' }, 'name'],
      [{ scopes: ['read'], scope: 'read' }, 'scope'],
    ] as const) {
      const answer = await call('POST', '/tokens', { json })
      expect(answer, path).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR', errors: [{ path }] } })
    }
  })
})

describe('the end of tokens', () => {
  test('a revoked token opens nothing any more', async () => {
    const { call } = await start()
    const { body } = await call('POST', '/tokens', { json: { scopes: ['read'] } })
    expect((await call('GET', '/accounts', { token: body.token })).status).toBe(200)
    expect((await call('DELETE', `/tokens/${body.id}`)).status).toBe(204)
    expect(await call('GET', '/accounts', { token: body.token })).toMatchObject({
      status: 401,
      body: { code: 'UNAUTHENTICATED' },
    })
    expect(await call('DELETE', `/tokens/${body.id}`)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
    expect((await call('DELETE', `/tokens/${nobody}`)).status).toBe(404)
  })

  test('an expired token is as unknown as one that never was', async () => {
    let shiftMs = 0
    const { call } = await start({}, { now: () => Date.now() + shiftMs })
    const { body } = await call('POST', '/tokens', {
      json: { scopes: ['read'], expires_at: new Date(Date.now() + hourMs).toISOString() },
    })
    expect((await call('GET', '/accounts', { token: body.token })).status).toBe(200)
    shiftMs = hourMs
    const expired = await call('GET', '/accounts', { token: body.token })
    const unknown = await call('GET', '/accounts', { token: 'never-made' })
    expect(expired).toMatchObject({ status: 401, body: unknown.body })
  })

  test('when it was used last is written down every ten minutes, and not at each request', async () => {
    let now = Date.parse('2026-01-01T00:00:00Z')
    const { call, engine } = await start({}, { now: () => now })
    const { body } = await call('POST', '/tokens', { json: { scopes: ['read'] } })
    const lastUse = async (): Promise<number | null> => {
      await call('GET', '/accounts', { token: body.token })
      return (await engine.apiTokens.get(body.id)).lastUsedAt
    }
    const first = now
    expect(await lastUse()).toBe(first)
    now += 9 * 60_000
    expect(await lastUse()).toBe(first)
    now += 60_000
    expect(await lastUse()).toBe(now)
  })

  test('the token of the daemon is in no list, and nobody can revoke it', async () => {
    const { call } = await start()
    expect((await call('GET', '/tokens')).body).toMatchObject({ items: [], total: 0 })
    expect((await call('GET', '/accounts', { token: operatorToken })).status).toBe(200)
  })
})
