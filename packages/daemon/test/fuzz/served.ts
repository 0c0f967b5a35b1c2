// A daemon with two tenants who have one of everything, for a fuzzer: `node served.ts` prints where it is, the tokens and the
// ids as one line of JSON, and serves until SIGTERM.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createEngine } from '@everdraft/core'
import { imap, smtp } from '@everdraft/mail'
import { createMailServer } from '@everdraft/mailserver'
import { sqlite } from '@everdraft/sqlite'

import { createDaemon } from '../../src/index.ts'

const operatorToken = 'the-token-of-the-operator'
const spareAccounts = 20

const folder = await mkdtemp(join(tmpdir(), 'everdraft-fuzz-'))
const mailServer = createMailServer({ users: [{ name: 'ann@example.org', password: 'secret' }] })
await mailServer.listen()
const engine = await createEngine({
  storage: sqlite(join(folder, 'everdraft.db')),
  mailbox: imap(),
  submission: smtp(),
})
const daemon = await createDaemon({
  engine,
  token: operatorToken,
  version: '0.0.0',
  requestsPerMinute: 0,
  log: process.stderr,
})
const url = await daemon.listen({ host: '127.0.0.1', port: 0 })

process.once('SIGTERM', () => void close())

async function close(): Promise<void> {
  await daemon.close()
  await engine.close()
  await mailServer.close()
  await rm(folder, { recursive: true })
}

interface Call {
  readonly token: string
  readonly json?: object
  readonly body?: string
  readonly headers?: Record<string, string>
}

async function call(method: string, path: string, { token, json, body, headers }: Call): Promise<{ id: string }> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: json === undefined ? (body ?? null) : JSON.stringify(json),
  })
  return (await response.json()) as { id: string }
}

async function tenant(name: string): Promise<object> {
  const everything = { tenant_id: name, user_id: 'ann', scopes: ['read', 'write', 'send', 'approve', 'admin'] }
  const made = (await call('POST', '/tokens', { token: operatorToken, json: everything })) as {
    token: string
    id: string
  }
  const { token, id: tokenId } = made
  const login = { host: '127.0.0.1', security: 'none', user: 'ann@example.org', password: 'secret' }
  const account = {
    address: 'ann@example.org',
    imap: { ...login, port: mailServer.imapPort },
    smtp: { ...login, port: mailServer.smtpPort },
  }
  const { id } = await call('POST', '/accounts', { token, json: account })
  const spares: string[] = []
  const other = { ...account, imap: { ...account.imap, port: 1 }, smtp: { ...account.smtp, port: 1 } }
  while (spares.length < spareAccounts) spares.push((await call('POST', '/accounts', { token, json: other })).id)
  const ids = {
    account: [id],
    spare: spares,
    draft: [] as string[],
    attachment: [] as string[],
    conflict: [] as string[],
  }
  const templates: string[] = []
  const sends: string[] = []
  const tokens: string[] = []
  const webhooks: string[] = []
  for (let n = 0; n < 10; n += 1) {
    const drafts = `/accounts/${id}/drafts`
    const draft = await call('POST', drafts, {
      token,
      json: { to: 'bob@example.org', subject: `Draft ${n}`, text: 'One' },
    })
    const file = { 'content-type': 'text/plain', 'content-disposition': 'attachment; filename="a.txt"' }
    const attachment = await call('POST', `${drafts}/${draft.id}/attachments`, { token, body: 'text', headers: file })
    await call('PUT', `${drafts}/${draft.id}`, { token, json: { subject: 'Two' } })
    const merge = `${drafts}/${draft.id}?on_conflict=merge&base_version=1`
    const clash = (await call('PUT', merge, { token, json: { subject: 'Three' } })) as unknown as {
      conflict_id: string
    }
    ids.draft.push(draft.id)
    ids.attachment.push(attachment.id)
    ids.conflict.push(clash.conflict_id)
    templates.push((await call('POST', `/accounts/${id}/templates`, { token, json: { name: `Template ${n}` } })).id)
    const mail = { account_id: id, to: 'bob@example.org', subject: 'Sent', text: 'Sent', undo_seconds: 3600 }
    sends.push((await call('POST', '/send', { token, json: mail })).id)
    // Nothing is delivered there: it is no address of the public network.
    webhooks.push((await call('POST', '/webhooks', { token, json: { url: 'https://192.0.2.1/' } })).id)
    tokens.push((await call('POST', '/tokens', { token, json: { scopes: ['read'] } })).id)
  }
  return {
    token,
    token_id: tokenId,
    ids: { ...ids, template: templates, send: sends, token: tokens, webhook: webhooks },
  }
}

console.log(JSON.stringify({ url, tenants: [await tenant('acme'), await tenant('globex')] }))
