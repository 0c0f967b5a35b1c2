import { readFile } from 'node:fs/promises'

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { type Candidate, recoveryPlan, type RecoveryWish } from '../src/draft-manager/recovery-plan.ts'
import { type Rankable, rankCandidates } from '../src/draft-manager/rank-candidates.ts'
import { checkSendable } from '../src/draft/sendable.ts'
import { emptyContent } from '../src/draft/draft.ts'
import { missingAttachments, withMissingAttachments } from '../src/draft/missing-attachments.ts'
import {
  type AttachmentId,
  type ConflictId,
  type DeviceId,
  draftManagerActions,
  draftManagerErrorOf,
  draftManagerErrors,
  type Sha256,
  type Umid,
  type Version,
} from '../src/index.ts'

const wish: RecoveryWish = { reason: 'reconnection', candidateId: null, preferLocal: null }

function candidate(source: Candidate['source'], fields: Partial<Candidate> = {}): Candidate {
  return {
    candidateId: source,
    source,
    draftId: 'draft' as Umid,
    content: { ...emptyContent, text: source },
    modifiedAt: 1,
    length: 1,
    edits: 1,
    differs: source !== 'stored',
    isContinuation: false,
    device: null,
    version: 1 as Version,
    conflictId: null,
    ...fields,
  }
}

function planOf(candidates: readonly Candidate[], fields: Partial<RecoveryWish> = {}): ReturnType<typeof recoveryPlan> {
  return recoveryPlan(
    candidates.map((one, index) => ({ candidate: one, rank: index + 1, reason: [] })),
    { ...wish, ...fields },
  )
}

/** The cells of the tables, without what pads them. */
async function rows(): Promise<readonly string[]> {
  const text = await readFile(new URL('../../../docs/draft-manager.md', import.meta.url), 'utf8')
  return text.split('\n').map((line) => line.replaceAll(/ +/g, ' ').trim())
}

function at(modifiedAt: number, length: number, edits: number): Rankable {
  return { modifiedAt, length, edits }
}

describe('docs/draft-manager.md', () => {
  test('has the actions as they are', async () => {
    const lines = await rows()
    for (const [action, { scope, draftId, answers, does }] of Object.entries(draftManagerActions)) {
      const fields = answers.map((name) => `\`${name}\``).join(', ')
      expect(lines).toContain(`| \`${action}\` | \`${scope}\` | ${draftId} | ${fields} | ${does} |`)
    }
    expect(lines.filter((line) => /^\| `[a-z-]+` \| `(?:read|write)`/.test(line))).toHaveLength(
      Object.keys(draftManagerActions).length,
    )
  })

  test('has the errors as they are, and every failure of the engine is one of them', async () => {
    const lines = await rows()
    for (const [errorCode, { httpStatus, when }] of Object.entries(draftManagerErrors)) {
      expect(lines).toContain(`| \`${errorCode}\` | ${httpStatus} | ${when} |`)
    }
    expect(lines.filter((line) => /^\| `[A-Z_]+` \| \d/.test(line))).toHaveLength(
      Object.keys(draftManagerErrors).length,
    )
    expect(new Set(Object.values(draftManagerErrorOf))).toEqual(new Set(Object.keys(draftManagerErrors)))
  })
})

describe('candidates', () => {
  test('are ranked by how many others each is newer, longer and more edited than', () => {
    const newest = at(3, 10, 1)
    const longest = at(1, 30, 2)
    const edited = at(2, 20, 3)
    expect(rankCandidates([newest, longest, edited])).toEqual([
      { candidate: edited, rank: 1, reason: ['most-edited'] },
      { candidate: longest, rank: 2, reason: ['longest'] },
      { candidate: newest, rank: 3, reason: ['newest'] },
    ])
  })

  test('of equal points the newer one is first, and in what several are first each of them is', () => {
    const [older, newer] = [at(1, 2, 1), at(2, 1, 1)]
    expect(rankCandidates([older, newer])).toEqual([
      { candidate: newer, rank: 1, reason: ['newest', 'most-edited'] },
      { candidate: older, rank: 2, reason: ['longest', 'most-edited'] },
    ])
    expect(rankCandidates([])).toEqual([])
  })
})

describe('the plan of a recovery', () => {
  const stored = candidate('stored')

  test('keeps what is stored where nothing else is there', () => {
    expect(planOf([stored])).toEqual({ kind: 'keep', losers: [] })
    expect(planOf([stored, candidate('revision')])).toEqual({ kind: 'keep', losers: [] })
    expect(planOf([stored, candidate('local', { differs: false })])).toEqual({ kind: 'keep', losers: [] })
  })

  test('takes what goes on from what is stored, and asks about all else', () => {
    const local = candidate('local', { isContinuation: true })
    expect(planOf([stored, local])).toEqual({ kind: 'take', candidate: local, confirmed: false, losers: [] })
    const apart = candidate('local')
    expect(planOf([apart, stored])).toEqual({ kind: 'ask', best: apart })
    const conflict = candidate('conflict', { conflictId: 'conflict' as ConflictId })
    expect(planOf([stored, conflict])).toEqual({ kind: 'ask', best: conflict })
    expect(planOf([local, conflict])).toEqual({ kind: 'ask', best: local })
    const older = candidate('revision')
    expect(planOf([older, stored])).toEqual({ kind: 'ask', best: older })
  })

  test('of one device the later text counts, and of two drafts somebody chooses', () => {
    const device = 'tab' as DeviceId
    const begun = candidate('unfinished-save', { device, isContinuation: true })
    const local = candidate('local', { device, isContinuation: true, modifiedAt: 2 })
    expect(planOf([begun, local])).toEqual({ kind: 'take', candidate: local, confirmed: false, losers: [] })
    const elsewhere = candidate('unfinished-save', { draftId: 'other' as Umid, isContinuation: true })
    expect(planOf([local, elsewhere])).toEqual({ kind: 'ask', best: local })
  })

  test('takes a draft out of the trash for who asks for it by hand alone', () => {
    const trash = candidate('trash')
    expect(planOf([trash], { reason: 'manual-recovery' })).toMatchObject({ kind: 'take', candidate: trash })
    expect(planOf([trash], { reason: 'browser-crash' })).toEqual({ kind: 'ask', best: trash })
  })

  test('does what it is told, and knows what loses', () => {
    const local = candidate('local')
    const begun = candidate('unfinished-save')
    const older = candidate('revision')
    const all = [begun, older, local, stored]
    expect(planOf(all, { preferLocal: true })).toEqual({
      kind: 'take',
      candidate: local,
      confirmed: true,
      losers: [begun],
    })
    expect(planOf(all, { preferLocal: false })).toEqual({ kind: 'keep', losers: [begun, local] })
    expect(planOf(all, { candidateId: 'revision' })).toMatchObject({ kind: 'take', candidate: older, confirmed: true })
    expect(planOf(all, { candidateId: 'none' })).toEqual({ kind: 'unknown' })
  })
})

describe('whatever the candidates are', () => {
  const devices = [null, 'tab' as DeviceId, 'phone' as DeviceId]
  const some = fc.array(
    fc.record({
      source: fc.constantFrom<Candidate['source']>('local', 'unfinished-save', 'conflict', 'revision', 'trash'),
      text: fc.constantFrom('a', 'b', 'c'),
      device: fc.constantFrom(...devices),
      modifiedAt: fc.nat({ max: 5 }),
      isContinuation: fc.boolean(),
      differs: fc.boolean(),
    }),
    { minLength: 0, maxLength: 6 },
  )

  test('without a word of the user’s, no words are written over others, and none that a client has are let go', () => {
    fc.assert(
      fc.property(some, fc.constantFrom<RecoveryWish['reason']>('reconnection', 'browser-crash'), (given, reason) => {
        const others = given.map(({ text, source, device, isContinuation, ...fields }, index) => {
          const isOfClient = source === 'local' || source === 'unfinished-save'
          return candidate(source, {
            ...fields,
            candidateId: `${index}`,
            content: { ...emptyContent, text },
            isContinuation: isOfClient && isContinuation,
            device: isOfClient || source === 'conflict' ? device : null,
          })
        })
        const ranked = rankCandidates([candidate('stored', { modifiedAt: 3 }), ...others])
        const plan = recoveryPlan(ranked, { ...wish, reason })
        const ofClients = others.filter((one) => one.differs && one.source !== 'revision')
        if (plan.kind === 'keep') expect(ofClients).toEqual([])
        if (plan.kind !== 'take') return
        expect(plan).toMatchObject({ confirmed: false, losers: [], candidate: { isContinuation: true, differs: true } })
        for (const other of ofClients) {
          const isOlderOfSame =
            other.device !== null &&
            ofClients.some((one) => one.device === other.device && one.modifiedAt >= other.modifiedAt && one !== other)
          expect(other.content.text === plan.candidate.content.text || isOlderOfSame).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('H14 missing attachments', () => {
  const missing = {
    id: 'a' as AttachmentId,
    filename: 'a.pdf',
    contentType: 'application/pdf',
    size: 1,
    contentId: null,
    url: null,
  }

  test('are read as they were written, beside other metadata, until they have come', () => {
    const metadata = withMissingAttachments({ ours: 1 }, [missing])
    expect(metadata['ours']).toBe(1)
    expect(missingAttachments({ attachments: [], metadata })).toEqual([missing])
    const { id, filename, contentType, size, contentId } = missing
    const come = {
      id,
      filename,
      contentType,
      size,
      contentId,
      sha256: 'b' as Sha256,
      disposition: 'attachment',
    } as const
    expect(missingAttachments({ attachments: [come], metadata })).toEqual([])
    expect(withMissingAttachments(metadata, [])).toEqual({ ours: 1 })
  })

  test('stand against sending, whatever somebody has written in their place', () => {
    const facts = { missingBlobs: new Set<Sha256>(), messageBytes: null, sizeLimitBytes: null }
    for (const value of [missing, null, 'text', { size: 'many' }]) {
      const content = { ...emptyContent, metadata: { 'missingAttachment:a': value } }
      const problems = checkSendable(content, facts).filter(({ code }) => code === 'MISSING_BLOB')
      expect(problems).toMatchObject([{ severity: 'error', path: 'attachments[0]' }])
    }
  })
})
