import { createHash } from 'node:crypto'

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { type DraftContent, emptyContent } from '../src/draft/draft.ts'
import type { Hasher } from '../src/environment.ts'
import type {
  AccountId,
  AttemptId,
  FolderPath,
  MessageId,
  Sha256,
  Uid,
  UidValidity,
  Umid,
  Version,
} from '../src/ids.ts'
import { readUidSet, uidSetText } from '../src/storage/uid-set.ts'
import { contentDigest, eventForCopy } from '../src/sync/recognise.ts'
import { type ReconcileQuestion, reconcilePlan } from '../src/sync/reconcile-plan.ts'
import { uploadPlan, type UploadQuestion } from '../src/sync/upload-plan.ts'

type KnownCopy = ReconcileQuestion['known'][number]
type Receipt = KnownCopy['receipt']

const accountId = 'account' as AccountId
const drafts = 'Drafts' as FolderPath

function receipt(uid: number, over: Partial<Receipt> = {}): Receipt {
  return {
    accountId,
    folder: drafts,
    uidValidity: 1 as UidValidity,
    uid: uid as Uid,
    messageId: `<${uid}@example.org>` as MessageId,
    version: 1 as Version,
    attemptId: `attempt-${uid}` as AttemptId,
    ...over,
  }
}

const part = fc.record({
  sha256: fc.constantFrom('aa', 'bb', 'cc') as fc.Arbitrary<Sha256>,
  section: fc.constantFrom('2', '3', '1.2'),
  encodedSize: fc.constantFrom(-1, 0, 4, 8, 1_000, 40_000),
})

/** As base64 makes it. */
const wantedPart = part.map((one) => {
  const encodedSize = Math.max(0, one.encodedSize)
  return { ...one, encodedSize, size: Math.floor((encodedSize * 3) / 4) }
})

const question: fc.Arbitrary<UploadQuestion> = fc
  .record({
    text: fc.integer({ min: 1, max: 5_000 }),
    parts: fc.array(wantedPart, { maxLength: 4 }),
    older: fc.option(fc.record({ receipt: fc.constant(receipt(5)), parts: fc.array(part, { maxLength: 4 }) })),
    capabilities: fc.record({
      catenate: fc.boolean(),
      replace: fc.boolean(),
      binary: fc.boolean(),
      appendLimit: fc.option(fc.integer({ min: 0, max: 60_000 })),
    }),
    mayQuote: fc.boolean(),
    mayBeBinary: fc.boolean(),
  })
  .map(({ text, ...rest }) => ({
    ...rest,
    size: rest.parts.reduce((sum, one) => sum + one.encodedSize, text),
  }))

describe('the plan of an upload', () => {
  test('quotes only parts that the older copy holds, and only what may be quoted', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const plan = uploadPlan(asked)
        if (plan.kind === 'refuse') return
        if (!asked.capabilities.catenate || !asked.mayQuote || asked.older === null) expect(plan.quotes.size).toBe(0)
        for (const [index, quoted] of plan.quotes) {
          expect(asked.older?.parts).toContainEqual(quoted)
          expect(quoted.sha256).toBe(asked.parts[index]?.sha256)
          expect(quoted.encodedSize).toBeGreaterThan(0)
        }
      }),
    )
  })

  test('what is sent and what is quoted make the whole message', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const plan = uploadPlan(asked)
        if (plan.kind === 'refuse' || plan.binary) return
        const quoted = [...plan.quotes.values()].reduce((sum, one) => sum + one.encodedSize, 0)
        const unsent = [...plan.quotes.keys()].reduce((sum, index) => sum + (asked.parts[index]?.encodedSize ?? 0), 0)
        expect(plan.bytesToSend + quoted).toBe(plan.storedSize)
        expect(plan.bytesToSend + unsent).toBe(asked.size)
        expect(plan.bytesToSend).toBeGreaterThan(0)
      }),
    )
  })

  test('nothing is encoded for a server that takes it as it is, where that saves what it costs to ask', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const plan = uploadPlan(asked)
        if (plan.kind === 'refuse') return
        const saved = asked.parts.reduce((sum, one) => sum + one.encodedSize - (one.size ?? 0), 0)
        const may = asked.capabilities.binary && asked.mayBeBinary && plan.quotes.size === 0
        expect(plan.binary).toBe(may === true && saved >= 4_096)
        if (plan.binary) expect(plan.bytesToSend).toBe(asked.size - saved)
      }),
    )
  })

  test('every part that the older copy holds is quoted where it may be (H16)', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const plan = uploadPlan(asked)
        if (plan.kind === 'refuse' || !asked.capabilities.catenate || !asked.mayQuote) return
        for (const [index, wanted] of asked.parts.entries()) {
          // Also where another program has encoded it in lines of another length.
          const same = asked.older?.parts.filter((other) => other.sha256 === wanted.sha256) ?? []
          const alike = same.some((other) => other.encodedSize === wanted.encodedSize)
          const held = alike || (same[0]?.encodedSize ?? 0) > 0
          expect(plan.quotes.has(index)).toBe(held && wanted.encodedSize > 0)
        }
      }),
    )
  })

  test('removes nothing but the copy whose receipt it was given, and that never while it quotes from it (H07)', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const plan = uploadPlan(asked)
        if (plan.kind === 'refuse') return
        if (plan.replaces !== null) {
          expect(plan.replaces).toBe(asked.older?.receipt)
          expect(asked.capabilities.replace).toBe(true)
          expect(plan.quotes.size).toBe(0)
        }
        expect(plan.method.startsWith('replace')).toBe(plan.replaces !== null)
        expect(plan.method.endsWith('catenate')).toBe(plan.quotes.size > 0)
      }),
    )
  })

  test('is refused exactly where the message is larger than the server takes (H05)', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const { appendLimit } = asked.capabilities
        expect(uploadPlan(asked).kind === 'refuse').toBe(appendLimit !== null && asked.size > appendLimit)
      }),
    )
  })
})

const roles = ['name', 'anchor', 'debt'] as const
const folderQuestion: fc.Arbitrary<ReconcileQuestion> = fc
  .record({
    uids: fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 25 }),
    known: fc.uniqueArray(
      fc.record({
        uid: fc.integer({ min: 1, max: 40 }),
        role: fc.constantFrom(...roles),
        missing: fc.boolean(),
        validity: fc.constantFrom(1, 1, 1, 1, 1, 1, 2),
      }),
      { maxLength: 20, selector: ({ uid }) => uid },
    ),
    attempting: fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 4 }),
    seen: fc.option(
      fc.record({
        path: fc.constantFrom('Drafts', 'Drafts', 'Drafts', 'Other'),
        validity: fc.constantFrom(1, 1, 1, 2),
        next: fc.integer({ min: 1, max: 50 }),
        others: fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 12 }),
      }),
    ),
    uidNext: fc.option(fc.integer({ min: 1, max: 60 })),
  })
  .map(({ uids, known, attempting, seen, uidNext }) => ({
    seen:
      seen === null
        ? null
        : {
            path: seen.path as FolderPath,
            uidValidity: seen.validity as UidValidity,
            uidNext: seen.next as Uid,
            others: new Set(seen.others as Uid[]),
            seenAt: 0,
            newestAt: null,
            losses: 'apply' as const,
            highestModseq: null,
          },
    folder: {
      path: drafts,
      uidValidity: 1 as UidValidity,
      uidNext: uidNext as Uid | null,
      exists: uids.length,
      highestModseq: null,
    },
    uids: uids.toSorted((a, b) => a - b) as Uid[],
    known: known.map(({ uid, role, missing, validity }) => ({
      draftId: `draft-${uid}` as Umid,
      role,
      missingSince: role === 'name' && missing ? 5 : null,
      receipt: receipt(uid, { uidValidity: validity as UidValidity }),
    })),
    attempting: new Set(attempting.map((uid) => `draft-${uid}` as Umid)),
  }))

const names = (count: number): KnownCopy[] =>
  Array.from({ length: count }, (_each, index) => ({
    draftId: `draft-${index}` as Umid,
    role: 'name',
    missingSince: null,
    receipt: receipt(index + 1),
  }))

const isMass = (count: number, gone: number) => {
  const uids = Array.from({ length: count - gone }, (_each, index) => (index + 1) as Uid)
  const folder = {
    path: drafts,
    uidValidity: 1 as UidValidity,
    uidNext: 999 as Uid,
    exists: 0,
    highestModseq: null,
  }
  const plan = reconcilePlan({ seen: null, folder, uids, known: names(count), attempting: new Set() })
  return plan.kind === 'compare' && plan.massVanish
}

describe('a set of UIDs as text', () => {
  test('is read back as it was written, and runs are ranges', () => {
    expect(uidSetText([5, 1, 2, 3, 9] as Uid[])).toBe('1:3,5,9')
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 60 })), (uids) => {
        expect([...readUidSet(uidSetText(uids as Uid[]))]).toEqual(uids.toSorted((a, b) => a - b))
      }),
    )
  })
})

describe('the plan of a round', () => {
  test('is a reset whenever a UIDVALIDITY differs, whoever remembers it (H10)', () => {
    fc.assert(
      fc.property(folderQuestion, (asked) => {
        const differs =
          asked.known.some((copy) => copy.receipt.uidValidity !== asked.folder.uidValidity) ||
          (asked.seen !== null && asked.seen.uidValidity !== asked.folder.uidValidity)
        if (differs) expect(reconcilePlan(asked).kind).toBe('reset')
      }),
      { numRuns: 500 },
    )
  })

  test('is a reset where UIDNEXT went back, below what was seen or what we hold (H10)', () => {
    fc.assert(
      fc.property(folderQuestion, (asked) => {
        const { uidNext } = asked.folder
        if (uidNext === null) return
        const newest = Math.max(0, ...asked.known.map((copy) => copy.receipt.uid))
        const back = uidNext <= newest || (asked.seen !== null && uidNext < asked.seen.uidNext)
        if (back) expect(reconcilePlan(asked).kind).toBe('reset')
      }),
      { numRuns: 500 },
    )
  })

  test('names each known copy as gone exactly where its UID is, and no copy twice (H01)', () => {
    fc.assert(
      fc.property(folderQuestion, (asked) => {
        const plan = reconcilePlan(asked)
        if (plan.kind === 'reset') return
        const gone = asked.known.filter((copy) => !asked.uids.includes(copy.receipt.uid))
        expect(plan.vanished.map(({ copy }) => copy)).toEqual(gone)
        expect(plan.seenAgain).toEqual(
          asked.known.filter((copy) => copy.missingSince !== null && asked.uids.includes(copy.receipt.uid)),
        )
      }),
      { numRuns: 500 },
    )
  })

  test('a loss is a purge only for a name that was missing before and whose draft has no open upload (H01)', () => {
    fc.assert(
      fc.property(folderQuestion, (asked) => {
        const plan = reconcilePlan(asked)
        if (plan.kind === 'reset') return
        for (const { copy, as } of plan.vanished) {
          const uncertain = asked.attempting.has(copy.draftId)
          if (as === 'missing-confirmed') {
            expect(copy).toMatchObject({ role: 'name', missingSince: 5 })
            expect(uncertain).toBe(false)
          }
          if (as === 'name-vanished') expect(copy).toMatchObject({ role: 'name', missingSince: null })
          if (as === 'anchor-vanished') expect(copy.role).toBe('anchor')
          expect(as === 'debt-gone').toBe(copy.role === 'debt')
          if (copy.role !== 'debt') expect(as === 'vanished-during-attempt').toBe(uncertain)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('never looks at a message that is known or was looked at, and at every other, also below UIDNEXT', () => {
    fc.assert(
      fc.property(folderQuestion, (asked) => {
        const plan = reconcilePlan(asked)
        if (plan.kind === 'reset') return
        const known = new Set<number>(asked.known.map((copy) => copy.receipt.uid))
        const others = asked.seen?.others ?? new Set<Uid>()
        expect(plan.unexplored).toEqual(asked.uids.filter((uid) => !known.has(uid) && !others.has(uid)))
      }),
      { numRuns: 500 },
    )
  })

  test('new messages are never read without some known ones, where there are any: they tell reused UIDs', () => {
    fc.assert(
      fc.property(folderQuestion, (asked) => {
        const plan = reconcilePlan(asked)
        if (plan.kind === 'reset') return
        const present = asked.known.filter((copy) => asked.uids.includes(copy.receipt.uid))
        expect(plan.probes.length).toBe(plan.unexplored.length === 0 ? 0 : Math.min(20, present.length))
        for (const probe of plan.probes) expect(present).toContain(probe)
      }),
      { numRuns: 500 },
    )
  })

  test('more than half of ten or more names gone is a mass vanish, and nothing less is', () => {
    expect([isMass(10, 6), isMass(10, 5), isMass(9, 9), isMass(11, 6), isMass(100, 50), isMass(100, 51)]).toEqual([
      true,
      false,
      false,
      true,
      false,
      true,
    ])
  })
})

function hasher(): Hasher {
  const hash = createHash('sha256')
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') }
}

const digest = (content: DraftContent) => contentDigest(content, hasher())

const letter: DraftContent = {
  ...emptyContent,
  from: { address: 'ann@example.org', name: 'Ann' },
  to: [{ address: 'bob@example.com', name: 'Bob B' }],
  cc: [{ address: 'cy@example.com', name: '' }],
  subject: 'A long subject of many words',
  text: 'Dear Bob,\n\nfirst words\n',
  html: '<p>first words</p>\n',
  references: ['<1@example.com>' as MessageId],
  attachments: [
    {
      id: 'x' as never,
      filename: 'scan one.pdf',
      contentType: 'application/pdf',
      size: 3,
      sha256: 'aa' as Sha256,
      disposition: 'attachment',
      contentId: null,
    },
  ],
}

const plain = (one: string) =>
  one
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .replace(/\n+$/, '')

describe('the digest of a content', () => {
  test('is the same under folding, blanks at line ends, a last line end more or less, and the normal form', () => {
    const same: readonly Partial<DraftContent>[] = [
      { subject: 'A long subject\t of   many words ' },
      { text: 'Dear Bob, \n\t\nfirst words' },
      { text: `${letter.text}\n\n` },
      { html: '<p>first words</p>' },
      { to: [{ address: 'bob@example.com', name: 'Bob  B' }] },
      { to: [{ address: 'BOB@example.com', name: 'Bob B' }] },
    ]
    for (const change of same) expect(digest({ ...letter, ...change }), JSON.stringify(change)).toBe(digest(letter))
    expect(digest({ ...letter, subject: 'é' })).toBe(digest({ ...letter, subject: 'e\u0301' }))
    expect(digest({ ...letter, html: null })).toBe(digest({ ...letter, html: '' }))
    // On the wire half an emoji is U+FFFD.
    expect(digest({ ...letter, text: 'a \ud83d b' })).toBe(digest({ ...letter, text: 'a \ufffd b' }))
  })

  test('differs for every other edit of text, subject, recipients, threading and attachments', () => {
    const [attachment] = letter.attachments
    const edits: readonly Partial<DraftContent>[] = [
      { text: 'Dear Bob,\n\nfirst word\n' },
      { text: 'Dear Bob,\nfirst words\n' },
      { text: 'Dear Bob,\n\n first words\n' },
      { text: 'Dear  Bob,\n\nfirst words\n' },
      { text: '\nDear Bob,\n\nfirst words\n' },
      { text: '' },
      { html: null },
      { html: '<p>First words</p>\n' },
      { subject: 'A long "subject" of many words' },
      { subject: 'A long <subject> of many words' },
      { subject: 'A long subject of many Words' },
      { subject: '' },
      { from: null },
      { from: { address: 'ann@example.com', name: 'Ann' } },
      { to: [] },
      { to: [{ address: 'bob@example.com', name: 'Bob' }] },
      { to: letter.cc, cc: letter.to },
      { to: [...letter.to, ...letter.cc], cc: [] },
      { cc: [], bcc: letter.cc },
      { inReplyTo: '<1@example.com>' as MessageId },
      { references: [] },
      { attachments: [] },
      { attachments: [attachment!, attachment!] },
      { attachments: [{ ...attachment!, sha256: 'ab' as Sha256 }] },
      { attachments: [{ ...attachment!, filename: 'scan two.pdf' }] },
      { attachments: [{ ...attachment!, filename: 'scan "one".pdf' }] },
      { attachments: [{ ...attachment!, contentType: 'text/plain' }] },
    ]
    const digests = [letter, ...edits.map((edit) => ({ ...letter, ...edit }))].map(digest)
    expect(digests.filter((one, index) => digests.indexOf(one) !== index)).toEqual([])
  })

  test('any two texts have the same digest exactly where their lines without blanks at the end are the same', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\t', '\n', '\u00a0', 'é'), maxLength: 12 })
    fc.assert(
      fc.property(text, text, (one, other) => {
        const equal = digest({ ...letter, text: one }) === digest({ ...letter, text: other })
        expect(equal).toBe(plain(one) === plain(other))
      }),
      { numRuns: 1_000 },
    )
  })

  test('of a text with a million blanks in a row, or as many empty lines, is made in a moment', () => {
    const started = performance.now()
    digest({ ...letter, text: `a${' '.repeat(1_000_000)}b${'\n'.repeat(1_000_000)}c` })
    // Quadratic time would be minutes.
    expect(performance.now() - started).toBeLessThan(5_000)
  })
})

describe('a copy of ours that is found', () => {
  const head = 3 as Version
  const state = (copies: Parameters<typeof eventForCopy>[0]['state']['copies'], debts: readonly Receipt[] = []) => ({
    accountId,
    state: { status: 'draft', head, copies, debts } as const,
  })

  test('says nothing new where it is known: as name, anchor or debt', () => {
    const known = receipt(5)
    expect(eventForCopy(state({ kind: 'synchronized', name: known, missingSince: null }), known)).toBeNull()
    expect(eventForCopy(state({ kind: 'stale-server', anchor: known }), { ...known })).toBeNull()
    expect(eventForCopy(state({ kind: 'local-only' }, [known]), known)).toBeNull()
  })

  test('is late where the draft has its name, or has left that account; else it was uploaded', () => {
    const found = receipt(6)
    expect(eventForCopy(state({ kind: 'synchronized', name: receipt(5), missingSince: null }), found)?.type).toBe(
      'late-copy',
    )
    expect(eventForCopy(state({ kind: 'local-only' }), { ...found, accountId: 'other' as AccountId })?.type).toBe(
      'late-copy',
    )
    expect(eventForCopy(state({ kind: 'local-only' }), found)?.type).toBe('uploaded')
    expect(eventForCopy(state({ kind: 'stale-server', anchor: receipt(5) }), found)?.type).toBe('uploaded')
  })
})
