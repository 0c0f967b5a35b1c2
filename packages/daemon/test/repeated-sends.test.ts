import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createEngine } from '@everdraft/core'
import { imap, smtp } from '@everdraft/mail'
import { createMailServer } from '@everdraft/mailserver'
import { sqlite } from '@everdraft/sqlite'
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
  post(path: string, key: string, json: unknown): Promise<Answer>
  close(): Promise<void>
}

/** One process after the other on the same file: what a program asks for again, not knowing whether it came through. */
async function service(): Promise<{
  readonly account: unknown
  readonly taken: () => number
  readonly start: () => Promise<Run>
}> {
  const folder = await mkdtemp(join(tmpdir(), 'everdraft-daemon-test-'))
  const mailServer = createMailServer({ users: [user] })
  await mailServer.listen()
  const runs: Run[] = []
  onTestFinished(async () => {
    for (const run of runs) await run.close()
    await mailServer.close()
    await rm(folder, { recursive: true })
  })
  const start = async (): Promise<Run> => {
    const storage = sqlite(join(folder, 'everdraft.db'))
    const engine = await createEngine({ storage, mailbox: imap(), submission: smtp(), watch: false, probe: false })
    const daemon = await createDaemon({ engine, token, version: '1.2.3' })
    const url = await daemon.listen({ host: '127.0.0.1', port: 0 })
    let closed: Promise<void> | null = null
    const run: Run = {
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
  return { account, start, taken: () => mailServer.submissions.length }
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
