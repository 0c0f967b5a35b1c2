import type { Umid } from '@everdraft/core'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { type DraftContent, emptyContent } from '../../core/src/draft/draft.ts'
import { readHead, writeHead } from '../../core/src/storage/heads.ts'
import { sqlite } from '../src/index.ts'
import { openFakeDevice, openNotes, sqliteError, suiteStorage } from './harness.ts'

const id = 'a draft' as Umid

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
          const json = writeHead(db, id, one)
          expect(json).toBe(JSON.stringify(one))
          expect(readHead(db, id, json)).toEqual(JSON.parse(json))
          expect(Object.keys(readHead(db, id, json))).toEqual(Object.keys(JSON.parse(json) as object))
          // What another transaction has written, which may have been rolled back, is not what the row says.
          writeHead(db, id, other)
          expect(readHead(db, id, json)).toEqual(JSON.parse(json))
        }),
      )
    })
  })

  test('is written as JSON says it, whatever of what was read it comes of', async () => {
    await using notes = await openNotes()
    const changes = fc.record(
      { subject: fc.string(), text: fc.string(), html: fc.constant(null), tags: fc.array(fc.string()) },
      { requiredKeys: [] },
    )
    await notes.store.read(async (db) => {
      fc.assert(
        fc.property(content, fc.array(changes, { minLength: 1, maxLength: 4 }), (first, later) => {
          let json = writeHead(db, id, first)
          for (const change of later) {
            const next = { ...readHead(db, id, json), ...change }
            json = writeHead(db, id, next)
            expect(json).toBe(JSON.stringify(next))
            expect(readHead(db, id, json)).toEqual(next)
          }
        }),
      )
    })
  })

  test('is the reader’s own: what somebody does to it is not what is read next', async () => {
    await using notes = await openNotes()
    await notes.store.read(async (db) => {
      const given = { ...emptyContent, text: 'words', tags: ['one'] }
      const json = writeHead(db, id, given)
      given.tags.push('two')
      ;(readHead(db, id, json).tags as string[]).push('three')
      expect(readHead(db, id, json)).toEqual({ ...emptyContent, text: 'words', tags: ['one'] })
    })
  })

  test('is that of before a save that the full disk refused', async () => {
    const disk = suiteStorage(sqlite, () => sqliteError('SQLITE_FULL')).fullDisk('insert into "event"')
    await using device = await openFakeDevice({ wrap: disk.wrap })
    const { drafts } = device.engine
    const draft = await drafts.create({ subject: 'A letter', tags: ['kept'] })
    await drafts.save(draft.id, { text: 'stored' })
    disk.full = true
    await expect(drafts.save(draft.id, { text: 'refused', tags: [] })).rejects.toMatchObject({ code: 'STORAGE_ERROR' })
    disk.full = false
    const { subject } = await drafts.save(draft.id, { subject: 'Another letter' })
    expect(subject).toBe('Another letter')
    expect(await drafts.get(draft.id)).toMatchObject({ text: 'stored', tags: ['kept'], subject: 'Another letter' })
  })
})
