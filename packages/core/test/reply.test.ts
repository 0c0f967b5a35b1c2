import { describe, expect, test } from 'vitest'

import type { Address } from '../src/draft/address.ts'
import {
  defaultPhrases,
  type OriginalMessage,
  replyDraft,
  type ReplyFields,
  type ReplyMode,
} from '../src/draft/reply.ts'
import type { MessageId, Sha256 } from '../src/ids.ts'

const me: Address = { address: 'me@example.org', name: 'Me' }
const work: Address = { address: 'me@work.example', name: 'Me at work' }
const ann: Address = { address: 'ann@example.org', name: 'Ann' }
const bob: Address = { address: 'bob@example.org', name: '' }
const cy: Address = { address: 'cy@example.org', name: 'Çy' }
const list: Address = { address: 'list@example.org', name: '' }

const original: OriginalMessage = {
  messageId: '<2@example.org>' as MessageId,
  date: Date.UTC(2024, 1, 29, 7, 8, 9),
  from: ann,
  sender: null,
  replyTo: [],
  to: [me, bob],
  cc: [cy],
  mailFollowupTo: [],
  listPost: null,
  subject: 'AW: Lunch',
  inReplyTo: null,
  references: ['<1@example.org>' as MessageId],
  text: 'Soup?\n-- \nAnn',
  html: null,
  attachments: [],
  protection: null,
}

function picture(
  contentId: string | null,
  disposition: 'inline' | 'attachment',
  section: string,
): OriginalMessage['attachments'][number] {
  return {
    filename: `${section}.png`,
    contentType: 'image/png',
    size: 3,
    sha256: section as Sha256,
    disposition,
    contentId,
    section,
    encoding: 'base64',
  }
}

function reply(
  mode: ReplyMode,
  changes: Partial<OriginalMessage> = {},
  withHtml = false,
): ReturnType<typeof replyDraft> {
  return replyDraft({ original: { ...original, ...changes }, mode, own: [work, me], withHtml })
}

function recipients(mode: ReplyMode, changes: Partial<OriginalMessage> = {}): Pick<ReplyFields, 'to' | 'cc'> {
  const { to, cc } = reply(mode, changes).fields
  return { to, cc }
}

describe('a reply', () => {
  test('goes to the author, from the address that was written to, in the thread, with the quote below', () => {
    expect(reply('reply')).toEqual({
      fields: {
        from: me,
        to: [ann],
        cc: [],
        subject: 'Re: Lunch',
        inReplyTo: '<2@example.org>',
        references: ['<1@example.org>', '<2@example.org>'],
        text: '\n\nOn 2024-02-29 07:08 UTC, Ann wrote:\n> Soup?\n',
        html: null,
      },
      attachments: [],
    })
  })

  test.each<[string, ReplyMode, Partial<OriginalMessage>, readonly Address[], readonly Address[]]>([
    ['Reply-To', 'reply', { replyTo: [bob, cy] }, [bob, cy], []],
    ['Reply-To, to all', 'reply_all', { replyTo: [list] }, [list, bob], [cy]],
    ['to all', 'reply_all', {}, [ann, bob], [cy]],
    ['an empty Reply-To', 'reply', { replyTo: [{ address: '', name: 'x' }] }, [ann], []],
    ['no author but a sender', 'reply', { from: null, sender: bob }, [bob], []],
    ['nobody', 'reply', { from: null }, [], []],
    ['Mail-Followup-To, to all', 'reply_all', { mailFollowupTo: [list, me] }, [list], []],
    ['Mail-Followup-To that names only us', 'reply_all', { mailFollowupTo: [me] }, [ann, bob], [cy]],
    ['Mail-Followup-To, to the author', 'reply', { mailFollowupTo: [list] }, [ann], []],
    ['a list that is not named', 'reply_all', { listPost: list.address }, [ann, bob], [cy, list]],
    ['a list that is named', 'reply_all', { to: [list], listPost: 'LIST@example.org' }, [ann, list], [cy]],
    ['our own mail', 'reply', { from: me, to: [ann, bob] }, [ann, bob], []],
    ['our own mail, to all', 'reply_all', { from: work, to: [ann], cc: [me, cy] }, [ann], [cy]],
    ['a note to ourselves', 'reply', { from: me, to: [me], cc: [] }, [me], []],
    ['a note to ourselves, to all', 'reply_all', { from: me, to: [me], cc: [] }, [me], []],
    ['only others in copy', 'reply_all', { from: me, to: [me], cc: [cy] }, [cy], []],
    ['our address in other letters', 'reply_all', { to: [{ address: 'ME@Example.ORG', name: '' }] }, [ann], [cy]],
    [
      'one person twice, once with a name',
      'reply_all',
      { from: { address: 'Bob@example.org', name: '' }, to: [bob], cc: [{ ...bob, name: 'Bob' }, cy] },
      [{ address: 'Bob@example.org', name: 'Bob' }],
      [cy],
    ],
    ['hidden recipients', 'reply_all', { to: [{ address: 'undisclosed-recipients', name: '' }] }, [ann], [cy]],
  ])('with %s goes to whom it should (%s)', (_, mode, changes, to, cc) => {
    expect(recipients(mode, changes)).toEqual({ to, cc })
  })

  test('comes from the preferred address where the original names none of ours', () => {
    expect(reply('reply', { to: [bob] }).fields.from).toEqual(work)
    expect(reply('reply', { from: work, to: [me] }).fields.from).toEqual(work)
    expect(replyDraft({ original, mode: 'reply', own: [], withHtml: false }).fields.from).toBeNull()
  })

  test('has the quote in HTML, too, where the draft has HTML, and the pictures that it shows', () => {
    const html = '<p>Soup? <img src="cid:a%40x"><img src="cid:b&amp;c@x"></p><script>x</script>'
    const attachments = [
      picture('a@x', 'inline', '2'),
      picture('b&c@x', 'inline', '3'),
      picture('d@x', 'inline', '4'),
      picture(null, 'attachment', '5'),
    ]
    const made = reply('reply', { html, attachments }, true)
    expect(made.fields.html).toBe(
      '<p><br></p>\n<p>On 2024-02-29 07:08 UTC, Ann wrote:</p>\n<blockquote type="cite" cite="mid:2@example.org"><p>Soup? <img src="cid:a%40x"><img src="cid:b&amp;c@x"></p></blockquote>\n',
    )
    expect(made.attachments.map(({ section }) => section)).toEqual(['2', '3'])
    expect(reply('reply', { html, attachments }).attachments).toEqual([])
    expect(reply('reply', {}, true).fields.html).toContain('>Soup?<')
  })

  test.each(['CID:a@x', 'cid:a%40x', 'Cid:%61@x', 'cid:a&#64;x', '\tcid:a@x'])(
    'has the picture that %j names (RFC 2392)',
    (src) => {
      const made = reply('reply', { html: `<img src="${src}">`, attachments: [picture('a@x', 'inline', '2')] }, true)
      expect(made.attachments).toMatchObject([{ section: '2', contentId: 'a@x', disposition: 'inline' }])
      expect(made.fields.html).toMatch(/<img src="cid:[^"]+">/)
    },
  )

  test('says who wrote, and when, in the words that are given', () => {
    const phrases = { ...defaultPhrases, attribution: '{name} schrieb am {date}:', formatDate: () => '29.2.' }
    const { fields } = replyDraft({
      original: { ...original, from: { address: 'x@y', name: '$& {date}' } },
      mode: 'reply',
      own: [me],
      withHtml: false,
      phrases,
    })
    expect(fields.text).toContain('$& {date} schrieb am 29.2.:\n')
    expect(reply('reply', { date: null }).fields.text).toContain('\n\nAnn wrote:\n')
  })

  test('to what is signed or encrypted is threaded, and quotes nothing', () => {
    const made = reply('reply', { protection: 'encrypted', text: '' })
    expect(made.fields).toMatchObject({ subject: 'Re: Lunch', text: '\n\nOn 2024-02-29 07:08 UTC, Ann wrote:\n' })
  })
})

describe('a forward', () => {
  const attachments = [picture('a@x', 'inline', '1.2'), picture(null, 'attachment', '2')]

  test('has nobody to go to yet, the original below a block of its header, and all files by section', () => {
    const made = reply('forward', { attachments })
    expect(made.fields).toEqual({
      from: me,
      to: [],
      cc: [],
      subject: 'Fwd: AW: Lunch',
      inReplyTo: null,
      references: ['<1@example.org>', '<2@example.org>'],
      text: '\n\n---------- Forwarded message ----------\nFrom: Ann <ann@example.org>\nDate: 2024-02-29 07:08 UTC\nSubject: AW: Lunch\nTo: Me <me@example.org>, bob@example.org\nCc: Çy <cy@example.org>\n\nSoup?\n-- \nAnn',
      html: null,
    })
    expect(made.attachments).toMatchObject([
      { section: '1.2', encoding: 'base64', disposition: 'attachment', sha256: '1.2' },
      { section: '2', disposition: 'attachment' },
    ])
  })

  test('in HTML shows the pictures where they were, and nothing that runs', () => {
    const made = reply('forward', { attachments, html: '<head><style>x</style></head><p onload=x>Soup' }, true)
    expect(made.fields.html).toBe(
      '<p><br></p>\n<p>---------- Forwarded message ----------<br>\nFrom: Ann &lt;ann@example.org&gt;<br>\nDate: 2024-02-29 07:08 UTC<br>\nSubject: AW: Lunch<br>\nTo: Me &lt;me@example.org&gt;, bob@example.org<br>\nCc: Çy &lt;cy@example.org&gt;</p>\n<div><p>Soup</p></div>\n',
    )
    expect(made.attachments[0]).toMatchObject({ disposition: 'inline', contentId: 'a@x' })
  })

  test('of a long subject names its file without cutting a character', () => {
    const [file] = reply('forward', { protection: 'signed', subject: `${'a'.repeat(79)}🎉 party` }).attachments
    expect(file!.filename).toBe(`${'a'.repeat(79)}🎉.eml`)
    const marked = reply('forward', { protection: 'signed', subject: 'é'.normalize('NFD').repeat(90) }).attachments
    expect(marked[0]!.filename.normalize('NFC')).toBe(`${'é'.repeat(80)}.eml`)
  })

  test('of what is signed or encrypted has the whole message as a file', () => {
    expect(reply('forward', { protection: 'signed', subject: 'a/b: "c"' }).attachments).toEqual([
      {
        section: '',
        encoding: '8bit',
        filename: 'a b c.eml',
        contentType: 'message/rfc822',
        disposition: 'attachment',
        contentId: null,
        size: null,
        sha256: null,
      },
    ])
  })
})
