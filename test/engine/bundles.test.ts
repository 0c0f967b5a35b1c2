import { createHash, randomBytes } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'

import type { ConflictId, Draft, ImportProgress, Umid, Version } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { type BundleStore, openBundleStore, owners, richDraft } from './bundle-store.ts'

/** What names this export, and no draft. */
function withoutName(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('utf8')
    .replace(/^\{"bundleId":"[^"]*","exportedAt":\d+/, '{')
}

/** A difference of megabytes is no help to who reads it. */
function aroundDifference(one: string, other: string): readonly [string, string] | null {
  if (one === other) return null
  let at = 0
  while (one[at] === other[at]) at += 1
  return [one.slice(at - 60, at + 60), other.slice(at - 60, at + 60)]
}

interface Bundle {
  bundleId: string
  drafts: Record<string, unknown>[]
  files: { sha256: string; at: number; data: string }[]
  manifest: { sha256: string; size: number; state: string }[]
  metadata: Record<string, unknown>
}

/** As somebody else reads it. */
async function bundleOf(store: BundleStore, attachments = false): Promise<Bundle> {
  return JSON.parse(Buffer.from(await store.export({ format: 'json', attachments })).toString('utf8')) as Bundle
}

/** The bytes that the draft's attachments have, by hash. */
async function filesOf({ engine }: BundleStore, draft: Draft): Promise<readonly string[]> {
  const hashes: string[] = []
  for (const { id } of draft.attachments) {
    const hash = createHash('sha256')
    for await (const bytes of (await engine.drafts.readAttachment(draft.id, id)).content) hash.update(bytes)
    hashes.push(hash.digest('hex'))
  }
  return hashes.toSorted()
}

describe('export and import', () => {
  for (const format of ['json', 'jsonl', 'gzip'] as const) {
    test(`${format}: what was taken in is exported to the byte as it was`, async () => {
      await using here = await openBundleStore()
      await using there = await openBundleStore()
      const plain = (bytes: Uint8Array): Uint8Array => (format === 'gzip' ? gunzipSync(bytes) : bytes)
      await richDraft(here)
      await richDraft(here, 'Another')
      await here.engine.drafts.create({ accountId: here.accountId })
      const bundle = await here.export({ format, attachments: true })
      const report = await there.import(bundle)
      expect(report).toMatchObject({ drafts: 3, counts: { created: 3 }, files: 4, bytesRead: bundle.length })
      const again = await there.export({ format, attachments: true })
      const text = withoutName(plain(again)).replaceAll(there.accountId, here.accountId)
      expect(aroundDifference(text, withoutName(plain(bundle)))).toBe(null)
    })
  }

  test('versions and history are kept: each can be restored', async () => {
    await using here = await openBundleStore()
    await using there = await openBundleStore()
    const draft = await richDraft(here)
    await here.engine.drafts.save(draft.id, { subject: 'last', text: 'x'.repeat(5_000) })
    await there.import(await here.export({ attachments: true }))
    const history = await here.engine.drafts.history(draft.id)
    expect(await there.engine.drafts.history(draft.id)).toEqual(history)
    expect(history.map(({ version }) => version as number)).toEqual([6, 5, 4, 3, 2, 1])
    for (const { version } of history.slice(1)) {
      const [one, other] = await Promise.all(
        [here, there].map(({ engine }) => engine.drafts.changesSince(draft.id, version)),
      )
      expect(one).toEqual(other)
    }
  })

  test('a history of hundreds of versions is kept in whole', async () => {
    await using here = await openBundleStore()
    await using there = await openBundleStore()
    const { id } = await here.engine.drafts.create({ accountId: here.accountId })
    for (let version = 2; version <= 140; version += 1)
      await here.engine.drafts.save(id, { text: `version ${version}\n` })
    await there.import(await here.export())
    for (const version of [2, 33, 65, 128, 139] as Version[]) {
      const { before } = await there.engine.drafts.changesSince(id, version)
      expect(before.text).toBe(`version ${version}\n`)
    }
  })

  test('H13 the files of all versions come with the drafts, and no other', async () => {
    await using here = await openBundleStore()
    await using there = await openBundleStore()
    const draft = await richDraft(here)
    const { manifest, files } = await bundleOf(here, true)
    expect(manifest.map(({ state }) => state)).toEqual(['included', 'included'])
    expect(new Set(files.map(({ sha256 }) => sha256))).toEqual(new Set(manifest.map(({ sha256 }) => sha256)))
    await there.import(await here.export({ attachments: true }))
    expect(await filesOf(there, await there.engine.drafts.get(draft.id))).toEqual(await filesOf(here, draft))
    const restored = await there.engine.drafts.restore(draft.id, 3 as Version)
    expect(restored.attachments).toHaveLength(2)
    expect(await filesOf(there, restored)).toEqual(manifest.map(({ sha256 }) => sha256).toSorted())
    await there.engine.housekeep()
    expect(await filesOf(there, restored)).toHaveLength(2)
  })

  test('H15 the same bundle once more changes nothing, and doubles nothing', async () => {
    await using here = await openBundleStore()
    await using there = await openBundleStore()
    await richDraft(here)
    const bundle = await here.export({ attachments: true })
    await there.import(bundle)
    const before = await there.everything()
    there.events()
    expect(await there.import(bundle)).toMatchObject({ counts: { created: 0, unchanged: 1 } })
    expect(await there.everything()).toEqual(before)
    expect(there.events()).toEqual([])
    await there.engine.housekeep()
    expect((await there.engine.drafts.list({ accountId: there.accountId })).items[0]!.attachments).toHaveLength(1)
  })

  test('a file that two drafts name is in the bundle once, one without bytes too, and a large one in pieces', async () => {
    await using here = await openBundleStore()
    await using there = await openBundleStore()
    const bytes = randomBytes(500_000)
    for (const subject of ['one', 'two']) {
      const { id } = await here.engine.drafts.create({ accountId: here.accountId, subject })
      await here.engine.drafts.attach(id, { filename: 'same.bin', content: bytes })
      await here.engine.drafts.attach(id, { filename: 'empty.bin', content: new Uint8Array() })
    }
    const { manifest, files } = await bundleOf(here, true)
    expect(manifest.map(({ size }) => size).toSorted((a, b) => a - b)).toEqual([0, 500_000])
    expect(files).toHaveLength(4)
    await there.import(await here.export({ format: 'jsonl', attachments: true }))
    for (const { id } of (await there.engine.drafts.list({ accountId: there.accountId })).items) {
      const draft = await there.engine.drafts.get(id)
      expect(await filesOf(there, draft)).toEqual(await filesOf(here, await here.engine.drafts.get(id)))
    }
  })

  test('without the files a bundle names them, and they are missing where nobody has them', async () => {
    await using here = await openBundleStore()
    await using there = await openBundleStore()
    const draft = await richDraft(here)
    const { manifest, files } = await bundleOf(here)
    expect([files.length, manifest[0]!.state]).toEqual([0, 'omitted'])
    await there.import(await here.export())
    const got = await there.engine.drafts.get(draft.id)
    expect([got.version, got.text, got.attachments]).toEqual([5, draft.text, []])
    const [shown] = (await bundleOf(there)).drafts
    expect(shown!['attachments']).toMatchObject([
      { id: draft.attachments[0]!.id, filename: 'größe.bin', missing: true },
    ])
    const consent = there.engine.drafts.send(draft.id)
    await expect(consent).rejects.toMatchObject({ code: 'UNSENDABLE' })
    // They may come later.
    expect(await there.import(await here.export({ attachments: true }))).toMatchObject({ counts: { updated: 1 } })
    expect(await filesOf(there, await there.engine.drafts.get(draft.id))).toEqual(await filesOf(here, draft))
    // Here the account has them.
    await here.engine.drafts.discard(draft.id)
    await here.import(await here.export({ draftIds: [draft.id] }))
    expect(await filesOf(here, await here.engine.drafts.get(draft.id))).toHaveLength(1)
  })

  test('preserveAttachments false leaves the files out of all versions', async () => {
    await using here = await openBundleStore()
    await using there = await openBundleStore()
    const draft = await richDraft(here)
    const report = await there.import(await here.export({ attachments: true }), { attachments: false })
    expect(report.files).toBe(0)
    const { text, attachments } = await there.engine.drafts.get(draft.id)
    expect({ text, attachments }).toEqual({ text: draft.text, attachments: [] })
    expect((await there.engine.drafts.changesSince(draft.id, 3 as Version)).before.attachments).toEqual([])
    expect((await there.engine.housekeep()).blobsCollected).toBe(0)
  })

  test('history: false leaves the earlier versions behind', async () => {
    await using here = await openBundleStore()
    await using there = await openBundleStore()
    const draft = await richDraft(here)
    await there.import(await here.export({ history: false }))
    expect(await there.engine.drafts.get(draft.id)).toMatchObject({ version: 5, text: draft.text })
    expect(await there.engine.drafts.history(draft.id)).toHaveLength(1)
  })

  test('it is the importer’s: tenant, user and account of the bundle count for nothing', async () => {
    await using store = await openBundleStore()
    const draft = await richDraft(store)
    const bundle = await store.export({ attachments: true })
    const before = await store.engine.drafts.get(draft.id)
    const { items } = await store.import(bundle, {}, store.otherAccountId)
    expect(items).toMatchObject([{ outcome: 'created' }])
    expect(items[0]!.draftId).not.toBe(draft.id)
    const theirs = await store.engine.drafts.get(items[0]!.draftId)
    expect([theirs.accountId, theirs.text]).toEqual([store.otherAccountId, draft.text])
    expect(await filesOf(store, theirs)).toEqual(await filesOf(store, draft))
    expect(await store.engine.drafts.get(draft.id)).toEqual(before)
    // The same draft is found again.
    expect((await store.import(bundle, {}, store.otherAccountId)).items).toMatchObject([
      { outcome: 'unchanged', draftId: items[0]!.draftId },
    ])
    const exported = JSON.parse(
      Buffer.from(await store.export({ format: 'json' }, store.otherAccountId)).toString('utf8'),
    ) as Bundle
    expect(exported.drafts).toMatchObject([{ ...owners.bob, accountId: store.otherAccountId }])
  })

  test('another account’s draft is not exported, also not by its id', async () => {
    await using store = await openBundleStore()
    const { id } = await richDraft(store)
    await expect(store.export({ draftIds: [id] }, store.otherAccountId)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect((await store.engine.bundles.export(store.otherAccountId)).drafts).toBe(0)
  })

  test('only what is neither sent nor in the trash is exported, unless it is asked for by its id', async () => {
    await using store = await openBundleStore()
    const [kept, discarded, queued] = await Promise.all(
      ['kept', 'discarded', 'queued'].map((subject) =>
        store.engine.drafts.create({ accountId: store.accountId, subject, to: 'bob@example.com' }),
      ),
    )
    await store.engine.drafts.discard(discarded!.id)
    await store.engine.drafts.send(queued!.id, { sendAt: Date.now() + 86_400_000 })
    expect((await bundleOf(store)).drafts.map(({ draftId }) => draftId)).toEqual([kept!.id, queued!.id].toSorted())
    const { bytes } = await store.engine.bundles.export(store.accountId, { format: 'json', draftIds: [discarded!.id] })
    let text = ''
    for await (const piece of bytes) text += Buffer.from(piece).toString('utf8')
    expect((JSON.parse(text) as Bundle).drafts).toMatchObject([{ draftId: discarded!.id }])
  })

  test('the hour for which a draft is meant comes along, and nothing is sent', async () => {
    await using here = await openBundleStore()
    await using there = await openBundleStore()
    const draft = await here.engine.drafts.create({ accountId: here.accountId, to: 'bob@example.com', text: 'x' })
    await here.engine.drafts.send(draft.id, { sendAt: Date.now() + 86_400_000 })
    const { drafts } = await bundleOf(here)
    expect(drafts[0]).toMatchObject({ status: 'queued' })
    await there.import(JSON.stringify({ drafts: [{ ...drafts[0]!, scheduledSendTime: 1_000 }] }))
    expect(await there.engine.drafts.get(draft.id)).toMatchObject({
      status: 'draft',
      scheduledSendAt: null,
      metadata: { scheduledSendTime: 1_000 },
    })
    expect((await there.engine.sends.list({ accountId: there.accountId })).total).toBe(0)
  })

  test('a draft that is local-only or to be reviewed is so after it', async () => {
    await using here = await openBundleStore()
    await using there = await openBundleStore()
    const { id } = await here.engine.drafts.create({
      accountId: here.accountId,
      policy: 'local-only',
      review: { required: true },
    })
    await there.import(await here.export())
    expect(await there.engine.drafts.get(id)).toMatchObject({ policy: 'local-only', review: { required: true } })
    expect((await there.engine.tasks.list(there.accountId)).items.some(({ kind }) => kind === 'draft_upload')).toBe(
      false,
    )
  })

  test('what is taken in is uploaded like any other draft, and its events are told', async () => {
    await using here = await openBundleStore()
    await using there = await openBundleStore()
    await richDraft(here)
    const bundle = await here.export()
    there.events()
    await there.import(bundle)
    expect(there.events()).toEqual(['draft-created'])
    const { items } = await there.engine.tasks.list(there.accountId)
    expect(items.filter(({ kind }) => kind === 'draft_upload')).toHaveLength(1)
  })

  test('what a tool wrote by hand is taken in: only the fields that it knows, with or without ids', async () => {
    await using store = await openBundleStore()
    const id = '0198d0c5-2f4b-7c3e-8a11-223344556677' as Umid
    const { items } = await store.import(
      JSON.stringify({
        drafts: [
          {
            draftId: id.toUpperCase(),
            subject: 'One',
            body: 'a\r\nb',
            to: [{ address: 'bob@example.com', name: 'Bob' }],
          },
          { subject: 'Two', bodyHtml: '<p>x</p>', references: ['root@example.com'], futureField: { x: 1 } },
          {
            attachments: [
              { id: '0198d0c5-2f4b-7c3e-8a11-000000000001', filename: 'a.pdf', mimeType: 'application/pdf', size: 7 },
            ],
          },
        ],
      }),
    )
    expect(items.map(({ outcome }) => outcome)).toEqual(['created', 'created', 'created'])
    expect(await store.engine.drafts.get(id)).toMatchObject({ subject: 'One', text: 'a\nb', version: 1 })
    expect(await store.engine.drafts.get(items[1]!.draftId)).toMatchObject({
      html: '<p>x</p>',
      references: ['<root@example.com>'],
    })
    const [missing] = (await bundleOf(store)).drafts.filter(({ draftId }) => draftId === items[2]!.draftId)
    expect(missing!['attachments']).toMatchObject([{ filename: 'a.pdf', size: 7, missing: true }])
  })
})

/** Here and there have the draft; here it went on, and there, too, if `there` says so. */
async function diverged(
  here: BundleStore,
  there: BundleStore,
  edits: { readonly here: object; readonly there: object | null },
): Promise<{ readonly id: Umid; readonly bundle: Uint8Array<ArrayBuffer> }> {
  const { id } = await here.engine.drafts.create({
    accountId: here.accountId,
    subject: 'As it was',
    text: 'one\n\ntwo\n',
  })
  await there.import(await here.export())
  await here.engine.drafts.save(id, edits.here)
  if (edits.there !== null) await there.engine.drafts.save(id, edits.there)
  return { id, bundle: await here.export() }
}

describe('a draft that is here already', () => {
  test('is brought on, version by version, where only the bundle has gone on', async () => {
    await using here = await openBundleStore()
    await using there = await openBundleStore()
    const { id } = await diverged(here, there, { here: { text: 'two' }, there: null })
    await here.engine.drafts.save(id, { subject: 'three' })
    expect(await there.import(await here.export())).toMatchObject({ counts: { updated: 1 } })
    expect(await there.engine.drafts.history(id)).toEqual(await here.engine.drafts.history(id))
    expect(await there.engine.drafts.get(id)).toMatchObject({ version: 3, subject: 'three', text: 'two' })
  })

  test('stays as it is where the bundle is older', async () => {
    await using here = await openBundleStore()
    const { id } = await here.engine.drafts.create({ accountId: here.accountId, text: 'old' })
    const bundle = await here.export()
    await here.engine.drafts.save(id, { text: 'new' })
    for (const onConflict of ['merge', 'local-wins', 'remote-wins'] as const) {
      expect(await here.import(bundle, { onConflict })).toMatchObject({ counts: { unchanged: 1 } })
    }
    expect(await here.engine.drafts.get(id)).toMatchObject({ version: 2, text: 'new' })
  })

  test('is merged where both have gone on', async () => {
    await using here = await openBundleStore()
    await using there = await openBundleStore()
    const { id, bundle } = await diverged(here, there, {
      here: { subject: 'New' },
      there: { text: 'one\n\nand two\n' },
    })
    expect(await there.import(bundle)).toMatchObject({ counts: { updated: 1 } })
    expect(await there.engine.drafts.get(id)).toMatchObject({ subject: 'New', text: 'one\n\nand two\n' })
    expect(await there.import(bundle)).toMatchObject({ counts: { unchanged: 1 } })
  })

  for (const [onConflict, text] of [
    ['local-wins', 'written there'],
    ['remote-wins', 'written here'],
  ] as const) {
    test(`${onConflict}: one text is the head, and the other in the history`, async () => {
      await using here = await openBundleStore()
      await using there = await openBundleStore()
      const edits = { here: { text: 'written here' }, there: { text: 'written there' } }
      const { id, bundle } = await diverged(here, there, edits)
      expect(await there.import(bundle, { onConflict })).toMatchObject({ counts: { updated: 1, conflict: 0 } })
      const draft = await there.engine.drafts.get(id)
      expect(draft.text).toBe(text)
      const texts = await Promise.all(
        (await there.engine.drafts.history(id)).map(
          async ({ version }) => (await there.engine.drafts.changesSince(id, version)).before.text,
        ),
      )
      expect(texts).toEqual(expect.arrayContaining(['written here', 'written there']))
      expect(await there.import(bundle, { onConflict })).toMatchObject({ counts: { unchanged: 1 } })
      expect((await there.engine.drafts.get(id)).version).toBe(draft.version)
    })
  }

  test('what cannot be merged is a conflict, once, with both texts kept', async () => {
    await using here = await openBundleStore()
    await using there = await openBundleStore()
    const edits = { here: { text: 'written here' }, there: { text: 'written there' } }
    const { id, bundle } = await diverged(here, there, edits)
    const { items } = await there.import(bundle)
    expect(items).toMatchObject([{ outcome: 'conflict', draftId: id, version: 2 }])
    expect((await there.import(bundle)).items).toEqual(items)
    const conflicts = await there.engine.drafts.conflicts(id)
    expect(conflicts).toMatchObject([{ id: items[0]!.conflictId as ConflictId, fields: ['text'], baseVersion: 1 }])
    expect([conflicts[0]!.local.text, conflicts[0]!.remote.text]).toEqual(['written here', 'written there'])
    await there.engine.drafts.resolve(id, conflicts[0]!.id, 'local-wins')
    expect((await there.engine.drafts.get(id)).text).toBe('written here')
  })

  test('is restored where it was deleted here, with what was newest', async () => {
    await using store = await openBundleStore()
    const draft = await richDraft(store)
    const bundle = await store.export({ attachments: true })
    await store.engine.drafts.discard(draft.id)
    expect(await store.import(bundle)).toMatchObject({ counts: { restored: 1 } })
    expect(await store.engine.drafts.get(draft.id)).toMatchObject({ status: 'draft', version: 5, text: draft.text })
    const { items } = await store.engine.tasks.list(store.accountId)
    expect(items.filter(({ kind }) => kind === 'draft_upload')).toHaveLength(1)
  })

  test('is restored where the trash was emptied, and its versions go on', async () => {
    let aheadMs = 0
    await using store = await openBundleStore(() => Date.now() + aheadMs)
    const draft = await richDraft(store)
    const bundle = await store.export({ attachments: true })
    await store.engine.drafts.discard(draft.id)
    aheadMs = 40 * 86_400_000
    expect(await store.engine.housekeep()).toMatchObject({ draftsEmptied: 1, blobsCollected: 2 })
    await expect(store.engine.drafts.get(draft.id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await store.import(bundle)).toMatchObject({ counts: { restored: 1 } })
    const restored = await store.engine.drafts.get(draft.id)
    expect(restored).toMatchObject({ status: 'draft', version: 6, text: draft.text })
    expect(await filesOf(store, restored)).toHaveLength(1)
    expect(await store.engine.drafts.history(draft.id)).toHaveLength(5)
    await store.engine.housekeep()
    expect((await store.engine.drafts.search('again', { accountId: store.accountId })).total).toBe(1)
  })

  test('stays as it is where it is on its way', async () => {
    await using store = await openBundleStore()
    const { id } = await store.engine.drafts.create({ accountId: store.accountId, to: 'bob@example.com', text: 'old' })
    const bundle = Buffer.from(await store.export({ format: 'json' }))
      .toString('utf8')
      .replaceAll('old', 'new')
    const send = await store.engine.drafts.send(id, { sendAt: Date.now() + 86_400_000 })
    expect(await store.import(bundle, { onConflict: 'remote-wins' })).toMatchObject({ counts: { kept: 1 } })
    expect(await store.engine.drafts.get(id)).toMatchObject({ status: 'queued', text: 'old', version: 1 })
    expect(await store.engine.sends.get(send.id)).toMatchObject({ status: 'queued' })
  })
})

describe('all or nothing', () => {
  test('figures are measured', async () => {
    await using store = await openBundleStore()
    await richDraft(store)
    const exported = await store.engine.bundles.export(store.accountId, { attachments: true })
    expect(exported.metadata()).toBe(null)
    const pieces: Uint8Array[] = []
    for await (const piece of exported.bytes) pieces.push(Buffer.from(piece))
    const file = Buffer.concat(pieces)
    const plain = gunzipSync(file)
    expect(exported.metadata()).toEqual({
      count: 1,
      totalSize: expect.any(Number) as number,
      compressionRatio: file.length / plain.length,
      format: 'gzip',
      bytes: file.length,
      bytesUncompressed: plain.length,
    })
    const lines = plain.toString('utf8').trim().split('\n')
    expect(JSON.parse(lines[0]!)).toMatchObject({ bundleId: exported.bundleId, format: 'gzip' })
    const { totalSize } = exported.metadata()!
    const drafts = lines
      .slice(1, -1)
      .map((line) => (line.includes('"draftId"') ? line : (JSON.parse(line) as { data: string }).data))
    expect(totalSize).toBe(drafts.reduce((sum, text) => sum + Buffer.byteLength(text), 0))
  })

  test('more drafts than are set aside, stored or dropped at once come in, and leave nothing aside', async () => {
    await using store = await openBundleStore()
    const lines = Array.from({ length: 1_300 }, (_, index) =>
      JSON.stringify({ subject: `${index}`, body: 'words '.repeat(400) }),
    )
    const { counts } = await store.import(lines.join('\n'))
    expect(counts).toMatchObject({ created: 1_300 })
    expect((await store.engine.drafts.list({ accountId: store.accountId })).total).toBe(1_300)
  })

  test('cancelled while it is read, or while it is stored, it has changed nothing', async () => {
    await using here = await openBundleStore()
    await using there = await openBundleStore()
    const text = 'words '.repeat(4_000)
    await Promise.all(
      Array.from({ length: 150 }, (_, index) =>
        here.engine.drafts.create({ accountId: here.accountId, subject: `${index}`, text }),
      ),
    )
    const bundle = await here.export({ format: 'jsonl' })
    const before = await there.everything()
    there.events()
    for (const phase of ['reading', 'storing'] as const) {
      const controller = new AbortController()
      const seen: ImportProgress[] = []
      const onProgress = (progress: ImportProgress): void => {
        seen.push(progress)
        if (progress.phase === phase && progress.draftsDone > 50) controller.abort()
      }
      const importing = there.import(bundle, { signal: controller.signal, onProgress })
      await expect(importing, phase).rejects.toMatchObject({ code: 'CANCELLED' })
      expect(seen.at(-1)!.draftsDone).toBeLessThan(150)
      expect(await there.everything()).toEqual(before)
      expect(there.events()).toEqual([])
    }
    const done: ImportProgress[] = []
    await there.import(bundle, { onProgress: (progress) => void done.push(progress) })
    expect(done.at(-1)).toEqual({ phase: 'storing', draftsDone: 150, drafts: 150, bytesRead: bundle.length })
    const controller = new AbortController()
    const cut = there.export({
      signal: controller.signal,
      onProgress: ({ draftsDone, drafts }) => {
        if (draftsDone > 50 && drafts === 150) controller.abort()
      },
    })
    await expect(cut).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  test('a gzip bomb is stopped, by its ratio and by its size, and so is one in a gzip', async () => {
    await using store = await openBundleStore()
    const bomb = gzipSync(`{"drafts":[{"subject":"${'x'.repeat(60_000_000)}"}]}`)
    const before = await store.everything()
    for (const bytes of [bomb, gzipSync(bomb)]) {
      await expect(store.import(bytes)).rejects.toMatchObject({
        code: bytes === bomb ? 'TOO_LARGE' : 'VALIDATION_ERROR',
      })
    }
    const limits = { totalBytes: 1_000_000, ratio: 100_000 }
    await expect(store.import(bomb, { limits })).rejects.toMatchObject({ code: 'TOO_LARGE' })
    await expect(store.import('x'.repeat(10), { limits: { totalBytes: 5 } })).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
    })
    const plain = JSON.stringify({ drafts: [{ subject: 'x'.repeat(1_000) }] })
    await expect(store.import(plain, { limits: { totalBytes: 500 } })).rejects.toMatchObject({ code: 'TOO_LARGE' })
    await expect(store.import(plain, { maxDraftBytes: 1_000 })).rejects.toMatchObject({
      code: 'TOO_LARGE',
      errors: [{ path: 'drafts[0]' }],
    })
    expect(await store.everything()).toEqual(before)
  })
})
