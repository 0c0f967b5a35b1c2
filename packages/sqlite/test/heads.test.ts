import type { OpenStorage, Storage, Umid, Version } from '@everdraft/core'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { type DraftContent, emptyContent } from '../../core/src/draft/draft.ts'
import { refillDraft } from '../../core/src/storage/bundled-drafts.ts'
import { applyDraftEvent } from '../../core/src/storage/draft-states.ts'
import { getDraft } from '../../core/src/storage/drafts.ts'
import { forgetHead, forgetHeads, isHeadKept, readHead, rememberHead } from '../../core/src/storage/heads.ts'
import { emptyTrashed } from '../../core/src/storage/housekeeping.ts'
import { sqlite } from '../src/index.ts'
import { openFakeDevice, openNotes, openStoreAt, sqliteError, suiteStorage } from './harness.ts'

const id = 'a draft' as Umid
const row = { version: 2 as Version, updatedAt: 1_000 }

const content: fc.Arbitrary<DraftContent> = fc
  .record({
    subject: fc.string({ unit: 'binary' }),
    text: fc.string({ unit: 'binary', maxLength: 200 }),
    html: fc.option(fc.string({ unit: 'grapheme' })),
    to: fc.array(fc.record({ address: fc.string(), name: fc.string() })),
    metadata: fc.dictionary(fc.string(), fc.jsonValue()) as fc.Arbitrary<Readonly<Record<string, unknown>>>,
  })
  .map((fields) => ({ ...emptyContent, ...fields }))

describe('the head of a draft', () => {
  test('reads as JSON says it, whatever was written to it last', async () => {
    await using notes = await openNotes()
    await notes.store.read(async (db) => {
      fc.assert(
        fc.property(content, content, (one, other) => {
          rememberHead(db, id, row, one)
          const json = JSON.stringify(one)
          expect(readHead(db, id, row)).toEqual(JSON.parse(json))
          expect(Object.keys(readHead(db, id, row) ?? {})).toEqual(Object.keys(JSON.parse(json) as object))
          // The row as another save has left it.
          const later = { version: 3 as Version, updatedAt: 1_001 }
          rememberHead(db, id, later, other)
          expect(readHead(db, id, row)).toBeNull()
          expect(readHead(db, id, { ...later, updatedAt: 1_000 })).toBeNull()
          expect(readHead(db, id, later)).toEqual(JSON.parse(JSON.stringify(other)))
        }),
      )
    })
  })

  test('reads as it was saved, whatever of what was read before it comes of', async () => {
    await using notes = await openNotes()
    const changes = fc.record(
      { subject: fc.string(), text: fc.string(), html: fc.constant(null), tags: fc.array(fc.string()) },
      { requiredKeys: [] },
    )
    await notes.store.read(async (db) => {
      fc.assert(
        fc.property(content, fc.array(changes, { minLength: 1, maxLength: 4 }), (first, later) => {
          rememberHead(db, id, row, first)
          for (const change of later) {
            const read = readHead(db, id, row)
            if (read === null) throw new Error('what was just written is not kept')
            const next = { ...read, ...change }
            rememberHead(db, id, row, next)
            expect(readHead(db, id, row)).toEqual(next)
          }
        }),
      )
    })
  })

  test('is the reader’s own: what somebody does to it is not what is read next', async () => {
    await using notes = await openNotes()
    await notes.store.read(async (db) => {
      const given = { ...emptyContent, text: 'words', tags: ['one'] }
      rememberHead(db, id, row, given)
      given.tags.push('two')
      ;(readHead(db, id, row)?.tags as string[] | undefined)?.push('three')
      expect(readHead(db, id, row)).toEqual({ ...emptyContent, text: 'words', tags: ['one'] })
    })
  })

  test('is kept of few, and of none that is very long', async () => {
    await using notes = await openNotes()
    await notes.store.read(async (db) => {
      const ids = Array.from({ length: 200 }, (_, number) => `draft ${number}` as Umid)
      const keptOf = (): number => ids.filter((one) => isHeadKept(db, one)).length
      for (const one of ids) rememberHead(db, one, row, emptyContent)
      expect(keptOf()).toBe(128)
      expect(isHeadKept(db, ids[0] as Umid)).toBe(false)
      // 4 Mi code units of all.
      for (const one of ids) rememberHead(db, one, row, { ...emptyContent, text: 'x'.repeat(200_000) })
      expect(keptOf()).toBe(20)
      for (const one of ids) rememberHead(db, one, row, { ...emptyContent, text: 'x'.repeat(300_000) })
      expect(keptOf()).toBe(0)
      for (const one of ids) rememberHead(db, one, row, emptyContent)
      forgetHead(db, ids[199] as Umid)
      expect(keptOf()).toBe(127)
      forgetHeads(db)
      expect(keptOf()).toBe(0)
    })
  })

  // What was written first for the same version and at the same time is in no row.
  test.each(['insert into "event"', 'commit'])(
    'is that of before a save that the full disk refused at %s',
    async (start) => {
      const disk = suiteStorage(sqlite, () => sqliteError('SQLITE_FULL')).fullDisk(start)
      await using device = await openFakeDevice({ wrap: disk.wrap })
      const { drafts } = device.engine
      const draft = await drafts.create({ subject: 'A letter', tags: ['kept'] })
      await drafts.save(draft.id, { text: 'stored' })
      disk.full = true
      await expect(drafts.save(draft.id, { text: 'refused', tags: [] })).rejects.toMatchObject({
        code: 'STORAGE_ERROR',
      })
      disk.full = false
      expect(await drafts.get(draft.id)).toMatchObject({ text: 'stored', tags: ['kept'] })
      const { subject } = await drafts.save(draft.id, { subject: 'Another letter' })
      expect(subject).toBe('Another letter')
      expect(await drafts.get(draft.id)).toMatchObject({ text: 'stored', tags: ['kept'], subject: 'Another letter' })
    },
  )

  test('is that of before a save that failed among others that did not', async () => {
    await using device = await openFakeDevice()
    const { drafts } = device.engine
    const draft = await drafts.create({ subject: 'A letter' })
    await drafts.save(draft.id, { text: 'first' })
    // All are one commit: the first is written twice, as the third fails.
    const answers = await Promise.allSettled([
      drafts.save(draft.id, { text: 'second' }, { baseVersion: 2 as Version }),
      drafts.save(draft.id, { text: 'third' }),
      drafts.save(draft.id, { text: 'refused' }, { baseVersion: 2 as Version }),
    ])
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    expect(await drafts.get(draft.id)).toMatchObject({ text: 'third', version: 4 })
    expect((await drafts.save(draft.id, { subject: 'Another' })).text).toBe('third')
  })

  test('is what else was written to the row at the same version: nothing, or what a bundle brings', async () => {
    await using device = await openFakeDevice()
    const made = await device.engine.drafts.create({ subject: 'A letter' })
    await device.engine.close()
    const store = await openStoreAt(device.file)
    const textNow = async (): Promise<string> => (await store.read((db) => getDraft(db, made.id))).content.text
    await store.write(async (write) => {
      const draft = await getDraft(write.db, made.id)
      const head = { content: { ...draft.content, text: 'words' }, line: null }
      await applyDraftEvent(write, made.id, { type: 'saved', version: row.version }, row.updatedAt, head, draft)
    })
    expect(await textNow()).toBe('words')
    await store.write(({ db }) => emptyTrashed(db, made.id, 2_000))
    expect(await textNow()).toBe('')
    const bundled = { id: made.id, content: { ...emptyContent, text: 'from elsewhere' }, ...row, history: [] }
    await store.write(({ db }) => refillDraft(db, bundled))
    expect(await textNow()).toBe('from elsewhere')
    await store.close()
  })

  const facts: readonly (readonly [column: string, value: string | number, seen: object])[] = [
    ['version', 7, { version: 8 }],
    ['updated_at', 5, { createdAt: expect.any(Number) }],
    ['policy', 'local-only', { policy: 'local-only' }],
    ['sync_state', 'stale-server', { sync: { state: 'stale-server' } }],
    ['scheduled_send_at', 77, { scheduledSendAt: 77 }],
    ['succeeds', 'another', { succeeds: 'another' }],
    ['created_at', 5, { createdAt: 5 }],
    ['review_required', 1, { review: { required: true } }],
    ['approved_version', 2, { review: { approval: { version: 2 } } }],
  ]
  test.each([...facts, ['status', 'queued', null] as const])(
    'is not compared by a save while saves alone follow one another, and is after all else: %s was changed by it',
    async (column, value, seen) => {
      const told = listening()
      await using device = await openFakeDevice({ wrap: told.wrap })
      const { drafts, templates } = device.engine
      const draft = await drafts.create({ subject: 'A letter' })
      for (const text of ['first', 'second', 'the']) await drafts.save(draft.id, { text })
      told.heard.length = 0
      // As many as the history is told of once.
      for (let count = 0; count < 16; count += 1) await drafts.save(draft.id, { text: `third ${count}` })
      expect(told.heard.filter((text) => text.includes('"policy"'))).toEqual([])
      expect(told.heard.filter((text) => text.startsWith('insert into "revision"'))).toHaveLength(1)
      expect((await drafts.history(draft.id)).map(({ version }) => version as number)).toEqual(
        Array.from({ length: 20 }, (_, place) => 20 - place),
      )
      told.during('commit', () => {
        told.answer(`update draft set ${column} = ? where id = ?`, [value, draft.id])
      })
      await templates.add(device.account.id, { name: 'Thanks', text: 'Thank you' })
      told.heard.length = 0
      if (seen === null) {
        await expect(drafts.save(draft.id, { text: 'fourth' })).rejects.toMatchObject({ code: 'NOT_A_DRAFT' })
        return
      }
      expect(await drafts.save(draft.id, { text: 'fourth' })).toMatchObject({ version: 21, text: 'fourth', ...seen })
      expect(told.heard.filter(readsDraft)).not.toEqual([])
      expect(await drafts.get(draft.id)).toMatchObject({ version: 21, ...seen, text: 'fourth' })
    },
  )

  test.each([
    ['as it comes', {}],
    ['local-only, to be looked at', { policy: 'local-only', review: { required: true } }],
    ['with all fields', { to: 'bob@example.org', text: 'a\r\nb', html: '<p>b</p>', tags: ['x'], metadata: { n: [1] } }],
  ] as const)('of a new draft is told as it is read later, and not read for it: %s', async (_name, fields) => {
    const told = listening()
    await using device = await openFakeDevice({ wrap: told.wrap })
    const { drafts } = device.engine
    await drafts.create({})
    told.heard.length = 0
    const made = await drafts.create(fields)
    const saidAtFirst = JSON.stringify(made)
    expect(told.heard.filter(readsDraft)).toEqual([])
    for (const list of [made.to, made.cc, made.tags] as unknown[][]) list.push('changed by who got it')
    await drafts.save((await drafts.create({})).id, { text: 'another' })
    expect((await drafts.create({})).cc).toEqual([])
    expect(JSON.stringify(await drafts.get(made.id))).toBe(saidAtFirst)
    await device.restart()
    expect(JSON.stringify(await device.engine.drafts.get(made.id))).toBe(saidAtFirst)
    const { from, to, cc, bcc, subject, text, html, inReplyTo, references, attachments, metadata, tags } =
      await device.engine.drafts.get(made.id)
    const said = { from, to, cc, bcc, subject, text, html, inReplyTo, references, attachments, metadata, tags }
    const bytes = JSON.stringify(said).length
    expect(await device.engine.drafts.history(made.id)).toMatchObject([{ version: 1, bytes }])
  })

  test('is not asked for by a save after a save, and is by one of a draft that was queued, or owes a copy', async () => {
    const told = listening()
    await using device = await openFakeDevice({ wrap: told.wrap })
    const { drafts } = device.engine
    const draft = await drafts.create({ subject: 'A letter' })
    for (const text of ['first', 'second']) await drafts.save(draft.id, { text })
    told.heard.length = 0
    expect(await drafts.save(draft.id, { text: 'third' })).toMatchObject({ version: 4, text: 'third' })
    expect(told.heard.filter(readsDraft)).toEqual([])
    expect(told.heard.filter((text) => text.startsWith('update "draft"'))).toHaveLength(1)
    await expect(drafts.save(draft.id, { text: 'no\0text' })).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    expect((await drafts.save(draft.id, { text: 'third' })).version).toBe(4)
    await expect(drafts.save(draft.id, { text: 'old' }, { baseVersion: 3 as Version })).rejects.toMatchObject({
      code: 'VERSION_MISMATCH',
    })
    // Uploaded, written on, and uploaded again while it is written: what it says of its copies is what is so.
    await device.engine.sync(draft.accountId)
    const written = await drafts.save(draft.id, { text: 'fourth' })
    expect(written.sync).toMatchObject({ state: 'stale-server', uploadedVersion: 4 })
    expect((await drafts.save(draft.id, { text: 'fifth' })).sync).toMatchObject({ messageId: written.sync.messageId })
    await device.engine.sync(draft.accountId)
    expect((await drafts.save(draft.id, { text: 'sixth' })).sync).toMatchObject({ uploadedVersion: 6 })
    told.answer(`update draft set status = 'queued' where id = ?`, [draft.id])
    await expect(drafts.save(draft.id, { text: 'seventh' })).rejects.toMatchObject({ code: 'NOT_A_DRAFT' })
    expect(await drafts.get(draft.id)).toMatchObject({ text: 'sixth', status: 'queued' })
  })
})

const readsDraft = (text: string): boolean => /^select .* from "draft" /u.test(text)

/** What the engine asks the database for, and its very connection. */
function listening(): {
  readonly heard: string[]
  readonly answer: (text: string, parameters: readonly unknown[]) => void
  /** Before the next statement that begins so. */
  readonly during: (start: string, act: () => void) => void
  readonly wrap: (storage: Storage) => Storage
} {
  const heard: string[] = []
  const acts: { readonly start: string; readonly act: () => void }[] = []
  let answer: OpenStorage['answer']
  return {
    heard,
    during: (start, act) => void acts.push({ start, act }),
    answer: (text, parameters) => void answer?.(text, parameters),
    wrap: (storage) => ({
      async open() {
        const open = await storage.open()
        answer = open.answer
        return {
          ...open,
          answer(text: string, parameters: readonly unknown[]) {
            heard.push(text)
            if (acts[0] !== undefined && text.startsWith(acts[0].start)) acts.shift()?.act()
            return answer?.(text, parameters) ?? []
          },
        }
      },
    }),
  }
}
