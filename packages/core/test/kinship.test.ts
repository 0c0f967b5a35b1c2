import { describe, expect, test } from 'vitest'

import { type DraftContent, emptyContent } from '../src/draft/draft.ts'
import { readingOf } from '../src/correlation/reading.ts'
import type { AttachmentId, MessageId, Sha256, Umid } from '../src/ids.ts'
import {
  kinship,
  type KinshipQuestion,
  type KnownMessage,
  resembling,
  type VanishedDraft,
} from '../src/sync/kinship.ts'
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
    idIsTaken: null,
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
    expect(kinship(question({ everdraftId: other, token, idIsTaken: 'otherwise' }))).toEqual({ kind: 'none' })
    const same = kinship(question({ everdraftId: other, token, idIsTaken: 'here' }))
    expect(same).toEqual({ kind: 'same-draft', draftId: other, token: token.text })
  })

  test('an id without a token is no evidence: anybody can write one', () => {
    expect(kinship(question({ everdraftId: ours, idIsTaken: 'here' }))).toEqual({ kind: 'none' })
  })
})

function content(over: Partial<DraftContent>): DraftContent {
  return { ...emptyContent, ...over }
}

function to(...addresses: readonly string[]): Pick<DraftContent, 'to'> {
  return { to: addresses.map((address) => ({ name: '', address })) }
}

function file(sha256: string): DraftContent['attachments'][number] {
  const id = sha256 as AttachmentId
  const named = {
    filename: 'scan.pdf',
    contentType: 'application/pdf',
    disposition: 'attachment',
    contentId: null,
  } as const
  return { id, size: 3, sha256: sha256 as Sha256, ...named }
}

const parent = '<question@example.com>' as MessageId
const otherParent = '<another@example.com>' as MessageId

const letter = content({
  subject: 'About the meeting',
  ...to('bob@example.com'),
  text: 'We meet on Monday at ten in the office, as always.',
})
const signature = '\n\n-- \nAnn Example, Example and Sons, Street of Examples 12, telephone 0123 456789'
const quote =
  '\n\nOn 20 Nov 2026 at 10:00, Bob Example wrote:\n> We would like to know when we can meet you in the office.\n'

type When = 'just now' | 'days ago'

function link(vanished: DraftContent, newcomer: DraftContent, when: When = 'just now'): Umid | null {
  return resembling(newcomer, [vanishedDraft('first', vanished, when)])
}

function vanishedDraft(id: string, said: DraftContent, when: When): VanishedDraft {
  return { draftId: id as Umid, reading: readingOf(said), isRecent: when === 'just now' }
}

/** What other programs make of a draft when they save it under a Message-ID of their own. */
const edits: readonly (readonly [string, DraftContent, DraftContent, When?])[] = [
  ['the same once more', letter, letter],
  ['the same, days later', letter, letter, 'days ago'],
  ['more text', letter, { ...letter, text: `${letter.text}\n\nBring the papers with you, and the plan.` }],
  ['less text', { ...letter, text: `${letter.text}\n\nBring the papers with you, and the plan.` }, letter],
  ['one word of few is another', letter, { ...letter, text: letter.text.replace('ten', 'eleven') }],
  ['a text below a subject that had none', { ...letter, text: '' }, letter],
  ['a phrase instead of another', { ...letter, text: 'first words' }, { ...letter, text: 'other words' }],
  ['another subject', letter, { ...letter, subject: 'On Monday' }],
  ['somebody else besides', letter, { ...letter, ...to('bob@example.com', 'carol@example.com') }],
  ['to somebody, who was missing', { ...letter, to: [] }, letter],
  [
    'an answer, written anew',
    { ...letter, inReplyTo: parent },
    { ...letter, inReplyTo: parent, text: 'No, never again would I do so.' },
  ],
  ['an answer by a program that forgets what it answers', { ...letter, inReplyTo: parent }, letter],
  [
    'a file that is still there',
    { ...letter, attachments: [file('aa')] },
    { ...letter, text: '', attachments: [file('aa')] },
  ],
  [
    'of a text without blanks',
    content({ subject: '會議', text: '我們星期一早上十點在辦公室見面' }),
    content({ subject: '會議', text: '我們星期一早上十一點在辦公室見面' }),
  ],
]

/** What has something in common with a draft that is gone, and nothing to do with it. */
const strangers: readonly (readonly [string, DraftContent, DraftContent, When?])[] = [
  [
    'nothing in common',
    letter,
    content({ subject: 'Invoice', ...to('carol@example.com'), text: 'Please pay soon, and in full.' }),
  ],
  ['both empty', emptyContent, emptyContent],
  ['a subject alone', content({ subject: 'Hello' }), content({ subject: 'Hello' })],
  ['a phrase alone', content({ subject: 'One', text: 'not ours' }), content({ subject: 'Two', text: 'not ours' })],
  [
    'a phrase to the same person, days later',
    { ...letter, text: 'Thank you!' },
    { ...letter, text: 'Thank you!' },
    'days ago',
  ],
  ['the same person, and a greeting', letter, { ...letter, subject: 'Invoice', text: 'We meet again' }],
  ['the same words to other people', letter, { ...letter, ...to('dora@example.com') }],
  [
    'a signature alone',
    { ...letter, text: `Come soon.${signature}` },
    { ...letter, subject: 'Invoice', text: `Pay soon.${signature}` },
  ],
  [
    'a quote alone',
    { ...letter, subject: 'Re: When', text: `Yes.${quote}` },
    { ...letter, subject: 'Your files', text: `They are there.${quote}` },
  ],
  ['an answer to another mail', { ...letter, inReplyTo: parent }, { ...letter, inReplyTo: otherParent }],
  ['an answer, where it was none', letter, { ...letter, inReplyTo: parent }],
  [
    'a new mail to whom an answer was begun',
    {
      ...letter,
      subject: 'Re: When',
      inReplyTo: parent,
      text: 'I would rather come on Tuesday, if that is possible for you.',
    },
    { ...letter, subject: 'When', text: 'When do you think that the new house will be ready for us?' },
  ],
  [
    'the same subject, and another text, days later',
    letter,
    { ...letter, text: 'This time we shall see each other by the river.' },
    'days ago',
  ],
  [
    'a sentence out of a longer text, days later',
    { ...letter, text: `${letter.text} ${'And much more is to be said of it. '.repeat(3)}` },
    { ...letter, subject: 'Tuesday' },
    'days ago',
  ],
  ['an empty one for the same person, days later', { ...letter, text: '' }, { ...letter, text: '' }, 'days ago'],
  [
    'a file that goes with everything',
    { ...letter, attachments: [file('logo')] },
    content({ subject: 'Invoice', text: 'Please pay soon, and in full.', attachments: [file('logo')] }),
  ],
]

describe('what a newcomer without our marks comes from, by likeness', () => {
  for (const [what, vanished, newcomer, when] of edits) {
    test(`an edit is linked: ${what}`, () => {
      expect(link(vanished, newcomer, when)).toBe('first')
    })
  }

  for (const [what, vanished, newcomer, when] of strangers) {
    test(`a stranger is not: ${what}`, () => {
      expect(link(vanished, newcomer, when)).toBeNull()
    })
  }

  test('one vanished draft is named, and none where two are equally like', () => {
    const first = vanishedDraft('first', letter, 'just now')
    const second = vanishedDraft('second', content({ subject: 'Invoice' }), 'just now')
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
