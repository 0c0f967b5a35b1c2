import { gunzipSync } from 'node:zlib'

import { describe, expect, test } from 'vitest'

import { type Running, start } from './harness.ts'

async function twoAccounts({ addAccount }: Running): Promise<readonly [string, string]> {
  const one = await addAccount()
  const other = await addAccount({ address: 'other@example.org' })
  return [one.id, other.id]
}

async function fill({ call, addDraft }: Running, account: string): Promise<void> {
  const draft = await addDraft(account, { subject: 'With a file', text: 'Hello\n', bcc: 'secret@example.com' })
  await call('POST', `/accounts/${account}/drafts/${draft.id}/attachments`, {
    body: new Uint8Array(400_000).fill(7),
    headers: { 'content-type': 'application/pdf', 'content-disposition': 'attachment; filename="a.pdf"' },
  })
  await addDraft(account, { subject: 'Another' })
}

describe('bundles over HTTP', () => {
  for (const [format, type] of [
    ['json', 'application/json'],
    ['jsonl', 'application/x-ndjson'],
    ['gzip', 'application/gzip'],
    ['mbox', 'application/mbox'],
  ] as const) {
    test(`${format} goes out, and in again, with its files`, async () => {
      const running = await start()
      const { call } = running
      const [from, to] = await twoAccounts(running)
      await fill(running, from)
      const file = await call('GET', `/accounts/${from}/export?format=${format}&attachments=true`)
      expect(file.status).toBe(200)
      expect(file.headers.get('content-type')).toBe(type)
      expect(file.headers.get('content-disposition')).toMatch(/^attachment; filename="drafts-/)
      const { status, body } = await call('POST', `/accounts/${to}/import`, { body: new Uint8Array(file.bytes) })
      expect([status, body]).toMatchObject([200, { drafts: 2, counts: { created: 2 }, files: 1 }])
      expect(body.bytes_read).toBe(file.bytes.length)
      const { body: list } = await call('GET', `/accounts/${to}/drafts`)
      expect(list.items.map(({ subject }: { subject: string }) => subject).toSorted()).toEqual([
        'Another',
        'With a file',
      ])
      expect(list.items.flatMap(({ attachments }: { attachments: unknown[] }) => attachments)).toMatchObject([
        { filename: 'a.pdf', size: 400_000, content_type: 'application/pdf' },
      ])
    })
  }

  test('one draft is exported as a message, and asked for by its id', async () => {
    const running = await start()
    const { call, addDraft } = running
    const [account] = await twoAccounts(running)
    await addDraft(account, { subject: 'Not this one' })
    const draft = await addDraft(account, { subject: 'This one', to: 'bob@example.com' })
    const { bytes } = await call('GET', `/accounts/${account}/export?format=eml&draft_id=${draft.id}`)
    expect(Buffer.from(bytes).toString()).toContain('Subject: This one\r\n')
    const all = await call('GET', `/accounts/${account}/export?format=eml`)
    expect([all.status, all.body.code]).toEqual([400, 'VALIDATION_ERROR'])
    const unknown = await call('GET', `/accounts/${account}/export?draft_id=${account}`)
    expect([unknown.status, unknown.body.code]).toEqual([404, 'NOT_FOUND'])
  })

  test('a bad bundle is refused with its entry and its field, also while megabytes are still on their way', async () => {
    const running = await start()
    const { call } = running
    const [account] = await twoAccounts(running)
    const long = `,{"body":"${'x'.repeat(100_000)}"}`.repeat(100)
    const bundle = `{"drafts":[{"subject":"fine"},{"subject":7}${long}]}`
    const { status, body } = await call('POST', `/accounts/${account}/import`, { body: bundle })
    expect([status, body.code]).toEqual([400, 'VALIDATION_ERROR'])
    expect(body.errors).toEqual([{ path: 'drafts[1].subject', message: 'must be a text' }])
    for (const bytes of [undefined, '', 'no bundle']) {
      const refused = await call('POST', `/accounts/${account}/import`, bytes === undefined ? {} : { body: bytes })
      expect([refused.status, refused.body.code]).toEqual([400, 'VALIDATION_ERROR'])
    }
    expect((await call('GET', `/accounts/${account}/drafts`)).body.total).toBe(0)
  })

  test('a draft that is here already is merged, or one side wins, as the query says', async () => {
    const running = await start()
    const { call, addDraft } = running
    const [account] = await twoAccounts(running)
    const draft = await addDraft(account, { text: 'old' })
    const { bytes } = await call('GET', `/accounts/${account}/export?format=json`)
    const bundle = JSON.parse(Buffer.from(bytes).toString()) as { drafts: { body: string; history: unknown }[] }
    bundle.drafts[0]!.body = 'theirs'
    delete (bundle.drafts[0] as { history?: unknown }).history
    const ask = async (strategy: string) =>
      await call('POST', `/accounts/${account}/import?on_conflict=${strategy}`, { body: JSON.stringify(bundle) })
    const conflict = await ask('merge')
    expect(conflict.body.items).toMatchObject([{ outcome: 'conflict', draft_id: draft.id }])
    expect((await ask('remote-wins')).body.items).toMatchObject([{ outcome: 'updated', version: 2 }])
    expect((await call('GET', `/accounts/${account}/drafts/${draft.id}`)).body.text).toBe('theirs')
    expect((await ask('nobody-wins')).status).toBe(400)
  })

  test('the envelope carries a bundle, and takes in what it has carried', async () => {
    const running = await start()
    const { call } = running
    const [from, to] = await twoAccounts(running)
    await fill(running, from)
    const ask = async (account: string, json: object) =>
      await call('POST', `/accounts/${account}/draft-manager`, { json })
    for (const format of [undefined, 'gzip', 'jsonl', 'json']) {
      const { body } = await ask(from, {
        action: 'export',
        includeAttachments: true,
        ...(format === undefined ? {} : { format }),
      })
      const { bundle, stats } = body.output
      expect(bundle.metadata).toMatchObject({ count: 2, format: format ?? 'gzip' })
      expect(bundle.drafts).toHaveLength(format === 'json' ? 2 : 0)
      expect(stats).toMatchObject({ itemsAffected: 2 })
      expect(stats.storageUsed).toBeGreaterThan(400_000)
      if (format === undefined) {
        const file = Buffer.from(bundle.data, 'base64')
        const plain = gunzipSync(file).length
        expect(bundle.metadata.compressionRatio).toBe(file.length / plain)
        expect(stats.compressionSavings).toBe(plain - file.length)
      } else if (format !== 'gzip') expect(bundle.metadata.compressionRatio).toBe(1)
      const whole = await ask(to, { action: 'import', bundleData: bundle })
      expect(whole.body).toMatchObject({
        status: 'success',
        output: { actionPerformed: 'import', conflictDetected: false },
      })
      expect(whole.body.output.imported.map(({ outcome }: { outcome: string }) => outcome)).toEqual(
        format === undefined ? ['created', 'created'] : ['unchanged', 'unchanged'],
      )
      expect(whole.body.output.total).toBe(format === undefined ? 2 : 0)
      const text = await ask(to, { action: 'import', bundleData: bundle.data ?? JSON.stringify(bundle) })
      expect(text.body.output.stats.itemsAffected).toBe(0)
    }
    const few = await ask(from, { action: 'export', enableCompression: false })
    expect(few.body.output.bundle.metadata.format).toBe('json')
  })

  test('in the envelope, too, what is wrong is named, and a conflict is an error with both sides kept', async () => {
    const running = await start()
    const { call, addDraft } = running
    const [account] = await twoAccounts(running)
    const draft = await addDraft(account, { text: 'old' })
    const ask = async (json: object) =>
      await call('POST', `/accounts/${account}/draft-manager`, { json: { action: 'import', ...json } })
    for (const [bundleData, path] of [
      [undefined, 'bundleData'],
      [7, 'bundleData'],
      ['AAAA', 'bundle'],
      ['not base64!', 'bundle'],
      [{}, 'bundle'],
      [{ drafts: [{ draftId: draft.id, to: [{ address: 'a\r\nBcc: x' }] }] }, 'drafts[0].to[0].address'],
      [{ drafts: [{ body: 'x'.repeat(1_100_000) }] }, 'drafts[0]'],
    ] as const) {
      const { status, body } = await ask({
        maxDraftSize: 1_048_576,
        ...(bundleData === undefined ? {} : { bundleData }),
      })
      expect([status, body.errorCode, body.errors?.[0]?.path]).toEqual([400, 'VALIDATION_ERROR', path])
    }
    const bundleData = { drafts: [{ draftId: draft.id, body: 'theirs' }, { subject: 'New' }] }
    const { status, body } = await ask({ bundleData })
    expect([status, body.errorCode]).toEqual([409, 'CONFLICT_ERROR'])
    expect(body.output).toMatchObject({ conflictDetected: true, conflict: { remoteVersion: 1 } })
    expect(body.output.imported).toMatchObject([{ outcome: 'conflict' }, { outcome: 'created' }])
    const { body: conflicts } = await call('GET', `/accounts/${account}/drafts/${draft.id}/conflicts`)
    expect(conflicts.items).toHaveLength(1)
    const kept = await ask({ bundleData, recoveryOptions: { preferLocal: true } })
    expect(kept.body.output.imported[0].outcome).toBe('updated')
    expect((await call('GET', `/accounts/${account}/drafts/${draft.id}`)).body.text).toBe('old')
    const { body: history } = await call('GET', `/accounts/${account}/drafts/${draft.id}/history`)
    expect(history.total).toBe(3)
  })
})
