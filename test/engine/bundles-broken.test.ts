import { gzipSync } from 'node:zlib'

import { EverdraftError } from '@everdraft/core'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { type BundleStore, openBundleStore, richDraft } from './bundle-store.ts'

/** More of them take their time: EVERDRAFT_BUNDLES. */
const runs = Number(process.env['EVERDRAFT_BUNDLES'] ?? 60)

interface Draft {
  draftId: string
  [field: string]: unknown
}

interface Bundle {
  drafts: Draft[]
  files: { sha256: string; at: number; data: string }[]
  manifest: { sha256: string; size: number; state?: string }[]
  metadata: { count: unknown }
}

async function wholeBundle(): Promise<Bundle> {
  await using store = await openBundleStore()
  await richDraft(store, 'One', 3_000)
  await richDraft(store, 'Another', 200)
  return JSON.parse(Buffer.from(await store.export({ format: 'json', attachments: true })).toString()) as Bundle
}

async function refusal(store: BundleStore, bytes: Uint8Array | string): Promise<EverdraftError> {
  const thrown = await store.import(bytes).then(
    () => null,
    (error: unknown) => error,
  )
  if (!(thrown instanceof EverdraftError))
    throw new Error('it was taken in, or failed without a code', { cause: thrown })
  return thrown
}

const isLarge = 'x'.repeat(40_000_000)

/** What is wrong, with the path that the error names. */
const wrongs: readonly (readonly [string, (bundle: Bundle) => unknown])[] = [
  ['drafts[1]', (bundle) => (bundle.drafts[1] = 'text' as never)],
  ['drafts[1]', (bundle) => (bundle.drafts[1] = null as never)],
  ['drafts[1].draftId', ({ drafts }) => (drafts[1]!.draftId = 'no-uuid')],
  ['drafts[1].draftId', ({ drafts }) => (drafts[1]!.draftId = drafts[0]!.draftId)],
  ['drafts[1].draftId', ({ drafts }) => (drafts[1]!.draftId = drafts[0]!.draftId.toUpperCase())],
  ['drafts[0].version', ({ drafts }) => (drafts[0]!['version'] = 0)],
  ['drafts[0].version', ({ drafts }) => (drafts[0]!['version'] = 1.5)],
  ['drafts[0].history[4].version', ({ drafts }) => (drafts[0]!['version'] = 9)],
  ['drafts[0].subject', ({ drafts }) => (drafts[0]!['subject'] = 'a\r\nBcc: x')],
  ['drafts[0].subject', ({ drafts }) => (drafts[0]!['subject'] = null)],
  ['drafts[0].body', ({ drafts }) => (drafts[0]!['body'] = 'a\0b')],
  ['drafts[0].bodyHtml', ({ drafts }) => (drafts[0]!['bodyHtml'] = ['x'])],
  ['drafts[0].to', ({ drafts }) => (drafts[0]!['to'] = 'ann@example.org')],
  ['drafts[0].bcc[1].address', ({ drafts }) => (drafts[0]!['bcc'] = [{ address: 'a' }, { address: 7 }])],
  ['drafts[0].references[0]', ({ drafts }) => (drafts[0]!['references'] = ['two ids'])],
  ['drafts[0].tags[0]', ({ drafts }) => (drafts[0]!['tags'] = [{}])],
  ['drafts[0].metadata', ({ drafts }) => (drafts[0]!['metadata'] = [])],
  ['drafts[0].policy', ({ drafts }) => (drafts[0]!['policy'] = 'anything')],
  ['drafts[0].createdAt', ({ drafts }) => (drafts[0]!['createdAt'] = -1)],
  ['drafts[0].scheduledSendTime', ({ drafts }) => (drafts[0]!['scheduledSendTime'] = 'tomorrow')],
  ['drafts[0].attachments[0].size', ({ drafts }) => (attachment(drafts).size = -1)],
  ['drafts[0].attachments[0].sha256', ({ drafts }) => (attachment(drafts).sha256 = 'ABC')],
  ['drafts[0].attachments[0].filename', ({ drafts }) => (attachment(drafts).filename = 'a\r\nb')],
  ['drafts[0].attachments[1].id', ({ drafts }) => (drafts[0]!['attachments'] as unknown[]).push(attachment(drafts))],
  ['drafts[0].history', ({ drafts }) => (drafts[0]!['history'] = [])],
  ['drafts[0].history[1].version', ({ drafts }) => (revision(drafts, 1)['version'] = 3)],
  ['drafts[0].history[1].by', ({ drafts }) => (revision(drafts, 1)['by'] = 'nobody')],
  ['drafts[0].history[1].back.set', ({ drafts }) => (revision(drafts, 1)['back'] = { set: { nobody: 1 }, splice: {} })],
  [
    'drafts[0].history[3].back.splice.text[0]',
    ({ drafts }) => (revision(drafts, 3)['back'] = { set: {}, splice: { text: [1_000_000, 0, ''] } }),
  ],
  ['drafts[0].history[1].content', ({ drafts }) => delete revision(drafts, 1)['back']],
  ['drafts[0].unmodelled.parts', ({ drafts }) => (drafts[0]!['unmodelled'] = {})],
  [
    'drafts[0].unmodelled.headers[0].raw',
    ({ drafts }) =>
      (drafts[0]!['unmodelled'] = { headers: [{ name: 'X-A', raw: 'X-A: 1\r\nTo: b' }], parts: [], structure: {} }),
  ],
  ['drafts[0]', ({ manifest }) => manifest.splice(0, 1)],
  ['manifest[0].size', ({ manifest }) => (manifest[0]!.size += 1)],
  ['manifest[1].sha256', ({ manifest }) => (manifest[1]!.sha256 = manifest[0]!.sha256)],
  ['manifest[0].state', ({ manifest }) => (manifest[0]!.state = 'somewhere')],
  [
    'manifest[0]',
    ({ files, manifest }) => files.splice(0, files.filter((one) => one.sha256 === manifest[0]!.sha256).length),
  ],
  ['files[0].sha256', ({ files }) => (files[0]!.sha256 = 'x')],
  ['files[0].at', ({ files }) => (files[0]!.at = 7)],
  ['files[0].data', ({ files }) => (files[0]!.data = '?')],
  ['files[0].data', ({ files }) => (files[0]!.data = Buffer.from('other bytes').toString('base64'))],
  ['metadata.count', ({ metadata }) => (metadata.count = 3)],
  ['metadata.count', ({ metadata }) => (metadata.count = 'two')],
  ['drafts[1]', ({ drafts }) => (drafts[1]!['body'] = isLarge)],
]

function attachment(drafts: readonly Draft[]): Record<string, unknown> {
  return (drafts[0]!['attachments'] as Record<string, unknown>[])[0]!
}

function revision(drafts: readonly Draft[], index: number): Record<string, unknown> {
  return (drafts[0]!['history'] as Record<string, unknown>[])[index]!
}

describe('a bad bundle', () => {
  test('changes nothing, and the error names the entry, its draft and the field', async () => {
    await using store = await openBundleStore()
    await richDraft(store, 'Is here', 100)
    const whole = await wholeBundle()
    const before = await store.everything()
    store.events()
    for (const [path, spoil] of wrongs) {
      const bundle = structuredClone(whole)
      spoil(bundle)
      const error = await refusal(store, JSON.stringify(bundle))
      expect(['VALIDATION_ERROR', 'TOO_LARGE']).toContain(error.code)
      expect(error.errors.map((one) => one.path)).toEqual([path])
      const [, index] = /^drafts\[(\d)\]\./.exec(path) ?? []
      if (index !== undefined && path !== 'drafts[1].draftId') {
        expect(error.message, path).toContain(whole.drafts[Number(index)]!.draftId)
      }
    }
    expect(await store.everything()).toEqual(before)
    expect(store.events()).toEqual([])
    // It was right before somebody laid hands on it.
    expect(await store.import(JSON.stringify(whole))).toMatchObject({ counts: { created: 2 } })
  })

  test('of lines, too: one that is missing at the end is not taken for all of them', async () => {
    await using here = await openBundleStore()
    await using there = await openBundleStore()
    for (let made = 0; made < 3; made += 1) await here.engine.drafts.create({ accountId: here.accountId })
    const lines = Buffer.from(await here.export({ format: 'jsonl' }))
      .toString()
      .trim()
      .split('\n')
    for (let kept = 0; kept < lines.length; kept += 1) {
      const error = await refusal(there, lines.slice(0, kept).join('\n'))
      expect(error.errors[0]!.path).toBe(kept === 0 ? 'bundle' : 'metadata')
    }
    const odd = [...lines.slice(0, 2), '{"Subject":"mistyped"}', ...lines.slice(2)].join('\n')
    expect((await refusal(there, odd)).errors[0]!.path).toBe('drafts[1]')
    expect(await there.import(lines.join('\r\n'))).toMatchObject({ drafts: 3 })
  })

  test(
    'whatever it is: each failure has a code, and nothing is half taken in',
    { timeout: 60_000 + runs * 500 },
    async () => {
      await using store = await openBundleStore()
      const own = await richDraft(store, 'Is here', 100)
      const foreign = await store.engine.drafts.create({ accountId: store.otherAccountId, text: 'somebody else’s' })
      const whole = await wholeBundle()
      const text = JSON.stringify(whole)
      const lines = [
        JSON.stringify({ bundleId: 'b', exportedAt: 1 }),
        ...whole.drafts.map((draft) => JSON.stringify(draft)),
        ...whole.files.map((piece) => JSON.stringify(piece)),
        JSON.stringify({ manifest: whole.manifest, metadata: whole.metadata }),
      ].join('\n')
      const sources = [Buffer.from(text), Buffer.from(lines), gzipSync(lines)]

      const truncated = fc.tuple(fc.constantFrom(...sources), fc.double({ min: 0, max: 1, noNaN: true }))
      const cut = truncated.map(([bytes, at]) => bytes.subarray(0, Math.floor(bytes.length * at)))
      const flips = fc
        .tuple(
          fc.constantFrom(...sources),
          fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(7)), { minLength: 1, maxLength: 4 }),
        )
        .map(([bytes, places]) => {
          const flipped = Buffer.from(bytes)
          for (const [at, bit] of places) flipped[Math.floor((flipped.length - 1) * at)]! ^= 1 << bit
          return flipped
        })
      const strange = fc.oneof(
        fc.constantFrom(null, 0, -1, 1e308, true, '', 'x', '\ud800', [], {}, [[]], 'a\r\nb', own.id, foreign.id),
        fc.constant(Array.from({ length: 1_000 }, () => 'x')),
        fc.integer({ min: 50, max: 500 }).map((deep) => nested(deep)),
        fc.jsonValue(),
      )
      const spoilt = fc
        .tuple(fc.array(fc.tuple(fc.nat(), strange), { minLength: 1, maxLength: 3 }))
        .map(([changes]) => {
          const bundle = structuredClone(whole)
          for (const [at, value] of changes) replaceAt(bundle, at, value)
          return Buffer.from(JSON.stringify(bundle))
        })
      const ids = fc
        .array(fc.constantFrom(own.id, foreign.id, ...whole.drafts.map(({ draftId }) => draftId)), { maxLength: 4 })
        .map((some) => Buffer.from(JSON.stringify({ drafts: some.map((draftId) => ({ draftId, body: 'fuzzed' })) })))
      const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))

      let before = await store.everything()
      const theirs = await store.engine.drafts.get(foreign.id)
      await fc.assert(
        fc.asyncProperty(fc.oneof(cut, flips, spoilt, ids, noise), async (bytes) => {
          const thrown = await store.import(bytes).then(
            () => null,
            (error: unknown) => error,
          )
          if (thrown === null) before = await store.everything()
          else {
            expect(thrown).toBeInstanceOf(EverdraftError)
            expect(['VALIDATION_ERROR', 'TOO_LARGE']).toContain((thrown as EverdraftError).code)
            expect(await store.everything()).toEqual(before)
          }
          expect(await store.engine.drafts.get(foreign.id)).toEqual(theirs)
        }),
        { numRuns: runs },
      )
    },
  )
})

function nested(depth: number): unknown {
  let value: unknown = 'deep'
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { x: value }
  return value
}

/** Walks `at` steps through the bundle, and puts `value` where it ends. */
function replaceAt(bundle: object, at: number, value: unknown): void {
  let place: Record<string, unknown> = bundle as Record<string, unknown>
  let left = at
  for (;;) {
    const keys = Object.keys(place)
    if (keys.length === 0) return
    const key = keys[left % keys.length]!
    left = Math.floor(left / keys.length)
    const inner = place[key]
    if (left === 0 || typeof inner !== 'object' || inner === null) {
      place[key] = structuredClone(value)
      return
    }
    place = inner as Record<string, unknown>
  }
}
