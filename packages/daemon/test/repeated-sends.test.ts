import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createEngine, type AccountId, type Engine } from '@everdraft/core'
import { imap, smtp } from '@everdraft/mail'
import { createMailServer, type MailServer } from '@everdraft/mailserver'
import { sqlite } from '@everdraft/sqlite'
import Database from 'better-sqlite3'
import { describe, expect, onTestFinished, test } from 'vitest'

import { createDaemon } from '../src/index.ts'

const token = 'the-token-of-this-test'
const user = { name: 'ann@example.org', password: 'correct horse' }

interface Answer {
  readonly status: number
  // oxlint-disable-next-line typescript/no-explicit-any -- an answer's shape is what the tests are about
  readonly body: any
}

interface Run {
  readonly engine: Engine
  post(path: string, key: string, json: unknown): Promise<Answer>
  close(): Promise<void>
}

/** One process after the other on the same file: what a program asks for again, not knowing whether it came through. */
async function service(): Promise<{
  readonly account: unknown
  readonly taken: () => number
  readonly mailServer: MailServer
  readonly file: string
  readonly start: () => Promise<Run>
}> {
  const folder = await mkdtemp(join(tmpdir(), 'everdraft-daemon-test-'))
  const mailServer = createMailServer({ users: [user] })
  await mailServer.listen()
  const file = join(folder, 'everdraft.db')
  const runs: Run[] = []
  onTestFinished(async () => {
    for (const run of runs) await run.close()
    await mailServer.close()
    await rm(folder, { recursive: true })
  })
  const start = async (): Promise<Run> => {
    const storage = sqlite(file)
    const engine = await createEngine({ storage, mailbox: imap(), submission: smtp(), watch: false, probe: false })
    const daemon = await createDaemon({ engine, token, version: '1.2.3' })
    const url = await daemon.listen({ host: '127.0.0.1', port: 0 })
    let closed: Promise<void> | null = null
    const run: Run = {
      engine,
      async post(path, key, json) {
        const response = await fetch(`${url}${path}`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${token}`,
            'content-type': 'application/json',
            'idempotency-key': key,
            prefer: 'wait=20',
          },
          body: JSON.stringify(json),
        })
        return { status: response.status, body: await response.json() }
      },
      close: () => (closed ??= daemon.close().then(() => engine.close())),
    }
    runs.push(run)
    return run
  }
  const login = { host: '127.0.0.1', security: 'none', user: user.name, password: user.password }
  const account = {
    address: user.name,
    imap: { ...login, port: mailServer.imapPort },
    smtp: { ...login, port: mailServer.smtpPort },
  }
  return { account, start, mailServer, file, taken: () => mailServer.submissions.length }
}

const letter = { to: 'bob@example.com', subject: 'Hello', text: 'Dear Bob\n' }

describe('Idempotency-Key of a send', () => {
  test('POST /send: over a restart the same answer, and one mail', async () => {
    const { account, start, taken } = await service()
    const first = await start()
    const { body: added } = await first.post('/accounts', 'account', account)
    const mail = { ...letter, account_id: added.id }
    const sent = await first.post('/send', 'the key', mail)
    expect(sent).toMatchObject({ status: 200, body: { status: 'sent' } })
    await first.close()
    const second = await start()
    const again = await second.post('/send', 'the key', mail)
    expect(again).toMatchObject({ status: 200, body: { id: sent.body.id, draft_id: sent.body.draft_id } })
    expect(taken()).toBe(1)
    const other = await second.post('/send', 'the key', { ...mail, text: 'Dear Carla\n' })
    expect(other).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED' } })
    const anew = await second.post('/send', 'another key', mail)
    expect(anew.body.id).not.toBe(sent.body.id)
    expect(taken()).toBe(2)
  })

  test('POST …/drafts/{id}/send: likewise, although the draft is none any more', async () => {
    const { account, start, taken } = await service()
    const first = await start()
    const { body: added } = await first.post('/accounts', 'account', account)
    const { body: draft } = await first.post(`/accounts/${added.id}/drafts`, 'draft', letter)
    const path = `/accounts/${added.id}/drafts/${draft.id}/send`
    const sent = await first.post(path, 'the key', {})
    expect(sent).toMatchObject({ status: 200, body: { status: 'sent' } })
    await first.close()
    const second = await start()
    expect(await second.post(path, 'the key', {})).toMatchObject({ status: 200, body: { id: sent.body.id } })
    expect(await second.post(path, 'the key', { confirm: true })).toMatchObject({ status: 422 })
    expect(await second.post(path, 'another key', {})).toMatchObject({ status: 409, body: { code: 'NOT_A_DRAFT' } })
    expect(taken()).toBe(1)
  })

  test('one that was refused is tried again', async () => {
    const { account, start, taken } = await service()
    const first = await start()
    const { body: added } = await first.post('/accounts', 'account', account)
    const mail = { ...letter, account_id: added.id, text: 'See the attached file.\n' }
    expect(await first.post('/send', 'the key', mail)).toMatchObject({ status: 422, body: { code: 'UNSENDABLE' } })
    await first.close()
    const second = await start()
    const confirmed = await second.post('/send', 'the key', { ...mail, confirm: true })
    expect(confirmed).toMatchObject({ status: 200, body: { status: 'sent' } })
    expect(taken()).toBe(1)
  })
})

describe('Idempotency-Key of a reply', () => {
  const original = [
    'From: Bob Example <bob@example.org>',
    `To: ${user.name}`,
    'Subject: Figures',
    'Message-ID: <figures@example.org>',
    'Content-Type: multipart/mixed; boundary=m',
    '',
    '--m',
    'Content-Type: text/plain',
    '',
    'Look:',
    '--m',
    'Content-Type: application/pdf',
    'Content-Disposition: attachment; filename="figures.pdf"',
    '',
    'Not really one.',
    '--m--',
    '',
  ].join('\r\n')
  const forward = { message_id: '<figures@example.org>', mode: 'forward' } as const

  function deliver(mailServer: MailServer): void {
    const mailbox = mailServer.store.find(user.name, 'INBOX')!
    mailServer.store.append(mailbox, { bytes: Buffer.from(original), flags: [], internalDateMs: 0 })
  }

  test('over a restart the same draft, also where the server is away by then; another body is refused', async () => {
    const { account, start, mailServer } = await service()
    deliver(mailServer)
    const first = await start()
    const { body: added } = await first.post('/accounts', 'account', account)
    const path = `/accounts/${added.id}/messages/reply`
    const made = await first.post(path, 'the key', forward)
    expect(made).toMatchObject({ status: 201, body: { attachments: [{ filename: 'figures.pdf' }] } })
    await first.close()
    await mailServer.close()
    const second = await start()
    expect(await second.post(path, 'the key', forward)).toMatchObject({ status: 201, body: { id: made.body.id } })
    const other = await second.post(path, 'the key', { ...forward, mode: 'reply' })
    expect(other).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED' } })
    expect(await second.post(path, 'another key', forward)).toMatchObject({ status: 503 })
    // The key of a reply is none of a new draft.
    expect(await second.post(`/accounts/${added.id}/drafts`, 'the key', letter)).toMatchObject({ status: 201 })
  })

  test('two of the same at once make one draft, with its attachments, and leave nothing else behind', async () => {
    const { account, start, mailServer, file } = await service()
    deliver(mailServer)
    const run = await start()
    const { engine } = run
    const { body: added } = await run.post('/accounts', 'account', account)
    const accountId = added.id as AccountId
    const request = { scope: 'these', key: 'the key', digest: 'of the body' }
    const reply = { messageId: forward.message_id, mode: forward.mode }
    const [one, two] = await Promise.all([
      engine.drafts.reply(accountId, reply, { request }),
      engine.drafts.reply(accountId, reply, { request }),
    ])
    expect(two).toEqual(one)
    expect((await engine.drafts.list({ accountId })).total).toBe(1)
    const [attachment] = one.attachments
    const { content } = await engine.drafts.readAttachment(one.id, attachment!.id)
    let text = ''
    for await (const bytes of content) text += Buffer.from(bytes).toString()
    expect(text).toBe('Not really one.')
    await run.close()
    const database = new Database(file, { readonly: true })
    expect(database.prepare('select count(*) as stored from blob').get()).toEqual({ stored: 1 })
    database.close()
  })
})
