import { readFileSync } from 'node:fs'

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { statesDocument } from '../scripts/states-document.ts'
import {
  type DraftEvent,
  type DraftState,
  needsUpload,
  newestCopy,
  type Receipt,
  sameCopy,
  situationOf,
  transition,
  transitions,
} from '../src/draft/draft-state.ts'
import type { AccountId, AttemptId, FolderPath, MessageId, Uid, UidValidity, Version } from '../src/ids.ts'

function receipt(uid: number, version: number): Receipt {
  return {
    accountId: 'account' as AccountId,
    folder: 'Drafts' as FolderPath,
    uidValidity: 1 as UidValidity,
    uid: uid as Uid,
    messageId: `<${uid}@example.org>` as MessageId,
    version: version as Version,
    attemptId: `attempt-${uid}` as AttemptId,
  }
}

const fresh: DraftState = { status: 'draft', head: 1 as Version, copies: { kind: 'local-only' }, debts: [] }

/** Receipts are of revisions that exist; each new copy has a UID of its own, as IMAP promises. */
function eventFor(choice: number, state: DraftState, uid: number): DraftEvent {
  const older = Math.max(1, state.head - 1 - (uid % 2))
  const events: readonly DraftEvent[] = [
    { type: 'saved', version: (state.head + 1) as Version },
    { type: 'uploaded', receipt: receipt(uid, state.head), replaced: null },
    { type: 'uploaded', receipt: receipt(uid, state.head), replaced: newestCopy(state.copies) },
    { type: 'uploaded', receipt: receipt(uid, older), replaced: null },
    { type: 'late-copy', receipt: receipt(uid, older) },
    { type: 'vanished-during-attempt' },
    { type: 'name-vanished', at: 5 },
    { type: 'missing-confirmed' },
    { type: 'name-seen' },
    { type: 'anchor-vanished' },
    { type: 'debt-gone', receipt: state.debts[0] ?? receipt(uid, 1) },
    { type: 'successor-seen' },
    { type: 'folder-reset', accountId: 'account' as AccountId, folder: 'Drafts' as FolderPath },
    { type: 'moved' },
    { type: 'discarded' },
    { type: 'returned', verified: null },
    { type: 'queued' },
    { type: 'sending' },
    { type: 'sent' },
    { type: 'filed' },
  ]
  return events[choice % events.length]!
}

const receiptsOf = (state: DraftState): readonly Receipt[] =>
  [newestCopy(state.copies), ...state.debts].filter((one) => one !== null)

/** Runs a random life of a draft and hands every step to `check`. */
function property(check: (before: DraftState, event: DraftEvent, after: DraftState | null) => void): void {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 200 }), { maxLength: 60 }), (choices) => {
      let state = fresh
      for (const [step, choice] of choices.entries()) {
        const event = eventFor(choice, state, step + 1)
        const outcome = transition(state, event)
        check(state, event, outcome.rule === 'refuse' ? null : outcome.next)
        if (outcome.rule !== 'refuse') state = outcome.next
      }
    }),
    { numRuns: 2_000 },
  )
}

describe('the state table', () => {
  test('a save never loses the head, and what is not a draft cannot be saved', () => {
    property((before, event, after) => {
      if (event.type !== 'saved') return
      expect(after === null).toBe(before.status !== 'draft')
      if (after !== null) {
        expect(after.head).toBe(event.version)
        expect(after.copies.kind).not.toBe('synchronized')
      }
    })
  })

  test('synchronized means that the name is the head, stale-server that the anchor is older', () => {
    property((_before, _event, after) => {
      if (after?.copies.kind === 'synchronized') expect(after.copies.name.version).toBe(after.head)
      if (after?.copies.kind === 'stale-server') expect(after.copies.anchor?.version ?? 0).toBeLessThan(after.head)
    })
  })

  test('no copy is forgotten: it stays a name, an anchor or a debt until something said that it is gone', () => {
    const saysGone: ReadonlySet<DraftEvent['type']> = new Set([
      'name-vanished',
      'missing-confirmed',
      'anchor-vanished',
      'debt-gone',
      'folder-reset',
    ])
    property((before, event, after) => {
      if (after === null || saysGone.has(event.type)) return
      const replaced = 'replaced' in event ? event.replaced : null
      const wasMissing = before.copies.kind === 'synchronized' && before.copies.missingSince !== null
      for (const known of receiptsOf(before)) {
        if (sameCopy(known, replaced)) continue
        // What a save finds missing is no anchor; the round that missed it said that it is gone.
        if (wasMissing && event.type === 'saved') continue
        expect(receiptsOf(after).some((one) => sameCopy(one, known))).toBe(true)
      }
      if ('receipt' in event) expect(receiptsOf(after).some((one) => sameCopy(one, event.receipt))).toBe(true)
    })
  })

  test('the newest copy of a draft is never at the same time a debt', () => {
    property((_before, _event, after) => {
      if (after === null) return
      const newest = newestCopy(after.copies)
      expect(after.debts.some((debt) => sameCopy(debt, newest))).toBe(false)
      const keys = after.debts.map((debt) => `${debt.folder} ${debt.uidValidity} ${debt.uid}`)
      expect(new Set(keys).size).toBe(keys.length)
    })
  })

  test('H01 only what was synchronized, and missing in an earlier round too, is ever purged', () => {
    property((before, event, after) => {
      if (after?.status !== 'discarded' || before.status === 'discarded' || event.type === 'discarded') return
      expect(event.type).toBe('missing-confirmed')
      expect(before.copies).toMatchObject({ kind: 'synchronized', name: { version: before.head } })
      expect(before.copies.kind === 'synchronized' && before.copies.missingSince !== null).toBe(true)
    })
  })

  test('while a draft is wanted its newest copy becomes a debt only when a newer one is there', () => {
    property((before, event, after) => {
      // A copy in an account that was left is owed too, and paid only once the new account has its own.
      if (after === null || event.type === 'moved') return
      const isWanted = [before, after].every(({ status }) => status !== 'discarded' && status !== 'sent')
      if (!isWanted) return
      const newest = newestCopy(before.copies)
      const owed = after.debts.some((debt) => sameCopy(debt, newest))
      if (owed) expect(newestCopy(after.copies)!.version).toBeGreaterThanOrEqual(newest!.version)
    })
  })

  test('a wanted draft is at rest only as synchronized and without debts', () => {
    property((_before, _event, after) => {
      if (after === null || needsUpload(after)) return
      expect(after.debts).toEqual([])
      // What is sent keeps its copies until the one in Sent was seen; what is about to go is not uploaded.
      const mayRest = after.status === 'discarded' || after.status === 'sent' || after.status === 'sending'
      expect(mayRest || after.copies.kind === 'synchronized').toBe(true)
    })
  })

  test('H20 what was sent keeps its copies until the one in Sent was seen, and then owes them all', () => {
    property((before, event, after) => {
      if (after === null || before.status !== 'sent') return
      if (event.type === 'filed') expect(newestCopy(after.copies)).toBeNull()
      const newest = newestCopy(before.copies)
      const owed = newest !== null && after.debts.some((debt) => sameCopy(debt, newest))
      if (owed && after.status === 'sent') expect(event.type).toBe('filed')
      if (event.type === 'uploaded') expect(after.debts.some((debt) => sameCopy(debt, event.receipt))).toBe(true)
    })
  })

  test('every event is listed for every situation', () => {
    for (const row of Object.values(transitions)) expect(Object.keys(row)).toHaveLength(9)
    expect(situationOf(fresh)).toBe('draft/local-only')
  })

  test('docs/states.md is what the table says', () => {
    const written = readFileSync(new URL('../../../docs/states.md', import.meta.url), 'utf8')
    expect(written).toBe(statesDocument())
  })
})
