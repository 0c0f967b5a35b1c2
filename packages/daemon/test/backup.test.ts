import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createEngine, type Umid } from '@everdraft/core'
import { imap } from '@everdraft/mail'
import { sqlite } from '@everdraft/sqlite'
import { expect, onTestFinished, test } from 'vitest'

import { start } from './harness.ts'

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'everdraft-daemon-test-'))
  onTestFinished(async () => rm(folder, { recursive: true }))
  return folder
}

test('the daemon’s own token gets a copy of the store, which opens, and nothing of it stays behind', async () => {
  const workFolder = await temporaryFolder()
  const { addAccount, addDraft, call } = await start({ workFolder })
  const { id: accountId } = await addAccount()
  const { id } = await addDraft(accountId, { subject: 'kept' })
  const { status, headers, bytes } = await call('GET', '/backup')
  expect(status).toBe(200)
  expect(headers.get('content-type')).toBe('application/vnd.sqlite3')
  expect(Number(headers.get('content-length'))).toBe(bytes.length)
  expect(await readdir(workFolder)).toEqual([])

  const path = join(await temporaryFolder(), 'everdraft.db')
  await writeFile(path, bytes)
  await using engine = await createEngine({ storage: sqlite(path), mailbox: imap(), watch: false })
  expect(await engine.drafts.get(id as Umid)).toMatchObject({ subject: 'kept' })
})

test('no other token gets it, whatever its scopes: it holds what all tenants have', async () => {
  const { call } = await start()
  const scopes = ['read', 'write', 'send', 'approve', 'admin']
  const { body } = await call('POST', '/tokens', { json: { scopes } })
  expect(await call('GET', '/backup', { token: body.token })).toMatchObject({
    status: 403,
    body: { code: 'UNAUTHORIZED' },
  })
})
