import { describe, expect, test } from 'vitest'

import type { Route } from '../src/index.ts'
import { mailUser, start, token } from './harness.ts'

const nobody = '00000000-0000-7000-8000-000000000000'

describe('who may ask', () => {
  test('only /, /healthz and /readyz answer without a token', async () => {
    const { call } = await start()
    for (const path of ['/', '/healthz', '/readyz']) {
      expect((await call('GET', path, { headers: { authorization: '' } })).status).toBe(200)
    }
    for (const path of ['/accounts', '/events', '/openapi.json', '/no/such/path', `/accounts/${nobody}/drafts`]) {
      const answer = await call('GET', path, { headers: { authorization: '' } })
      expect(answer).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED', status: 401 } })
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="everdraft"')
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
    }
  })

  test('a wrong token, a part of the token and another scheme are refused', async () => {
    const { call } = await start()
    for (const authorization of [
      'Bearer wrong',
      `Bearer ${token.slice(0, -1)}`,
      `Bearer ${token}x`,
      `Basic ${token}`,
    ]) {
      expect((await call('GET', '/accounts', { headers: { authorization } })).status).toBe(401)
    }
    expect((await call('GET', '/accounts', { headers: { authorization: `bearer ${token}` } })).status).toBe(200)
  })

  test('/ says name and version', async () => {
    const { call } = await start()
    expect((await call('GET', '/')).body).toEqual({ name: 'everdraft', version: '1.2.3', draft_only: true })
  })
})

describe('what is refused', () => {
  test('an unknown path is 404, a known one under another method 405 with Allow', async () => {
    const { call, url } = await start()
    expect(await call('GET', '/nothing')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
    const answer = await call('PATCH', '/accounts')
    expect(answer).toMatchObject({ status: 405, body: { code: 'METHOD_NOT_ALLOWED' } })
    expect(answer.headers.get('allow')).toBe('GET, HEAD, POST')
    expect((await call('QUERY', '/accounts', { body: 'anything' })).status).toBe(405)
    // It is a path of its own, and no account's.
    const discover = await fetch(`${url}/accounts/discover`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${token}` },
    })
    expect(discover.status).toBe(405)
    expect(discover.headers.get('allow')).toBe('POST')
  })

  test('broken JSON, octets that are no UTF-8 and an absent body are validation errors', async () => {
    const { call, addAccount } = await start()
    const { id } = await addAccount()
    const headers = { 'content-type': 'application/json' }
    for (const body of ['{', '[1,', '{"subject": "a"', new Uint8Array([0x7b, 0xff, 0x7d]), '']) {
      const answer = await call('POST', `/accounts/${id}/drafts`, { body, headers })
      expect(answer).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR', errors: [{ path: 'body' }] } })
    }
  })

  test('unknown and wrong fields are named, each with its path', async () => {
    const { call, addAccount } = await start()
    const { id } = await addAccount()
    const answer = await call('POST', `/accounts/${id}/drafts`, {
      json: { subjekt: 'a', to: ['a@b', { address: 'c@d', nmae: 'C' }], cc: [7], tags: 'x' },
    })
    expect(answer).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR', title: 'Bad Request', status: 400 } })
    expect(answer.body.errors.map(({ path }: { path: string }) => path).toSorted()).toEqual([
      'cc[0]',
      'subjekt',
      'tags',
      'to[1].nmae',
    ])
  })

  test('a query or a body where none is taken is named', async () => {
    const { call, addAccount } = await start()
    const { id } = await addAccount()
    expect(await call('GET', `/accounts/${id}?limit=1`)).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'limit', message: 'unknown field' }] },
    })
    expect(await call('POST', `/accounts/${id}/verify`, { json: { deep: true } })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'deep', message: 'unknown field' }] },
    })
    expect((await call('POST', `/accounts/${id}/verify`, { json: {} })).status).toBe(200)
  })

  test('CR, LF or NUL in a header field is a validation error that names the field', async () => {
    const { call, addAccount } = await start()
    const { id } = await addAccount()
    for (const [fields, path] of [
      [{ subject: 'Hello\r\nBcc: eve@example.org' }, 'subject'],
      [{ to: ['a@b\n'] }, 'to[0]'],
      [{ from: { address: 'a@b', name: 'A\0' } }, 'from.name'],
    ] as const) {
      const answer = await call('POST', `/accounts/${id}/drafts`, { json: fields })
      expect(answer).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR', errors: [{ path }] } })
    }
  })

  test('a limit out of range, an unknown query parameter and a malformed id are named', async () => {
    const { call } = await start()
    for (const [path, named] of [
      ['/accounts?limit=0', 'limit'],
      ['/accounts?limit=501', 'limit'],
      ['/accounts?limit=ten', 'limit'],
      ['/accounts?offset=-1', 'offset'],
      ['/accounts?lmit=1', 'lmit'],
      ['/accounts/not-a-uuid', 'id'],
      [`/accounts/${nobody}/drafts/not-a-uuid`, 'draft_id'],
    ]) {
      const answer = await call('GET', path as string)
      expect(answer).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR', errors: [{ path: named }] } })
    }
  })

  test('what is not JSON is 415, and so is what is compressed', async () => {
    const { call, addAccount } = await start()
    const { id } = await addAccount()
    for (const headers of [
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/x-www-form-urlencoded' },
      { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    ]) {
      const answer = await call('POST', `/accounts/${id}/drafts`, { body: '{}', headers: { ...headers } })
      expect(answer).toMatchObject({ status: 415, body: { code: 'UNSUPPORTED_MEDIA_TYPE' } })
    }
  })

  test('a body of 30 MB is 413 as a problem document, whether its length was announced or not', async () => {
    const { call, addAccount } = await start()
    const { id } = await addAccount()
    const headers = { 'content-type': 'application/json' }
    const text = JSON.stringify({ text: 'x'.repeat(30_000_000) })
    for (const body of [text, new Blob([text]).stream()]) {
      const answer = await call('POST', `/accounts/${id}/drafts`, { body, headers })
      expect(answer).toMatchObject({ status: 413, body: { code: 'TOO_LARGE', title: 'Content Too Large' } })
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
    }
    expect((await call('GET', `/accounts/${id}/drafts`)).body.total).toBe(0)
  })

  test('metadata nested a hundred thousand deep is refused, and the daemon goes on', async () => {
    const { call, addAccount } = await start()
    const { id } = await addAccount()
    const body = `{"metadata":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`
    const answer = await call('POST', `/accounts/${id}/drafts`, {
      body,
      headers: { 'content-type': 'application/json' },
    })
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'metadata' }] } })
    expect((await call('GET', '/healthz')).status).toBe(200)
  })
})

/** Not the pages to read, and not what speaks a protocol of its own, such as MCP. */
function isDescribed({ access, schema }: Route): boolean {
  return access !== 'reader' && !(schema !== undefined && 'hide' in schema && schema.hide)
}

describe('what is told', () => {
  test('the OpenAPI 3.1 document describes every route, and all its references lead somewhere', async () => {
    const { call, daemon } = await start()
    const { body } = await call('GET', '/openapi.json')
    expect(body.openapi).toBe('3.1.0')
    const served = daemon.routes.filter(isDescribed)
    const paths = new Set(served.map(({ path }) => path.replaceAll(/:(\w+)/g, '{$1}')))
    expect(Object.keys(body.paths).toSorted()).toEqual([...paths].toSorted())
    const references = [...JSON.stringify(body).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name)
    expect(references.length).toBeGreaterThan(20)
    for (const name of references) expect(body.components.schemas).toHaveProperty(name as string)
    expect(Object.keys(body.components.schemas).filter((name) => name.endsWith('Input'))).toEqual([])
  })

  test('every operation names what it answers, and the scope that it needs', async () => {
    const { call, daemon } = await start()
    const { body } = await call('GET', '/openapi.json')
    for (const { method, path, access } of daemon.routes.filter(isDescribed)) {
      if (method === 'HEAD') continue
      const operation = body.paths[path.replaceAll(/:(\w+)/g, '{$1}')][method.toLowerCase()]
      expect(Object.keys(operation.responses), `${method} ${path}`).toContain(access === 'open' ? '200' : '401')
      expect(operation.responses).not.toHaveProperty('default')
      // Of a bearer the route finds out by itself what it may do.
      const scopes = access === 'bearer' ? [] : [access === 'operator' ? 'read' : access]
      expect(operation.security).toEqual(access === 'open' ? [] : [{ token: scopes }])
      expect(operation.summary).toBeTruthy()
    }
    const { responses } = body.paths['/accounts/{id}/drafts/{draft_id}'].put
    expect(body.paths['/accounts'].post.requestBody.required).toBe(true)
    expect(body.paths['/accounts/{id}/drafts/{draft_id}/send'].post.requestBody.required).toBe(false)
    expect(responses['409'].description).toBe('NOT_A_DRAFT, CONFLICT')
    expect(responses['412'].content['application/problem+json'].schema).toEqual({
      $ref: '#/components/schemas/Problem',
    })
  })

  test('/docs shows it in a browser, with nothing from elsewhere', async () => {
    const { call, url } = await start()
    const refused = await call('GET', '/docs', { headers: { authorization: '', accept: 'text/html' } })
    expect(refused.status).toBe(401)
    expect(refused.headers.get('www-authenticate')).toContain('Basic realm="everdraft"')
    const authorization = `Basic ${btoa(`anybody:${token}`)}`
    const page = await call('GET', '/docs', { headers: { authorization } })
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toMatch(/^text\/html/)
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'; script-src 'self';")
    const html = new TextDecoder().decode(page.bytes)
    const parts = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, part]) => new URL(part ?? '', `${url}/docs`))
    expect(parts.length).toBeGreaterThan(3)
    for (const { origin, pathname } of parts) {
      expect(origin).toBe(url)
      expect((await call('GET', pathname, { headers: { authorization } })).status, pathname).toBe(200)
    }
    expect(html).not.toMatch(/<script(?![^>]*src=)|<style/)
    expect((await call('GET', '/docs/json', { headers: { authorization } })).body.openapi).toBe('3.1.0')
    // Elsewhere a password is no token: a browser sends it by itself, whoever has made the page.
    expect((await call('GET', '/accounts', { headers: { authorization } })).status).toBe(401)
  })

  test('no token, password, query or text of a user is in the log', async () => {
    const { call, addAccount, logLines, mailServer } = await start()
    const { id } = await addAccount()
    await mailServer.close()
    await call('POST', `/accounts/${id}/verify`)
    await call('POST', `/accounts/${id}/drafts`, { json: { subject: 'top-secret-subject', text: 'top-secret-text' } })
    await call('GET', `/accounts/${id}/drafts?tag=top-secret-tag`)
    await call('GET', `/accounts/${id}/drafts?top-secret-name=1`)
    await call('GET', `/accounts/${id}/drafts?q=top-secret-word`)
    const log = logLines.join('')
    expect(log).toContain(`"path":"/accounts/${id}/drafts"`)
    for (const secret of ['top-secret', token, mailUser.password]) expect(log).not.toContain(secret)
  })

  test('closing answers what waits, at once', async () => {
    const { call, addAccount, addDraft, daemon, engine, mailServer } = await start()
    const { id } = await addAccount()
    await addDraft(id, { subject: 'a' })
    const { promise: uploading, resolve } = Promise.withResolvers<void>()
    engine.subscribe({}, ({ type }) => type === 'upload-started' && resolve())
    mailServer.faults.add({ on: { verb: 'APPEND', times: 'always' }, do: { kind: 'delay-reply', delayMs: 4000 } })
    const waiting = call('POST', `/accounts/${id}/sync`, { headers: { prefer: 'wait=60' } })
    await uploading
    const began = Date.now()
    await daemon.close()
    expect((await waiting).status).toBe(202)
    expect(Date.now() - began).toBeLessThan(3000)
  })
})
