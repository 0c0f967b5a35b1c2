import { describe, expect, test } from 'vitest'

import { type DraftContent, emptyContent } from '../src/draft/draft.ts'
import type { MessageId, Umid } from '../src/ids.ts'
import { kinship, type KinshipQuestion, type KnownMessage, likeness, resembling } from '../src/sync/kinship.ts'
import { uploadDueAt } from '../src/sync/upload-budget.ts'

const ours = 'draft' as Umid
const bound = '<bound@example.com>' as MessageId
const replaced = '<replaced@example.com>' as MessageId

function knows(messageId: MessageId, isOurs = true): KnownMessage {
  return { draftId: ours, messageId, isOurs }
}

function question(over: Partial<KinshipQuestion>): KinshipQuestion {
  return {
    everdraftId: null,
    token: null,
    sameMessageId: null,
    base: null,
    sameBase: null,
    idIsTaken: false,
    newest: () => ({ messageId: bound, isThere: true }),
    ...over,
  }
}

describe('what a message that we did not store has to do with our drafts', () => {
  test('under our Message-ID it is an edit of that very copy', () => {
    expect(kinship(question({ sameMessageId: knows(bound) }))).toEqual({ kind: 'edit', draftId: ours, of: 'newest' })
    expect(kinship(question({ sameMessageId: knows(replaced) }))).toEqual({ kind: 'edit', draftId: ours, of: 'older' })
  })

  test('under the Message-ID of a foreign draft that is still there it is a draft of its own', () => {
    const sameMessageId = knows(bound, false)
    expect(kinship(question({ sameMessageId }))).toEqual({ kind: 'resembles', draftId: ours })
    const newest = (): { messageId: MessageId; isThere: boolean } => ({ messageId: bound, isThere: false })
    expect(kinship(question({ sameMessageId, newest }))).toEqual({ kind: 'edit', draftId: ours, of: 'newest' })
  })

  test('what names our copy as its base is an edit of it, and of a replaced one a concurrent edit', () => {
    expect(kinship(question({ base: knows(bound) }))).toMatchObject({ kind: 'edit', of: 'newest' })
    expect(kinship(question({ base: knows(replaced) }))).toMatchObject({ kind: 'edit', of: 'older' })
  })

  test('with our token alone it is a concurrent edit', () => {
    const token = { text: 'f'.repeat(32), draftId: ours }
    expect(kinship(question({ token }))).toEqual({ kind: 'edit', draftId: ours, of: 'older' })
  })

  test('a draft of another device keeps its id, unless it is taken', () => {
    const other = 'other' as Umid
    const token = { text: 'f'.repeat(32), draftId: null }
    const kin = kinship(question({ everdraftId: other, token }))
    expect(kin).toEqual({ kind: 'other-device', id: other, token: token.text })
    expect(kinship(question({ everdraftId: other, token, idIsTaken: true }))).toEqual({ kind: 'none' })
  })

  test('an id without a token is no evidence: anybody can write one', () => {
    expect(kinship(question({ everdraftId: ours, idIsTaken: true }))).toEqual({ kind: 'none' })
  })
})

function content(over: Partial<DraftContent>): DraftContent {
  return { ...emptyContent, ...over }
}

const letter = content({
  subject: 'About the meeting',
  to: [{ name: '', address: 'bob@example.com' }],
  text: 'We meet on Monday at ten in the office, as always.',
})

describe('likeness', () => {
  test('is 1 for the same, 0 for what has nothing in common, and 0 for two empty drafts', () => {
    expect(likeness(letter, letter)).toBe(1)
    const other = content({
      subject: 'Invoice',
      to: [{ name: '', address: 'carol@example.com' }],
      text: 'Please pay soon.',
    })
    expect(likeness(letter, other)).toBe(0)
    expect(likeness(emptyContent, emptyContent)).toBe(0)
  })

  test('an edit of a text is like it, whichever way it grew', () => {
    const edited = content({ ...letter, text: `${letter.text}\n\nBring the papers with you, and the plan.` })
    expect(likeness(letter, edited)).toBeGreaterThan(0.9)
    expect(likeness(edited, letter)).toBe(likeness(letter, edited))
  })

  test('one vanished draft is named, and none where two are equally like', () => {
    const first = { draftId: 'first' as Umid, content: letter }
    const second = { draftId: 'second' as Umid, content: content({ subject: 'Invoice' }) }
    expect(resembling(letter, [second, first])).toBe('first')
    expect(resembling(letter, [first, { ...first, draftId: 'third' as Umid }])).toBeNull()
    expect(resembling(letter, [second])).toBeNull()
  })
})

function pauseFor(bytesToSend: number): number {
  return uploadDueAt({ bytesToSend, savedAt: 0, staleSince: 0 })
}

describe('when an upload that nobody waits for may start', () => {
  const minute = 60_000

  test('at once where it costs little', () => {
    expect(uploadDueAt({ bytesToSend: 4_000, savedAt: 1_000, staleSince: 0 })).toBe(1_000)
  })

  test('after a pause that grows with the cost, five minutes at most', () => {
    expect(pauseFor(800_000)).toBe(10_000)
    expect(pauseFor(8_000_000)).toBe(100_000)
    expect(pauseFor(1_000_000_000)).toBe(5 * minute)
  })

  test('twenty minutes after the server had it last, even if somebody still writes', () => {
    const written = { bytesToSend: 8_000_000, savedAt: 30 * minute, staleSince: 0 }
    expect(uploadDueAt(written)).toBe(30 * minute)
  })
})
