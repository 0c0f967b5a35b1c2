import { expect, test } from 'vitest'

import { mailUser, start } from './harness.ts'

test('an account is added with 201 and Location, and its password never comes back', async () => {
  const { call, imapPort } = await start()
  const server = {
    host: '127.0.0.1',
    port: imapPort,
    security: 'none',
    user: mailUser.name,
    password: mailUser.password,
  }
  const added = await call('POST', '/accounts', {
    json: { address: mailUser.name, name: 'Ann', imap: server, smtp: { ...server, password: 'another secret' } },
  })
  expect(added).toMatchObject({ status: 201, body: { address: mailUser.name, name: 'Ann', last_error: null } })
  expect(added.body.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  expect(added.headers.get('location')).toBe(`/accounts/${added.body.id}`)
  const shown = await call('GET', `/accounts/${added.body.id}`)
  expect(shown.body).toEqual(added.body)
  expect(Object.keys(shown.body.imap).toSorted()).toEqual([
    'allow_untrusted',
    'auth',
    'host',
    'port',
    'proxy',
    'security',
    'user',
  ])
  const listed = await call('GET', '/accounts')
  expect(listed.body).toEqual({ items: [added.body], total: 1, limit: 50, offset: 0 })
  const all = JSON.stringify([added.body, shown.body, listed.body])
  expect(all).not.toContain(mailUser.password)
  expect(all).not.toContain('another secret')
})

test('what is wrong with an account is named, and no value of it is repeated', async () => {
  const { call } = await start()
  const answer = await call('POST', '/accounts', {
    json: {
      address: 'no address',
      imap: { host: 'a b', port: 0, security: 'ssl', user: 'ann\r\nx', password: '' },
      smtp: { host: 'h', port: 1, security: 'none', user: 'u', password: ['top-secret'] },
    },
  })
  expect(answer).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR' } })
  const paths = answer.body.errors.map(({ path }: { path: string }) => path)
  expect(paths.toSorted()).toEqual([
    'address',
    'imap.host',
    'imap.password',
    'imap.port',
    'imap.security',
    'imap.user',
    'smtp.password',
  ])
  expect(JSON.stringify(answer.body)).not.toContain('top-secret')
})

test('an account can log in by access tokens; none of its secrets comes back', async () => {
  const { call, imapPort } = await start()
  const auth = {
    type: 'oauth2',
    token_endpoint: 'https://login.example.org/token',
    client_id: 'everdraft',
    client_secret: 'client-word',
    refresh_token: 'refresh-word',
  }
  const server = { host: '127.0.0.1', port: imapPort, security: 'none', user: mailUser.name }
  const imap = { ...server, proxy: 'socks5://ann:proxy-word@127.0.0.1:1' }
  const added = await call('POST', '/accounts', { json: { address: mailUser.name, imap, smtp: server, auth } })
  expect(added).toMatchObject({
    status: 201,
    body: { imap: { auth: 'oauth2', proxy: 'socks5://127.0.0.1:1' }, smtp: { auth: 'oauth2' } },
  })
  const shown = await call('GET', `/accounts/${added.body.id}`)
  for (const secret of ['client-word', 'refresh-word', 'proxy-word']) {
    expect(JSON.stringify([added.body, shown.body])).not.toContain(secret)
  }
  const neither = await call('POST', '/accounts', { json: { address: mailUser.name, imap: server } })
  expect(neither).toMatchObject({ status: 400, body: { errors: [{ path: 'imap.password' }] } })
  const both = await call('POST', '/accounts', {
    json: { address: mailUser.name, imap: { ...server, password: 'word', auth } },
  })
  expect(both).toMatchObject({ status: 400, body: { errors: [{ path: 'imap.auth' }] } })
  const open = { ...auth, token_endpoint: 'http://login.example.org/token' }
  const refused = await call('POST', '/accounts', { json: { address: mailUser.name, imap: server, auth: open } })
  expect(refused).toMatchObject({ status: 400, body: { errors: [{ path: 'auth.token_endpoint' }] } })
})

test('an account whose password was wrong is changed, and its draft goes up; no secret comes back', async () => {
  const { call, imapPort, mailServer } = await start()
  const server = { host: '127.0.0.1', port: imapPort, security: 'none', user: mailUser.name }
  const wrong = { ...server, password: 'not the word' }
  const added = await call('POST', '/accounts', { json: { address: mailUser.name, imap: wrong, smtp: wrong } })
  const account = `/accounts/${added.body.id}`
  await call('POST', `${account}/drafts`, { json: { subject: 'A letter' } })
  const refused = await call('POST', `${account}/sync`, { headers: { prefer: 'wait=30' } })
  expect(JSON.stringify(refused.body)).toContain('AUTH_FAILED')

  const half = await call('PATCH', account, { json: { imap: server } })
  expect(half).toMatchObject({ status: 400, body: { errors: [{ path: 'imap.password' }] } })
  const renamed = await call('PATCH', account, { json: { name: 'Ann' } })
  expect(renamed).toMatchObject({
    status: 200,
    body: { name: 'Ann', imap: added.body.imap, last_error: { code: 'AUTH_FAILED' } },
  })
  const proxied = {
    ...server,
    proxy: 'socks5://ann:proxy-word@127.0.0.1:1',
    password: 'another word',
    allow_untrusted: true,
  }
  const elsewhere = await call('PATCH', account, { json: { imap: proxied } })
  expect(elsewhere.body.imap).toMatchObject({ proxy: 'socks5://127.0.0.1:1', allow_untrusted: true })
  const right = { ...server, password: mailUser.password }
  const changed = await call('PATCH', account, { json: { imap: right, smtp: null } })
  expect(changed).toMatchObject({ status: 200, body: { name: 'Ann', smtp: null, last_error: null } })
  // Nothing of the server before is left: neither its proxy nor its certificates.
  expect(changed.body.imap).toEqual({ ...added.body.imap, allow_untrusted: false, proxy: null })

  const synced = await call('POST', `${account}/sync`, { headers: { prefer: 'wait=30' } })
  expect(synced.body).toMatchObject({ uploaded: 1, errors: [] })
  expect(mailServer.mailbox(mailUser.name, 'Drafts')).toHaveLength(1)
  const all = JSON.stringify([half.body, renamed.body, elsewhere.body, changed.body])
  for (const secret of ['not the word', 'proxy-word', 'another word', mailUser.password])
    expect(all).not.toContain(secret)
})

test('an account that nobody has gets the same 403 on every route', async () => {
  const { call } = await start()
  const nobody = '/accounts/00000000-0000-7000-8000-000000000000'
  const draft = `${nobody}/drafts/00000000-0000-7000-8000-000000000001`
  const details = new Set<string>()
  for (const [method, path] of [
    ['GET', nobody],
    ['PATCH', nobody],
    ['DELETE', nobody],
    ['POST', `${nobody}/verify`],
    ['POST', `${nobody}/sync`],
    ['GET', `${nobody}/drafts`],
    ['GET', draft],
    ['DELETE', draft],
    ['GET', `${draft}/attachments`],
    ['GET', `${draft}/history`],
    ['GET', `${nobody}/tasks`],
    ['POST', `${nobody}/tasks/x/retry`],
  ] as const) {
    const answer = await call(method, path, method === 'PATCH' ? { json: { name: 'Ann' } } : {})
    expect(answer).toMatchObject({ status: 403, body: { code: 'UNAUTHORIZED' } })
    details.add(answer.body.detail)
  }
  expect(details.size).toBe(1)
})

test('verify says what the server can do and how drafts will be uploaded there', async () => {
  const { call, addAccount } = await start()
  const { id } = await addAccount()
  const answer = await call('POST', `/accounts/${id}/verify`)
  expect(answer).toMatchObject({
    status: 200,
    body: { capabilities: { uidplus: true, catenate: true }, folders: { drafts: 'Drafts', sent: 'Sent' } },
  })
  expect(answer.body.upload_method).toMatch(/^(append|replace)(-catenate)?$/)
})

test('verify of a server that is down is 503, of a wrong password 422, and neither repeats the password', async () => {
  const { call, addAccount, mailServer, imapPort } = await start()
  const imap = { host: '127.0.0.1', port: imapPort, security: 'none', user: mailUser.name, password: 'wrong-secret' }
  const wrong = await addAccount({ imap })
  const refused = await call('POST', `/accounts/${wrong.id}/verify`)
  expect(refused).toMatchObject({ status: 422, body: { code: 'AUTH_FAILED' } })
  await mailServer.close()
  const down = await call('POST', `/accounts/${wrong.id}/verify`)
  expect(down).toMatchObject({ status: 503, body: { code: 'UNREACHABLE' } })
  expect(JSON.stringify([refused.body, down.body])).not.toContain('wrong-secret')
})

test('an account with unsent drafts is removed only when it is said what becomes of them', async () => {
  const { call, addAccount, addDraft } = await start()
  const { id } = await addAccount()
  await addDraft(id, { subject: 'unsent' })
  expect(await call('DELETE', `/accounts/${id}`)).toMatchObject({ status: 409, body: { code: 'UNSENT_DRAFTS' } })
  expect((await call('DELETE', `/accounts/${id}?unsent=maybe`)).status).toBe(400)
  expect((await call('DELETE', `/accounts/${id}?unsent=discard`)).status).toBe(204)
  expect((await call('GET', `/accounts/${id}`)).status).toBe(403)
})
