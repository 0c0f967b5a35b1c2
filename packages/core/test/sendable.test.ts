import { describe, expect, test } from 'vitest'

import { promisesAttachment } from '../src/draft/attachment-promise.ts'
import { type Attachment, type DraftContent, emptyContent } from '../src/draft/draft.ts'
import { giveUpAfterMs, nextRetryAt } from '../src/draft/retry-schedule.ts'
import { addressProblem, checkSendable, envelopeRecipients, type SendFacts } from '../src/draft/sendable.ts'
import type { AttachmentId, Sha256 } from '../src/ids.ts'

const facts: SendFacts = { missingBlobs: new Set(), messageBytes: null, sizeLimitBytes: null }
const someone = (address: string, name = ''): { address: string; name: string } => ({ address, name })
const attachment: Attachment = {
  id: 'id' as AttachmentId,
  filename: 'offer.pdf',
  contentType: 'application/pdf',
  size: 10,
  sha256: 'aa' as Sha256,
  disposition: 'attachment',
  contentId: null,
}
const fine: DraftContent = {
  ...emptyContent,
  from: someone('ann@example.org'),
  to: [someone('bob@example.org')],
  subject: 'Hello',
  text: 'Dear Bob',
}
const found = (changes: Partial<DraftContent>, known: Partial<SendFacts> = {}): readonly string[] =>
  checkSendable({ ...fine, ...changes }, { ...facts, ...known }).map(({ code, path }) => `${code} ${path}`)

describe('before the wire', () => {
  test('nothing stands against a whole mail', () => {
    expect(found({})).toEqual([])
    expect(found({ text: '', html: '<p>Dear Bob</p>' })).toEqual([])
  })

  test('somebody must send it, and somebody must get it', () => {
    expect(found({ from: null, to: [] })).toEqual(['NO_SENDER from', 'NO_RECIPIENTS to'])
    expect(found({ to: [], bcc: [someone('eve@example.org')] })).toEqual([])
  })

  test('a bad address is named by its place, and its text is not repeated', () => {
    expect(found({ to: [someone('bob@example.org'), someone('carla@')], cc: [someone('dan')] })).toEqual([
      'BAD_ADDRESS to[1].address',
      'BAD_ADDRESS cc[0].address',
    ])
    const [problem] = checkSendable({ ...fine, to: [someone('secret name@')] }, facts)
    expect(problem?.message).not.toContain('secret')
  })

  test.each(['ann@example.org', 'a.b+c@example.co.uk', '"a b"@example.org', "o'neil@localhost", 'ann@[127.0.0.1]'])(
    'an address: %s',
    (address) => {
      expect(addressProblem(address)).toBeNull()
    },
  )

  test.each(['jörg@bücher.example', '用户@例子.example', 'ann@xn--bcher-kva.example'])(
    'an international address: %s',
    (address) => {
      expect(addressProblem(address)).toBeNull()
    },
  )

  test.each([
    ['no @', 'ann'],
    ['nothing before', '@example.org'],
    ['nothing after', 'ann@'],
    ['two', 'ann@bob@example.org'],
    ['a blank', 'an n@example.org'],
    ['two dots', 'a..b@example.org'],
    ['an empty label', 'ann@example..org'],
    ['a dot at the end', 'ann@example.org.'],
    ['a dash at an end', 'ann@-example.org'],
    ['a line', 'ann@example.org\r\nRCPT TO:<eve@example.org>'],
    ['a bracket', 'ann@example.org>'],
    ['a list', 'ann@example.org,bob@example.org'],
    ['length', `${'a'.repeat(65)}@example.org`],
    ['more length', `ann@${'a.'.repeat(130)}org`],
  ])('no address: %s', (_what, address) => {
    expect(addressProblem(address)).not.toBeNull()
  })

  test('no header field can begin another', () => {
    const line = 'x\r\nBcc: eve@example.org'
    expect(
      found({
        subject: line,
        to: [someone('bob@example.org', line)],
        attachments: [{ ...attachment, filename: 'a\nb', contentId: 'a\0b' }],
        unmodelled: {
          headers: [
            { name: 'X-Folded', raw: 'X-Folded: a\r\n b' },
            { name: 'X-Bad', raw: `X-Bad: ${line}` },
          ],
          parts: [],
          structure: { kind: 'text', parameters: [], fields: [] },
        },
      }),
    ).toEqual([
      'BAD_HEADER to[0].name',
      'BAD_HEADER subject',
      'BAD_HEADER attachments[0].filename',
      'BAD_HEADER attachments[0].content_id',
      'BAD_HEADER headers[1]',
    ])
  })

  test('H14 a missing blob stands in the way', () => {
    expect(found({ attachments: [attachment] }, { missingBlobs: new Set([attachment.sha256]) })).toEqual([
      'MISSING_BLOB attachments[0]',
    ])
  })

  test('what the server does not take is said with both sizes', () => {
    expect(found({}, { messageBytes: 1001, sizeLimitBytes: 1000 })).toEqual(['TOO_LARGE attachments'])
    expect(found({}, { messageBytes: 1000, sizeLimitBytes: 1000 })).toEqual([])
    const [problem] = checkSendable(fine, { ...facts, messageBytes: 1001, sizeLimitBytes: 1000 })
    expect(problem?.message).toContain('1001 bytes')
  })

  test('warnings can be confirmed: no subject, no text, a forgotten attachment', () => {
    const problems = checkSendable({ ...fine, subject: ' ', text: '\n' }, facts)
    expect(problems.map(({ code, severity }) => `${severity} ${code}`)).toEqual([
      'warning EMPTY_SUBJECT',
      'warning EMPTY_TEXT',
    ])
    expect(found({ text: 'See the attached file.' })).toEqual(['ATTACHMENT_FORGOTTEN attachments'])
    expect(found({ text: 'See the attached file.', attachments: [attachment] })).toEqual([])
    const picture: Attachment = { ...attachment, disposition: 'inline', contentId: 'logo' }
    expect(found({ text: 'See the attached file.', attachments: [picture] })).toEqual([
      'ATTACHMENT_FORGOTTEN attachments',
    ])
  })

  test('everybody gets it once, also who is in To and Bcc', () => {
    const content = {
      to: [someone('Bob@example.org')],
      cc: [someone('Bob@EXAMPLE.org'), someone('carla@example.org')],
      bcc: [someone('carla@example.org'), someone('bob@example.org')],
    }
    expect(envelopeRecipients(content)).toEqual(['Bob@example.org', 'carla@example.org', 'bob@example.org'])
  })

  test('everybody gets it once, also whose domain stands there in letters and in ASCII', () => {
    const content = {
      to: [someone('ann@bücher.example')],
      cc: [someone('ann@xn--bcher-kva.example'), someone('ann@BÜCHER.example')],
      bcc: [someone('jörg@bücher.example')],
    }
    expect(envelopeRecipients(content)).toEqual(['ann@bücher.example', 'jörg@bücher.example'])
  })
})

const speaks = (text: string, changes: Partial<DraftContent> = {}): boolean =>
  promisesAttachment({ ...fine, text, ...changes })

describe('an attachment that the text speaks of', () => {
  test.each([
    'Please find attached the offer.',
    'Die Rechnung finden Sie im Anhang.',
    'Anbei die Unterlagen.',
    'Vous trouverez ci-joint le devis.',
    'Le devis est en pièce jointe.',
    'Te envío el archivo adjunto.',
    'In allegato il preventivo.',
    'Segue em anexo o contrato.',
    'Zie de bijlage.',
    'Документы во вложении.',
    'W załączniku przesyłam umowę.',
    'Bifogat finner du avtalet.',
    'Se vedlagt fil.',
    'V příloze posílám smlouvu.',
    'Mellékelten küldöm.',
    'Dosya ektedir, ekte bulabilirsiniz.',
    '請參閱附件',
    '資料を添付します',
    'ANGEHÄNGT ist alles.'.normalize('NFD'),
  ])('%s', (text) => {
    expect(speaks(text)).toBe(true)
  })

  test.each([
    'Let us meet at noon.',
    'The detachment is on its way.',
    'Der Zusammenhang ist klar.',
    'Banbeimer',
    'Wir reden nach der Pause.',
  ])('not: %s', (text) => {
    expect(speaks(text)).toBe(false)
  })

  test('neither the quote nor the signature counts', () => {
    expect(speaks('Thanks!\n\nAnn wrote:\n> please find attached the offer\n')).toBe(false)
    expect(speaks('Thanks!\n-- \nNever open an attachment\n')).toBe(false)
    expect(speaks('Thanks!\n-----Original Message-----\nFrom: Ann Example\nsee attached\n')).toBe(false)
    expect(speaks('', { html: '<p>Thanks!</p><blockquote type="cite">see attached</blockquote>' })).toBe(false)
    expect(speaks('', { html: '<p>See <b>attached</b></p><blockquote>old</blockquote>' })).toBe(true)
    expect(speaks('Thanks!', { subject: 'Re: the attachment' })).toBe(false)
    expect(speaks('Thanks!', { subject: 'My CV attached' })).toBe(true)
  })
})

const retryAt = (failures: number, lot: number): number | null =>
  nextRetryAt({ failures, firstTriedAt: 0, now: 1000 }, () => Uint8Array.of(lot))

describe('when to try again', () => {
  test('never at once, ever later, with some chance', () => {
    expect([1, 2, 7, 50].map((failures) => ((retryAt(failures, 0) ?? 0) - 1000) / 60_000)).toEqual([1, 5, 240, 240])
    expect((retryAt(1, 255) ?? 0) - 1000).toBe(72_000)
  })

  test('ends after five days', () => {
    const tried = { failures: 9, firstTriedAt: 1000, now: 1000 + giveUpAfterMs }
    expect(nextRetryAt(tried, () => Uint8Array.of(0))).toBeNull()
    expect(nextRetryAt({ ...tried, now: tried.now - 1 }, () => Uint8Array.of(0))).not.toBeNull()
  })
})
