import { randomUUID } from 'node:crypto'

import { draftManagerActions, draftManagerErrors, type Scope } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { type Answer, type CallOptions, type Running, start } from './harness.ts'

const nobody = '00000000-0000-7000-8000-000000000000'

function ask({ call }: Running, accountId: string, json: unknown, options: CallOptions = {}): Promise<Answer> {
  return call('POST', `/accounts/${accountId}/draft-manager`, { json, ...options })
}

async function tokenOf({ call }: Running, tenant: string, user: string, scopes: readonly Scope[]): Promise<string> {
  const { body } = await call('POST', '/tokens', { json: { tenant_id: tenant, user_id: user, scopes } })
  return body.token
}

/** Without what differs from one moment to the next. */
function said({ status, body }: Answer): unknown {
  const { timestamp, duration, ...rest } = body
  expect(Number.isInteger(timestamp)).toBe(true)
  expect(duration).toBeGreaterThanOrEqual(0)
  return { status, ...rest }
}

describe('the route', () => {
  test('saves, shows, lists and deletes a draft, whose files have their paths', async () => {
    const running = await start()
    const account = await running.addAccount()
    const draftId = randomUUID()
    const saved = await ask(running, account.id, { action: 'auto-save', draftId, draft: { subject: 'One', body: 'a' } })
    expect(saved).toMatchObject({
      status: 200,
      body: { status: 'success', output: { actionPerformed: 'auto-save', draft: { draftId, version: 1 } } },
    })
    const path = `/accounts/${account.id}/drafts/${draftId}`
    const { body: file } = await running.call('POST', `${path}/attachments`, {
      body: 'text',
      headers: { 'content-type': 'text/plain', 'content-disposition': 'attachment; filename="a.txt"' },
    })
    const shown = await ask(running, account.id, { action: 'get', draftId })
    const [attachment] = shown.body.output.draft.attachments
    expect(attachment).toMatchObject({
      id: file.id,
      filename: 'a.txt',
      mimeType: 'text/plain',
      size: 4,
      missing: false,
    })
    const bytes = await running.call('GET', attachment.blobUrl)
    expect(new TextDecoder().decode(bytes.bytes)).toBe('text')
    const listed = await ask(running, account.id, { action: 'list' })
    expect(listed.body.output).toMatchObject({
      total: 1,
      drafts: [{ draftId, body: '', bodyHtml: null, subject: 'One' }],
    })
    const deleted = await ask(running, account.id, { action: 'delete', draftId })
    expect(deleted.body.output.stats.storageUsed).toBeLessThan(0)
    expect((await running.call('GET', path)).body.status).toBe('discarded')
  })

  test('always answers its envelope, also where the request is none', async () => {
    const running = await start({ bodyLimitBytes: 2_000 })
    const account = await running.addAccount()
    const path = `/accounts/${account.id}/draft-manager`
    const headers = { 'content-type': 'application/json' }
    const answers: readonly (readonly [Promise<Answer>, number, string])[] = [
      [running.call('POST', path, { body: '{', headers }), 400, 'VALIDATION_ERROR'],
      [running.call('POST', path, { body: '', headers }), 400, 'VALIDATION_ERROR'],
      [ask(running, account.id, { action: 'none' }), 400, 'VALIDATION_ERROR'],
      [ask(running, account.id, { action: 'list', limit: 0 }), 400, 'VALIDATION_ERROR'],
      [ask(running, account.id, { action: 'list', unknown: 1 }), 400, 'VALIDATION_ERROR'],
      [ask(running, account.id, { action: 'get' }), 400, 'VALIDATION_ERROR'],
      [ask(running, account.id, { action: 'get', draftId: 'none' }), 400, 'VALIDATION_ERROR'],
      [ask(running, 'none', { action: 'list' }), 400, 'VALIDATION_ERROR'],
      [running.call('POST', `${path}?a=1`, { json: { action: 'list' } }), 400, 'VALIDATION_ERROR'],
      [ask(running, account.id, { action: 'list' }, { token: 'wrong' }), 401, 'UNAUTHORIZED'],
      [ask(running, nobody, { action: 'list' }), 403, 'UNAUTHORIZED'],
      [ask(running, account.id, { action: 'auto-save', draft: { body: 'a'.repeat(3_000) } }), 413, 'VALIDATION_ERROR'],
      [running.call('POST', path, { body: 'a', headers: { 'content-type': 'text/plain' } }), 415, 'VALIDATION_ERROR'],
    ]
    for (const [asked, status, errorCode] of answers) {
      const answer = await asked
      expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
      expect(said(answer)).toMatchObject({ status: 'error', errorCode })
      expect(answer.status).toBe(status)
      if (status === 403) expect(answer.body.error).toBe('Unauthorized')
    }
  })

  test('each errorCode comes with its status', async () => {
    const running = await start()
    const { id } = await running.addAccount()
    const draftId = randomUUID()
    const save = { action: 'auto-save', draftId, deviceId: 'laptop' }
    await ask(running, id, { ...save, draft: { subject: 'One', body: 'a\n' } })
    await ask(running, id, { ...save, deviceId: 'phone', draft: { body: 'by phone\n', version: 1 } })
    const trashed = randomUUID()
    await ask(running, id, { action: 'auto-save', draftId: trashed, draft: { body: 'a' } })
    await ask(running, id, { action: 'delete', draftId: trashed })
    // The last one closes the engine.
    const provoked: Readonly<Record<keyof typeof draftManagerErrors, () => Promise<Answer>>> = {
      VALIDATION_ERROR: () => ask(running, id, { action: 'auto-save', draft: {} }),
      UNAUTHORIZED: () => ask(running, id, { action: 'get', draftId: nobody }),
      CONFLICT_ERROR: () => ask(running, id, { ...save, draft: { body: 'by laptop\n', version: 1 } }),
      RECOVERY_ERROR: () => {
        return ask(running, id, { action: 'recover', recoveryOptions: { maxRecoveryAge: 1 } })
      },
      DRAFT_MANAGER_ERROR: () => ask(running, id, { action: 'auto-save', draftId: trashed, draft: { body: 'b' } }),
      STORAGE_ERROR: async () => {
        await running.engine.close()
        return await ask(running, id, { action: 'list' })
      },
    }
    expect(Object.keys(provoked).toSorted()).toEqual(Object.keys(draftManagerErrors).toSorted())
    for (const [errorCode, provoke] of Object.entries(provoked)) {
      const { httpStatus } = draftManagerErrors[errorCode as keyof typeof draftManagerErrors]
      expect(await provoke()).toMatchObject({ status: httpStatus, body: { status: 'error', errorCode } })
    }
  })

  test('names the field that is wrong', async () => {
    const running = await start()
    const account = await running.addAccount()
    const draft = { body: 'a', to: [{ address: 'ann@example.org\r\nBcc: eve@example.org' }] }
    const { body } = await ask(running, account.id, { action: 'auto-save', draft })
    expect(body).toMatchObject({
      errorCode: 'VALIDATION_ERROR',
      errors: [{ path: 'draft.to[0].address', message: 'must not contain CR, LF or NUL' }],
    })
  })

  test('an account in the body is the one of the path, and another one is first asked whose it is', async () => {
    const running = await start()
    const account = await running.addAccount()
    const other = await running.addAccount({ address: 'carl@example.org' })
    const own = await ask(running, account.id, { action: 'list', accountId: account.id.toUpperCase() })
    expect(own.status).toBe(200)
    const two = await ask(running, account.id, { action: 'list', accountId: other.id })
    expect(two).toMatchObject({ status: 400, body: { errors: [{ path: 'accountId' }] } })
    const ann = await tokenOf(running, 'acme', 'ann', ['read', 'write'])
    const mine = await running.call('POST', '/accounts', {
      token: ann,
      json: {
        address: 'ann@example.org',
        imap: { host: '127.0.0.1', port: 1, security: 'none', user: 'a', password: 'b' },
      },
    })
    const foreign = await ask(running, mine.body.id, { action: 'list', accountId: account.id }, { token: ann })
    expect(foreign).toMatchObject({ status: 403, body: { error: 'Unauthorized' } })
  })
})

describe('whose a draft is', () => {
  test('each action answers about a draft of another tenant, user or account as about none', async () => {
    const running = await start()
    const json = {
      address: 'bob@example.org',
      imap: { host: '127.0.0.1', port: 1, security: 'none', user: 'bob', password: 'secret' },
    }
    const all: readonly Scope[] = ['read', 'write']
    const bob = await tokenOf(running, 'globex', 'bob', all)
    const { body: bobs } = await running.call('POST', '/accounts', { token: bob, json })
    const draftId = randomUUID()
    const draft = { subject: 'Bob only', body: 'Bob only' }
    await ask(running, bobs.id, { action: 'auto-save', draftId, draft }, { token: bob })
    const before = await ask(running, bobs.id, { action: 'get', draftId }, { token: bob })
    const strangers = [
      await tokenOf(running, 'acme', 'ann', all),
      await tokenOf(running, 'globex', 'eve', all),
      // The same person, by way of another account.
      bob,
    ]
    for (const stranger of strangers) {
      const { body: own } = await running.call('POST', '/accounts', { token: stranger, json })
      for (const action of Object.keys(draftManagerActions)) {
        const request = { action, draft: { subject: 'Mine', body: 'Mine' } }
        if (stranger !== bob) {
          const elsewhere = await ask(running, bobs.id, { ...request, draftId }, { token: stranger })
          const nowhere = await ask(running, nobody, { ...request, draftId }, { token: stranger })
          expect(said(elsewhere), action).toEqual(said(nowhere))
          expect(elsewhere).toMatchObject({ status: 403, body: { status: 'error', error: 'Unauthorized' } })
        }
        // Within one's own account a draft can be named that is not there.
        if (action !== 'get' && action !== 'delete' && action !== 'auto-save' && action !== 'recover') continue
        const foreign = await ask(running, own.id, { ...request, draftId }, { token: stranger })
        expect(foreign, action).toMatchObject({ status: 403, body: { status: 'error', error: 'Unauthorized' } })
        if (action !== 'get' && action !== 'delete') continue
        const unknown = await ask(running, own.id, { ...request, draftId: randomUUID() }, { token: stranger })
        expect(said(foreign), action).toEqual(said(unknown))
      }
      const listed = await ask(running, own.id, { action: 'list' }, { token: stranger })
      expect(JSON.stringify(listed.body)).not.toContain('Bob only')
    }
    expect((await ask(running, bobs.id, { action: 'get', draftId }, { token: bob })).body.output.draft).toEqual(
      before.body.output.draft,
    )
  })

  test('a state that says it is another tenant’s or user’s is refused', async () => {
    const running = await start()
    const account = await running.addAccount()
    for (const whose of [{ tenantId: 'acme' }, { userId: 'ann' }]) {
      const answer = await ask(running, account.id, { action: 'auto-save', draft: { body: 'a', ...whose } })
      expect(answer).toMatchObject({ status: 403, body: { error: 'Unauthorized' } })
    }
    const own = { tenantId: 'default', userId: 'default' }
    expect((await ask(running, account.id, { action: 'auto-save', draft: { body: 'a', ...own } })).status).toBe(200)
  })

  test('each action needs its scope, and no other', async () => {
    const running = await start()
    const account = await running.addAccount()
    const owner = ['default', 'default'] as const
    const tokens = {
      read: await tokenOf(running, ...owner, ['read']),
      write: await tokenOf(running, ...owner, ['write']),
    }
    const others = await tokenOf(running, ...owner, ['send', 'approve', 'admin'])
    for (const [action, { scope }] of Object.entries(draftManagerActions)) {
      const draftId = randomUUID()
      await ask(running, account.id, { action: 'auto-save', draftId, draft: { body: 'a' } })
      const request = { action, draftId, draft: { body: 'a' } }
      const other = scope === 'read' ? tokens.write : tokens.read
      for (const token of [other, others]) {
        expect(await ask(running, account.id, request, { token }), action).toMatchObject({
          status: 403,
          body: { status: 'error', error: 'Unauthorized', errorCode: 'UNAUTHORIZED' },
        })
      }
      expect((await ask(running, account.id, request, { token: tokens[scope] })).status, action).not.toBe(403)
    }
  })
})

describe('the document', () => {
  test('names the actions, the codes and the statuses of the tables', async () => {
    const { call } = await start()
    const { body } = await call('GET', '/openapi.json')
    const operation = body.paths['/accounts/{id}/draft-manager'].post
    const { DraftManagerRequest: request, DraftManagerFailure: failure } = body.components.schemas
    expect(request.properties.action.enum).toEqual(Object.keys(draftManagerActions))
    expect(failure.properties.errorCode.enum).toEqual(Object.keys(draftManagerErrors))
    for (const { httpStatus } of Object.values(draftManagerErrors)) {
      expect(operation.responses[httpStatus].content['application/json'].schema).toEqual({
        $ref: '#/components/schemas/DraftManagerFailure',
      })
    }
  })
})
