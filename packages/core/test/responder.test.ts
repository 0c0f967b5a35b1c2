import { describe, expect, test } from 'vitest'

import type { AttachmentId, MessageId, Sha256, Umid } from '../src/ids.ts'
import { askedFields, type NewMail, type Unanswerable, whyNot } from '../src/responder/answerable.ts'
import { conversationIds, newConversationId } from '../src/responder/conversation.ts'
import { hourMs, mayAsk } from '../src/responder/limits.ts'
import { checkFilters, type MailFilters } from '../src/responder/mail-filters.ts'
import { headerValues, readMailHeader } from '../src/responder/mail-header.ts'
import { readAnswer } from '../src/responder/read-answer.ts'
import type { ResponderAnswer } from '../src/responder/responder.ts'
import { sentAnswer, whomToAnswer } from '../src/responder/answered-mail.ts'
import { answersValue, givesWayTo, readAnswersValue } from '../src/responder/rivals.ts'
import { type KeptMail, replyContent, type ReplyContent } from '../src/responder/reply-content.ts'

const bob = { address: 'bob@example.com', name: 'Bob Example' }
const ann = { address: 'ann@example.org', name: 'Ann Example' }

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text.replaceAll('\n', '\r\n'))

function newMail(header = '', changes: Partial<NewMail> = {}): NewMail {
  return { from: bob, to: [ann], cc: [], subject: 'Prices', header: readMailHeader(bytes(header)), ...changes }
}

const answeredBy = (header: string): MessageId | null => sentAnswer(readMailHeader(bytes(header)))?.mail ?? null

const reason = (mail: NewMail, filters: MailFilters = {}): Unanswerable | null => whyNot(mail, filters, [ann.address])

describe('a mail may be answered by a program', () => {
  test('where a person wrote it', () => {
    expect(reason(newMail())).toBeNull()
    expect(reason(newMail('Auto-Submitted: no\nPrecedence: first-class\nReturn-Path: <bob@example.com>'))).toBeNull()
    expect(reason(newMail('', { from: { address: 'reply.noreen@example.com', name: '' } }))).toBeNull()
  })

  test.for<[header: string, why: Unanswerable]>([
    ['Auto-Submitted: auto-replied', 'AUTO_SUBMITTED'],
    ['Auto-Submitted: auto-generated; owner-email="x@example.com"', 'AUTO_SUBMITTED'],
    ['AUTO-SUBMITTED:\n something-new', 'AUTO_SUBMITTED'],
    ['Auto-Submitted: nonsense', 'AUTO_SUBMITTED'],
    ['X-Autoreply: yes', 'AUTO_SUBMITTED'],
    ['X-Auto-Response-Suppress: DR, OOF, AutoReply', 'AUTO_SUBMITTED'],
    ['Precedence: bulk', 'BULK'],
    ['Precedence: junk', 'BULK'],
    ['List-Unsubscribe: <https://example.com/u>', 'BULK'],
    ['List-Id: Talk <talk.example.com>', 'LIST'],
    ['Return-Path: <>', 'BOUNCE'],
    ['Content-Type: multipart/report; report-type=delivery-status; boundary=x', 'BOUNCE'],
    ['Content-Type: multipart/report;\n\treport-type=disposition-notification', 'BOUNCE'],
  ])('but not with “%s” (RFC 3834)', ([header, why]) => {
    expect(reason(newMail(header))).toBe(why)
  })

  test.for<[address: string, why: Unanswerable]>([
    ['', 'NO_SENDER'],
    ['undisclosed', 'NO_SENDER'],
    ['ANN@example.ORG', 'OWN_MAIL'],
    ['mailer-daemon@example.com', 'BOUNCE'],
    ['Postmaster@example.com', 'BOUNCE'],
    ['bounces+ann=example.org@example.com', 'BOUNCE'],
    ['no-reply@example.com', 'NO_REPLY'],
    ['noreply-4711@example.com', 'NO_REPLY'],
    ['donotreply@example.com', 'NO_REPLY'],
    ['shop.do-not-reply@example.com', 'NO_REPLY'],
  ])('but not from “%s”', ([address, why]) => {
    expect(reason(newMail('', { from: { address, name: '' } }))).toBe(why)
  })

  test('of a list only where the filter names it', () => {
    const mail = newMail('List-Id: "Talk (all)" <talk.example.com>\nPrecedence: list\nList-Unsubscribe: <x>')
    expect(reason(mail, { listId: ['talk.*'] })).toBeNull()
    expect(reason(mail, { listId: ['other.*'] })).toBe('FILTERED')
    expect(reason(newMail(), { listId: ['talk.*'] })).toBe('FILTERED')
  })

  test('and all that is looked at is asked for', () => {
    const asked = new Set(askedFields.map((name) => name.toLowerCase()))
    for (const name of ['auto-submitted', 'precedence', 'list-id', 'return-path', 'content-type']) {
      expect(asked).toContain(name)
    }
  })
})

describe('filters', () => {
  test.for<[filters: MailFilters, isAnswered: boolean]>([
    [{ from: ['*@example.com'] }, true],
    [{ from: ['BOB@EXAMPLE.COM'] }, true],
    [{ from: ['*@example.net'] }, false],
    [{ from: ['*@example.com', '!bob@*'] }, false],
    [{ from: ['!carla@*'] }, true],
    [{ to: ['ann@*'] }, true],
    [{ to: ['sales@*'] }, false],
    [{ subject: ['*price*'] }, true],
    [{ subject: ['price'] }, false],
    [{ subject: ['p*i*s'] }, true],
    [{ subject: ['prices*prices'] }, false],
    [{ headers: { 'x-team': ['sales*'] } }, true],
    [{ headers: { 'X-Team': ['*support*'] } }, false],
    [{ headers: { 'X-Other': ['*'] } }, false],
    [{ from: ['*@example.com'], subject: ['nothing'] }, false],
  ])('%j', ([filters, isAnswered]) => {
    expect(reason(newMail('X-Team: Sales and more'), filters)).toBe(isAnswered ? null : 'FILTERED')
  })

  test('take no time on a pattern that was made to take long', () => {
    const mail = newMail('', { subject: 'a'.repeat(100_000) })
    expect(reason(mail, { subject: [`${'*a'.repeat(200)}*b`] })).toBe('FILTERED')
  })

  test.for<[filters: MailFilters, path: string]>([
    [{ from: [] }, 'filters.from'],
    [{ to: [' '] }, 'filters.to[0]'],
    [{ headers: { 'a:b': ['x'] } }, 'filters.headers'],
    [{ headers: { 'X"': ['x'] } }, 'filters.headers'],
    [{ listId: ['x'.repeat(501)] }, 'filters.list_id[0]'],
  ])('refuse what fits nothing, naming it: %#', ([filters, path]) => {
    expect(() => checkFilters(filters)).toThrow(path)
  })
})

describe('a header', () => {
  test('is unfolded, has names without case, and may be broken', () => {
    const header = readMailHeader(
      bytes('Received: a\nreceived: b\nX-Long: one\n two\n\tthree\nno field\n: x\n\nX-Body: x\n'),
    )
    expect(headerValues(header, 'RECEIVED')).toEqual(['a', 'b'])
    expect(headerValues(header, 'x-long')).toEqual(['one two three'])
    expect(header.size).toBe(2)
  })
})

describe('an answer', () => {
  test('is what it says, and nothing of what else is there', () => {
    const given = { text: 'Yes', html: '<p>Yes</p>', subject: 'S', scenario: 'x', metadata: { a: [1] }, more: true }
    const { more: _, ...answer } = given
    expect(readAnswer(given)).toEqual({ kind: 'answer', answer })
    expect(readAnswer({ text: 'Yes', html: null, subject: '', scenario: null })).toEqual({
      kind: 'answer',
      answer: { text: 'Yes' },
    })
  })

  test('may be none', () => {
    expect([readAnswer(null), readAnswer(undefined)]).toEqual([{ kind: 'none' }, { kind: 'none' }])
  })

  test.for<[what: string, given: unknown, named: string]>([
    ['a text alone', 'Yes', 'the answer'],
    ['a list', [], 'the answer'],
    ['an empty object', {}, 'text'],
    ['a number as text', { text: 7 }, 'text'],
    ['blanks', { text: ' \n' }, 'text'],
    ['NUL', { text: 'a\0b' }, 'text'],
    ['half of a surrogate pair', { text: 'a\ud800' }, 'text'],
    ['a text of more than a megabyte', { text: 'x'.repeat(2 ** 20 + 1) }, 'text'],
    ['a number as HTML', { text: 'a', html: 7 }, 'html'],
    ['a header field in the subject', { text: 'a', subject: 'b\r\nBcc: c@example.com' }, 'subject'],
    ['a scenario without a name', { text: 'a', scenario: {} }, 'scenario'],
    ['a list as metadata', { text: 'a', metadata: [] }, 'metadata'],
    ['metadata that can run', { text: 'a', metadata: { b: () => {} } }, 'metadata'],
    ['metadata that is no JSON', { text: 'a', metadata: { b: 1n } }, 'metadata'],
    ['metadata of more than 64 KiB', { text: 'a', metadata: { b: 'x'.repeat(2 ** 16) } }, 'metadata'],
  ])('is nonsense: %s', ([, given, named]) => {
    expect(readAnswer(given)).toMatchObject({ kind: 'nonsense', message: expect.stringContaining(named) as string })
  })
})

const kept: KeptMail = {
  messageId: '<2@example.com>' as MessageId,
  date: Date.UTC(2026, 0, 1, 12),
  from: bob,
  sender: null,
  replyTo: [],
  to: [ann],
  cc: [],
  mailFollowupTo: [],
  listPost: null,
  subject: 'Re: Prices',
  inReplyTo: '<1@example.com>' as MessageId,
  references: ['<1@example.com>' as MessageId],
  text: 'How much?\n',
  html: '<p>How much? <img src="cid:logo@example.com"><img src="https://example.com/a.png"></p>',
}

function replied(mail: KeptMail, answer: ResponderAnswer): ReplyContent {
  return replyContent(mail, answer, { own: ann, newId: () => 'attachment' as AttachmentId })
}

describe('the draft of an answer', () => {
  test('has its words above the quote, and goes to who asked', () => {
    const content = replied(kept, { text: 'Three.\n\n' }).content
    expect(content).toMatchObject({
      from: ann,
      to: [bob],
      subject: 'Re: Prices',
      text: 'Three.\n\nOn 2026-01-01 12:00 UTC, Bob Example wrote:\n> How much?\n',
      html: null,
      inReplyTo: '<2@example.com>',
      references: ['<1@example.com>', '<2@example.com>'],
    })
  })

  test('has HTML where the answer has it, and words where pictures were that came with the mail', () => {
    const content = replied(kept, { text: 'Three.', html: '<p>Three.</p>', subject: 'Prices today' }).content
    expect(content.subject).toBe('Prices today')
    expect(content.html).toMatch(/^<p>Three\.<\/p>\n[^]*<blockquote type="cite"/)
    expect(content.html).not.toContain('cid:')
    expect(content.html).toContain('How much? [picture]<img')
  })

  test.each([
    ['<img src="cid:a@example.com" alt="Our logo &lt;new&gt;">', '[Our logo &lt;new&gt;]'],
    ["<IMG ALT='Team photo' SRC='cid:a@example.com'/>", '[Team photo]'],
    ['<img alt=Map src=cid:a@example.com>', '[Map]'],
    ['<img alt="  " src="cid:a@example.com">', '[picture]'],
    [`<img alt="${'x'.repeat(1_000)}" src="cid:a@example.com">`, `[${'x'.repeat(200)}]`],
  ])('says in place of %s what it was', (tag, words) => {
    const html = `<p>Look: ${tag}</p>`
    const content = replied({ ...kept, html }, { text: 'Three.', html: '<p>Three.</p>' }).content
    expect(content.html).toContain(`Look: ${words}`)
    expect(content.html).not.toContain('cid:')
  })

  test('has the pictures that were kept of the mail where the quote shows them, and no others', () => {
    const picture = { filename: '', contentType: 'image/png', size: 3, sha256: 'a'.repeat(64) as Sha256, data: 'AAEC' }
    const pictures = ['logo@example.com', 'never shown'].map((contentId) => ({ ...picture, contentId }))
    const html = '<p><img src="cid:logo%40example.com" alt="Logo"><img src="cid:gone@example.com" alt="A scan"></p>'
    const { content, pictures: shown } = replied({ ...kept, html, pictures }, { text: 'x', html: '<p>x</p>' })
    expect(content.html).toMatch(/<img[^>]*"cid:logo[^>]*>\[A scan\]/)
    expect(shown).toEqual([pictures[0]])
    expect(content.attachments).toEqual([
      expect.objectContaining({ contentId: 'logo@example.com', disposition: 'inline', filename: 'picture', size: 3 }),
    ])
    expect(replied({ ...kept, html, pictures }, { text: 'Words alone.' }).content.attachments).toEqual([])
  })

  test('goes to the Reply-To', () => {
    const replyTo = [{ address: 'sales@example.com', name: '' }]
    expect(replied({ ...kept, replyTo }, { text: 'x' }).content.to).toEqual(replyTo)
  })
})

describe('a conversation', () => {
  test('is named by its first message, or by the server', () => {
    const ids = conversationIds(kept)
    expect(ids).toEqual(['<1@example.com>', '<2@example.com>'])
    expect(newConversationId(ids, null, 'x')).toBe('<1@example.com>')
    expect(newConversationId(ids, 'T1', 'x')).toBe('thread:T1')
    expect(newConversationId([], null, 'x')).toBe('x')
  })

  test('of a thousand mails is known by its first and its nearest', () => {
    const references = Array.from({ length: 1_000 }, (_, n) => `<r${n}@example.com>` as MessageId)
    const ids = conversationIds({ ...kept, references, inReplyTo: null })
    expect(ids).toHaveLength(100)
    expect([ids[0], ids.at(-2), ids.at(-1)]).toEqual(['<r0@example.com>', '<r999@example.com>', '<2@example.com>'])
  })
})

describe('a responder is asked', () => {
  const settings = { cooldownMs: 60_000, hourlyLimit: 2 }
  const facts = { lastSentAt: null, draftedAt: [], draftOnly: true, now: 10 * hourMs }

  test('but not about a conversation that was answered a moment ago', () => {
    expect(mayAsk(settings, facts)).toEqual({ kind: 'ask' })
    expect(mayAsk(settings, { ...facts, lastSentAt: facts.now - 59_999 })).toEqual({ kind: 'skip' })
    expect(mayAsk(settings, { ...facts, lastSentAt: facts.now - 60_000 })).toEqual({ kind: 'ask' })
  })

  test('and where its drafts are sent at once, five minutes pass at least', () => {
    const sending = { ...facts, draftOnly: false, lastSentAt: facts.now - 299_999 }
    expect(mayAsk({ ...settings, cooldownMs: 0 }, sending)).toEqual({ kind: 'skip' })
  })

  test('so often within an hour: the next one waits for its turn', () => {
    const { now } = facts
    expect(mayAsk(settings, { ...facts, draftedAt: [now - hourMs, now - 5] })).toEqual({ kind: 'ask' })
    expect(mayAsk(settings, { ...facts, draftedAt: [now - 500, now - 5] })).toEqual({
      kind: 'wait',
      untilMs: now - 500 + hourMs,
    })
    expect(mayAsk(settings, { ...facts, draftedAt: [now - 900, now - 500, now - 5] })).toEqual({
      kind: 'wait',
      untilMs: now - 500 + hourMs,
    })
  })
})

describe('what answers a mail elsewhere', () => {
  test('is told by In-Reply-To, else by the end of References', () => {
    expect(answeredBy('In-Reply-To: <a@example.com>\nReferences: <b@example.com>')).toBe('<a@example.com>')
    expect(answeredBy('In-Reply-To: Your mail of today\nReferences: <b@example.com>\n <c@example.com>')).toBe(
      '<c@example.com>',
    )
    expect(answeredBy('Subject: <a@example.com>')).toBeNull()
  })

  test('goes to who wrote the mail, or where they want answers', () => {
    const header =
      'In-Reply-To: <a@example.com>\nTo: "Bob, at work" <Bob@Example.com>, carla@example.com\nCc: dan@example.com'
    const { recipients } = sentAnswer(readMailHeader(bytes(header)))!
    expect(recipients).toEqual(['bob@example.com', 'carla@example.com', 'dan@example.com'])
    const replyTo = [{ address: 'Sales@example.com', name: '' }]
    expect(whomToAnswer({ ...kept, replyTo })).toEqual(['bob@example.com', 'sales@example.com'])
    expect(whomToAnswer({ ...kept, listPost: 'talk@example.com' })).toContain('talk@example.com')
  })

  test('is named in a field that is read as it was written, and as nothing else', () => {
    const identity = 'a'.repeat(64)
    for (const isEdited of [true, false]) {
      expect(readAnswersValue(answersValue({ identity, isEdited }))).toEqual({ identity, isEdited })
    }
    for (const value of ['', 'a', `${identity}x`, `${identity}; sent`, `${identity} `.repeat(2)]) {
      expect(readAnswersValue(value)).toBeNull()
    }
  })

  test('of the drafts of several devices at least one stays, one alone where nobody has written in them, and all in which somebody has', () => {
    const ids = ['draft 1', 'draft 2', 'draft 3'] as Umid[]
    for (let written = 0; written < 8; written += 1) {
      const drafts = ids.map((draftId, at) => ({ draftId, isEdited: ((written >> at) & 1) === 1 }))
      const staying = drafts.filter(
        (own) =>
          givesWayTo(
            own,
            drafts.filter((one) => one !== own),
          ) === null,
      )
      const edited = drafts.filter(({ isEdited }) => isEdited)
      expect(staying).toEqual(edited.length === 0 ? drafts.slice(0, 1) : edited)
    }
  })
})
