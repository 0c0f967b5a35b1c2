import type { DeviceId, Draft, DraftChanges, Version } from '@everdraft/core'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { Author, DraftPolicy } from '../../../core/src/draft/draft.ts'
import type { FakeDevice, SuiteStorage } from '../harness.ts'

/** By whom, and how long after what came before; `device` null: this one. */
interface Saved {
  readonly by: Author
  readonly device: DeviceId | null
  readonly afterMs: number
}

type Act =
  | ({ readonly kind: 'save'; readonly changes: DraftChanges } & Saved)
  | { readonly kind: 'restore'; readonly which: number }
  | { readonly kind: 'save-whole'; readonly text: string }
  | { readonly kind: 'attach' | 'restart' | 'trash' | 'pass' | 'save-another' }

const words = fc.string({ unit: 'grapheme', maxLength: 40 })

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 12, arbitrary: saveOf(fc.record({ text: words })) },
  { weight: 3, arbitrary: saveOf(fc.record({ text: words, subject: fc.constantFrom('A letter', 'Re: a letter') })) },
  { weight: 2, arbitrary: saveOf(fc.record({ html: fc.constantFrom(null, '<p>words</p>', '<p>other words</p>') })) },
  // Longer than what a row takes in beside others.
  { weight: 2, arbitrary: saveOf(words.map((text) => ({ text: `${text}${'long '.repeat(400)}` }))) },
  // Statements ask for these.
  { weight: 2, arbitrary: saveOf(fc.record({ tags: fc.uniqueArray(fc.constantFrom('a', 'b', 'c')) })) },
  { weight: 1, arbitrary: saveOf(fc.constantFrom({ to: 'bob@example.com' }, { to: null })) },
  { weight: 2, arbitrary: fc.nat({ max: 30 }).map((which): Act => ({ kind: 'restore', which })) },
  { weight: 2, arbitrary: words.map((text): Act => ({ kind: 'save-whole', text })) },
  { weight: 2, arbitrary: fc.constantFrom<Act>({ kind: 'attach' }, { kind: 'restart' }, { kind: 'trash' }) },
  { weight: 2, arbitrary: fc.constant<Act>({ kind: 'save-another' }) },
)

const passing: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: act },
  { weight: 1, arbitrary: fc.constant<Act>({ kind: 'pass' }) },
)

function mostly<Value>(usual: Value, other: Value): fc.Arbitrary<Value> {
  return fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constant(other) })
}

function saveOf(changes: fc.Arbitrary<DraftChanges>): fc.Arbitrary<Act> {
  return fc
    .record({
      changes,
      by: mostly<Saved['by']>('user', 'program'),
      device: mostly<Saved['device']>(null, 'a telephone' as DeviceId),
      afterMs: fc.constantFrom(0, 0, 0, 7, 400),
    })
    .map((save) => ({ kind: 'save', ...save }))
}

/** What each version says, and what is to be told of it. */
interface Said {
  readonly draft: Draft
  /** Null: it came about in another way. */
  readonly saved: { readonly by: Author; readonly device: DeviceId } | null
}

const policies = fc.constantFrom<DraftPolicy>('sync', 'local-only')

async function live(device: FakeDevice, policy: DraftPolicy, acts: readonly Act[]): Promise<readonly Said[]> {
  const draft = await device.engine.drafts.create({ subject: 'A letter', text: 'begun', policy })
  const said: Said[] = [{ draft, saved: null }]
  const own = (await device.engine.drafts.history(draft.id))[0]?.device as DeviceId
  for (const one of acts) {
    const after = await carryOut(device, said, one)
    if (after.version !== said.length) {
      said.push({ draft: after, saved: one.kind === 'save' ? { by: one.by, device: one.device ?? own } : null })
    }
  }
  return said
}

async function checkFacts(device: FakeDevice, said: readonly Said[]): Promise<void> {
  for (const revision of await device.engine.drafts.history((said[0] as Said).draft.id)) {
    const { draft, saved } = said[revision.version - 1] as Said
    expect(revision.savedAt).toBe(draft.updatedAt)
    if (saved !== null) expect(revision).toMatchObject(saved)
  }
}

/** What versions say, however they are stored: the last saves beside the head, the others as the history has them. */
export function exerciseHistory({ openFakeDevice, lives }: SuiteStorage): void {
  describe('the history', () => {
    test('says of each version what was saved, whatever came after it and wherever it is stored', async () => {
      await fc.assert(
        fc.asyncProperty(policies, fc.array(act, { minLength: 12, maxLength: 30 }), async (policy, acts) => {
          await using device = await openFakeDevice()
          const said = await live(device, policy, acts)
          await checkAll(device, said)
          await device.restart()
          await checkAll(device, said)
        }),
        { numRuns: lives },
      )
    })

    test('says of each version that time has left what was saved, however it was thinned out', async () => {
      await fc.assert(
        fc.asyncProperty(policies, fc.array(passing, { minLength: 24, maxLength: 40 }), async (policy, acts) => {
          await using device = await openFakeDevice()
          const said = await live(device, policy, acts)
          await device.engine.housekeep()
          await checkLeft(device, said)
          await device.restart()
          await checkLeft(device, said)
          await device.engine.close()
          expect((await device.inspect()).findings).toEqual([])
        }),
        { numRuns: Math.ceil(lives / 2), endOnFailure: true },
      )
    })

    test('says what was saved after it was thinned out, another draft was saved, and this one was read', async () => {
      await using device = await openFakeDevice()
      const { drafts } = device.engine
      const another = await drafts.create({ text: 'another', policy: 'local-only' })
      const { id } = await drafts.create({ text: 'begun', policy: 'local-only' })
      for (const text of ['one', 'two', 'three']) await drafts.save(id, { text })
      await device.time.advance(2 * 3_600_000)
      await drafts.save(id, { text: 'four' })
      await device.engine.housekeep()
      await drafts.save(another.id, { text: 'another one' })
      expect((await drafts.get(id)).text).toBe('four')
      for (const text of ['five', 'six']) await drafts.save(id, { text })
      expect((await drafts.history(id))[0]?.version).toBe(7)
      await device.restart()
      expect((await device.engine.drafts.get(id)).text).toBe('six')
    })

    test('is found by tag as the head has them, and by what was saved last', async () => {
      await using device = await openFakeDevice()
      const { drafts } = device.engine
      const draft = await drafts.create({ text: 'begun' })
      for (const text of ['one', 'two', 'three']) await drafts.save(draft.id, { text })
      await drafts.save(draft.id, { tags: ['later'] })
      await drafts.save(draft.id, { subject: 'A letter' })
      expect((await drafts.list({ tag: 'later' })).items).toMatchObject([{ version: 6, subject: 'A letter' }])
      await drafts.save(draft.id, { tags: [], text: 'four' })
      expect((await drafts.list({ tag: 'later' })).items).toEqual([])
    })
  })
}

async function carryOut(device: FakeDevice, said: readonly Said[], one: Act): Promise<Draft> {
  const { drafts } = device.engine
  const { id } = (said[0] as Said).draft
  switch (one.kind) {
    case 'save': {
      const { changes, by, device: other, afterMs } = one
      await device.time.advance(afterMs)
      return await drafts.save(id, changes, { by, ...(other === null ? {} : { device: other }) })
    }
    case 'restore':
      return await restored(device, id, (1 + (one.which % said.length)) as Version)
    case 'save-whole': {
      // Else what the version before it says is told by this one.
      const answer = await device.engine.draftManager({
        action: 'auto-save',
        accountId: device.account.id,
        draftId: id,
        draft: { subject: 'A letter', body: one.text, version: said.length },
        enableCompression: false,
      })
      if (answer.status === 'error') throw new Error(answer.error)
      return await drafts.get(id)
    }
    case 'attach':
      return (await drafts.attach(id, { filename: 'a.txt', content: new Uint8Array([said.length]) })).draft
    case 'restart':
      await device.restart()
      return await device.engine.drafts.get(id)
    case 'trash':
      await drafts.discard(id)
      return await drafts.undiscard(id)
    case 'save-another': {
      const another = await drafts.create({ text: 'another' })
      for (const text of ['one', 'two']) await drafts.save(another.id, { text })
      // Saves follow one another again, and this one is read among them.
      return await drafts.get(id)
    }
    case 'pass':
      await device.time.advance(25 * 60_000)
      await device.engine.housekeep()
      return await drafts.get(id)
  }
}

/** One that was thinned out is not there to be restored. */
async function restored({ engine: { drafts } }: FakeDevice, id: Draft['id'], version: Version): Promise<Draft> {
  const history = await drafts.history(id)
  const isKept = history.some((revision) => revision.version === version)
  if (isKept) return await drafts.restore(id, version)
  await expect(drafts.restore(id, version)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  return await drafts.get(id)
}

/** What the history has is as it was; what it lacks is older than an hour. */
async function checkLeft(device: FakeDevice, said: readonly Said[]): Promise<void> {
  const { drafts } = device.engine
  const head = (said.at(-1) as Said).draft
  await checkFacts(device, said)
  expect(fields(await drafts.get(head.id))).toEqual(fields(head))
  const history = await drafts.history(head.id)
  const versions = new Set(history.map(({ version }) => version))
  expect(history.map(({ version }) => version)).toEqual([...versions].toSorted((a, b) => b - a))
  expect(versions.has(head.version)).toBe(true)
  for (const { draft } of said) {
    if (!versions.has(draft.version)) {
      expect(device.time.environment.now() - draft.updatedAt).toBeGreaterThan(3_600_000)
      continue
    }
    const { before } = await drafts.changesSince(head.id, draft.version)
    expect(fields({ ...draft, ...before })).toEqual(fields(draft))
  }
}

async function checkAll(device: FakeDevice, said: readonly Said[]): Promise<void> {
  const { drafts } = device.engine
  const head = (said.at(-1) as Said).draft
  await checkFacts(device, said)
  expect(fields(await drafts.get(head.id))).toEqual(fields(head))
  const { items } = await drafts.list({ limit: 500 })
  expect(items.filter(({ id }) => id === head.id)).toMatchObject([
    { version: head.version, subject: head.subject, tags: head.tags },
  ])
  const history = await drafts.history(head.id)
  expect(history.map(({ version }) => version as number)).toEqual(said.map((_, at) => said.length - at))
  for (const { draft } of said) {
    const { before } = await drafts.changesSince(head.id, draft.version)
    expect(fields({ ...draft, ...before })).toEqual(fields(draft))
  }
}

function fields({ subject, text, html, tags, to, attachments }: Draft): object {
  const files = attachments.map(({ filename, sha256 }) => ({ filename, sha256 }))
  return { subject, text, html, tags, to, files }
}
