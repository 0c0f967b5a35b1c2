import { describe, expect, test } from 'vitest'

import { correlate } from '../src/correlation/correlate.ts'
import type { DraftTrace, MailText, SentMail } from '../src/correlation/evidence.ts'
import type { MessageId, Sha256, Umid } from '../src/ids.ts'

const hour = 3_600_000
const begin = Date.UTC(2026, 10, 2, 9)
const token = 'ab'.repeat(16)
const parent = '<question@example.com>' as MessageId
const uploaded = `<0123456789ab.${token}@example.org>` as MessageId

const said = 'Dear Bob,\n\nthe goods leave our warehouse on Thursday and reach you within three working days.\n'

function text(over: Partial<MailText> = {}): MailText {
  return {
    from: { name: 'Ann Example', address: 'ann@example.org' },
    to: [{ name: 'Bob Example', address: 'bob@example.com' }],
    cc: [],
    bcc: [],
    subject: 'Re: When?',
    text: said,
    html: null,
    inReplyTo: parent,
    references: [parent],
    attachments: [],
    ...over,
  }
}

function draft(name: string, over: Partial<DraftTrace> = {}): DraftTrace {
  return {
    draftId: name as Umid,
    createdAt: begin,
    token,
    sentMark: null,
    uploadIds: [uploaded],
    successorIds: [],
    submissionIds: [],
    serverIds: [],
    versions: [text()],
    whereabouts: { kind: 'gone', seenAt: begin + hour - 1_000, goneAt: begin + hour + 5_000 },
    ...over,
  }
}

function mail(key: string, over: Partial<SentMail> = {}): SentMail {
  return {
    key,
    messageId: `<${key}@mail.example.org>` as MessageId,
    originalIds: [],
    everdraftId: null,
    serverIds: [],
    sentAt: begin + hour,
    content: text(),
    ...over,
  }
}

const whatBecame = (drafts: readonly DraftTrace[], sent: readonly SentMail[], lookedAt = begin + 24 * hour) =>
  correlate({ drafts, sent, lookedAt }).map(({ draftId, verdict, pairing }) => ({
    draftId,
    verdict,
    key: pairing?.key ?? null,
    evidence: pairing?.evidence ?? null,
  }))

function changes(content: MailText) {
  return correlate({ drafts: [draft('ours')], sent: [mail('m', { content })], lookedAt: begin })[0]?.pairing?.changed
}

const other = { token: 'cd'.repeat(16), uploadIds: [] }

describe('what names a draft', () => {
  test.each([
    ['submission', { messageId: '<own@example.org>' as MessageId }],
    ['submission', { messageId: `<${'ef'.repeat(16)}.0123456789ab@example.org>` as MessageId }],
    ['server-id', { serverIds: ['M1234'] }],
    ['token', { messageId: uploaded }],
    ['token', { messageId: `<ffffffffffff.${token}@example.org>` as MessageId }],
    ['token', { originalIds: [uploaded] }],
    ['token', { everdraftId: 'ours' as Umid }],
    ['successor', { messageId: '<later@example.org>' as MessageId }],
  ] as const)('%s', (evidence, over) => {
    const ours = draft('ours', {
      submissionIds: ['<own@example.org>' as MessageId],
      sentMark: 'ef'.repeat(16),
      serverIds: ['M1234'],
      successorIds: ['<later@example.org>' as MessageId],
    })
    // Whatever else was changed.
    const content = text({ text: 'Quite another text.', subject: 'Else', inReplyTo: null, references: [] })
    expect(whatBecame([ours, draft('twin', other)], [mail('m', { ...over, content })])[0]).toEqual({
      draftId: 'ours',
      verdict: 'sent-edited',
      key: 'm',
      evidence,
    })
  })
})

describe('the named mistakes of others', () => {
  test('an id that changed on send: the draft is known by what it answers and when it went', () => {
    const content = text({ text: 'No. We sell none any more, and have not for years.' })
    expect(whatBecame([draft('ours')], [mail('m', { content })])).toMatchObject([
      { verdict: 'sent-edited', key: 'm', evidence: 'vanished' },
    ])
  })

  test('a draft that vanished because it was discarded was not sent, neither then nor when others are', () => {
    expect(whatBecame([draft('ours')], [])).toMatchObject([{ verdict: 'discarded', key: null }])
    const elsewhere = text({ to: [{ name: '', address: 'carol@example.com' }] })
    expect(whatBecame([draft('ours')], [mail('m', { content: elsewhere })])).toMatchObject([
      { verdict: 'discarded', key: null },
    ])
  })

  test('nor is it told too soon: its mail may show up in Sent after it is gone', () => {
    expect(whatBecame([draft('ours')], [], begin + hour + 60_000)).toMatchObject([{ verdict: 'unknown' }])
  })

  test('a provider that gives the mail another Message-ID, and keeps ours beside it or not', () => {
    const renamed = mail('m', { originalIds: [uploaded] })
    expect(whatBecame([draft('ours')], [renamed])).toMatchObject([{ verdict: 'sent-unchanged', evidence: 'token' }])
    expect(whatBecame([draft('ours')], [mail('m')])).toMatchObject([{ verdict: 'sent-unchanged', key: 'm' }])
  })
})

describe('what a person did', () => {
  const there = { kind: 'there', seenAt: begin + 20 * hour } as const

  test('an answer by hand, while the draft lies there, is none of it', () => {
    const content = text({ text: 'I would rather call you about that, tomorrow at ten perhaps.' })
    expect(whatBecame([draft('ours', { whereabouts: there })], [mail('m', { content })])).toMatchObject([
      { verdict: 'replied-without-draft', key: null },
    ])
  })

  test('deleted first and answered by hand: nor is that', () => {
    const whereabouts = { kind: 'gone', seenAt: begin, goneAt: begin + 60_000 } as const
    const content = text({ text: 'I would rather call you about that, tomorrow at ten perhaps.' })
    expect(whatBecame([draft('ours', { whereabouts })], [mail('m', { content })])).toMatchObject([
      { verdict: 'replied-without-draft', key: null },
    ])
  })

  test('a draft that is still there, and unanswered, is pending', () => {
    expect(whatBecame([draft('ours', { whereabouts: there })], [])).toMatchObject([{ verdict: 'pending' }])
  })

  test('quote, signature and prefix do not count as edits; subject, words, people and files do', () => {
    const quoted = `${said}\n-- \nAnn\n\nOn 1 Nov 2026, Bob wrote:\n> When?\n`
    expect(changes(text({ text: quoted, subject: 'RE: When?' }))).toEqual([])
    expect(changes(text({ subject: 'Re: Now' }))).toEqual(['subject'])
    expect(changes(text({ text: `${said}Really.` }))).toEqual(['text'])
    expect(changes(text({ cc: [{ name: '', address: 'carol@example.com' }] }))).toEqual(['recipients'])
    expect(changes(text({ attachments: [{ sha256: 'f'.repeat(64) as Sha256 }] }))).toEqual(['attachments'])
  })

  test('the distance is in characters, and the likeness a share of them', () => {
    const versions = [text({ text: 'Yes, on Monday.' })] as const
    const content = text({ text: 'Yes, on Sunday.' })
    const [only] = correlate({ drafts: [draft('ours', { versions })], sent: [mail('m', { content })], lookedAt: begin })
    expect(only?.pairing).toMatchObject({ editDistance: 2, similarity: 1 - 2 / 15 })
  })
})

describe('one draft, one mail', () => {
  const second = '<second@example.com>' as MessageId
  const twin = draft('twin', {
    ...other,
    versions: [text({ inReplyTo: second, references: [parent, second] })],
  })

  test('of two that say the same it is the one that answers the same mail', () => {
    const content = text({ inReplyTo: second, references: [parent, second] })
    expect(whatBecame([draft('ours', { uploadIds: [] }), twin], [mail('m', { content })])).toMatchObject([
      { draftId: 'ours', key: null },
      { draftId: 'twin', key: 'm' },
    ])
  })

  test('where nothing tells two apart, neither is said to have gone', () => {
    const same = draft('same', other)
    expect(whatBecame([draft('ours', { uploadIds: [] }), same], [mail('m')])).toMatchObject([
      { verdict: 'unknown', key: null },
      { verdict: 'unknown', key: null },
    ])
  })

  test('later evidence takes the place of weaker: the copy in Sent that names the draft comes after one like it', () => {
    const early = mail('early', { content: text({ text: `${said}And a word more.` }) })
    const drafts = [draft('ours'), draft('twin', other)]
    const before = whatBecame([drafts[0] as DraftTrace], [early])
    expect(before).toMatchObject([{ key: 'early', evidence: 'vanished' }])
    const named = mail('named', { messageId: uploaded, sentAt: begin + hour + 60_000 })
    expect(whatBecame(drafts, [early, named])).toMatchObject([
      { draftId: 'ours', key: 'named', evidence: 'token' },
      { draftId: 'twin', key: 'early', evidence: 'vanished' },
    ])
  })

  test('what names one draft is no other’s, though it names that one twice', () => {
    const copy = mail('copy', {
      messageId: uploaded,
      content: text({ to: [{ name: '', address: 'carol@example.com' }] }),
    })
    const named = mail('named', { originalIds: [uploaded] })
    expect(whatBecame([draft('ours'), draft('twin', other)], [copy, named])).toMatchObject([
      { draftId: 'ours', key: 'named' },
      { draftId: 'twin', key: null },
    ])
  })

  test('a mail that went before the draft was written is not made of it', () => {
    const earlier = mail('m', { sentAt: begin - hour })
    expect(whatBecame([draft('ours', { uploadIds: [] })], [earlier])).toMatchObject([{ key: null }])
  })
})
