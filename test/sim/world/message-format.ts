import type {
  BodyPart,
  BounceReader,
  ComposedSegment,
  MessageFormat,
  MessageId,
  ParsedAttachment,
  ParsedMessage,
  Sha256,
} from '@everdraft/core'

const boundary = '=_everdraft-sim'

/**
 * Messages as the simulated mailbox keeps them: real multipart MIME, so that the server's sections work, with all
 * modelled fields as one line of JSON in the first part. Small and without a clock or a random source; the real format
 * has tests of its own.
 */
export const simFormat: MessageFormat = {
  async compose({ content, messageId, date, headers, includeBcc }) {
    const { from, to, cc, subject, inReplyTo, references, text, html } = content
    const bcc = includeBcc ? content.bcc : []
    const fields = [
      ...(bcc.length === 0 ? [] : [`Bcc: ${bcc.map(({ address }) => address).join(', ')}`]),
      `Message-ID: ${messageId}`,
      `Date: ${new Date(date).toUTCString()}`,
      ...headers.map(({ name, value }) => `${name}: ${value}`),
      `Content-Type: multipart/mixed; boundary="${boundary}"`,
    ]
    const modelled = { from, to, cc, bcc, subject, inReplyTo, references, text, html }
    const segments: ComposedSegment[] = []
    let pending = `${fields.join('\r\n')}\r\n\r\n--${boundary}\r\nContent-Type: application/json\r\n\r\n${ascii(modelled)}`
    for (const [index, attachment] of content.attachments.entries()) {
      const { filename, contentType, disposition, contentId, size, sha256 } = attachment
      const described = ascii({ filename, disposition, contentId })
      pending += `\r\n--${boundary}\r\nContent-Type: ${contentType}\r\nX-Described: ${described}\r\n`
      pending += 'Content-Transfer-Encoding: base64\r\n\r\n'
      segments.push({ kind: 'bytes', bytes: Buffer.from(pending) })
      const section = `${index + 2}`
      segments.push({ kind: 'attachment', sha256, size, section, encodedSize: encodedSize(size), encode })
      pending = ''
    }
    segments.push({ kind: 'bytes', bytes: Buffer.from(`${pending}\r\n--${boundary}--\r\n`) })
    return { segments, size: segments.reduce((sum, segment) => sum + sizeOf(segment), 0), eightBit: false }
  },
  async parse(raw, createSha256, options = {}) {
    const pieces: Uint8Array[] = []
    for await (const piece of raw) pieces.push(piece)
    const [head = '', first = '', ...rest] = Buffer.concat(pieces)
      .toString('latin1')
      .replace(`\r\n--${boundary}--\r\n`, '')
      .split(`\r\n--${boundary}\r\n`)
    const messageId = headerOf(head, 'Message-ID') as MessageId | null
    // Another program's message may be a text alone.
    const fields = { ...fieldsOf(bodyOf(first === '' ? head : first)), ...headFieldsOf(head) }
    const attachments: ParsedAttachment[] = []
    for (const [index, part] of rest.entries()) {
      const bytes = Buffer.from(bodyOf(part), 'base64')
      const hasher = createSha256()
      hasher.update(bytes)
      const described = JSON.parse(headerOf(part, 'X-Described') ?? '{}') as Pick<
        ParsedAttachment,
        'filename' | 'disposition' | 'contentId'
      >
      const contentType = headerOf(part, 'Content-Type') ?? ''
      const where = { section: `${index + 2}`, encoding: 'base64' }
      await options.onPart?.({ kind: 'attachment', ...described, ...where, contentType }, once(bytes))
      const measured = { encodedSize: bodyOf(part).length, size: bytes.length, sha256: hasher.digest() as Sha256 }
      attachments.push({ ...described, ...where, ...measured, contentType })
    }
    return { ...notModelled, ...fields, messageId, attachments }
  },
}

/** What BODYSTRUCTURE would say. */
export function structureOf(raw: string): BodyPart {
  const [, ...parts] = raw.replace(`\r\n--${boundary}--\r\n`, '').split(`\r\n--${boundary}\r\n`)
  const part = { parameters: {}, disposition: null, filename: null, contentId: null, children: [] }
  const single = (text: string, section: string): BodyPart => ({
    ...part,
    section,
    contentType: headerOf(text, 'Content-Type') ?? 'text/plain',
    encoding: headerOf(text, 'Content-Transfer-Encoding') ?? '7bit',
    size: bodyOf(text).length,
  })
  if (parts.length === 0) return single(raw, '1')
  const children = parts.map((text, index) => single(text, `${index + 1}`))
  return { ...part, section: 'TEXT', contentType: 'multipart/mixed', encoding: null, size: null, children }
}

/** What a draft does not hold of a message. */
const notModelled = {
  date: null,
  sender: null,
  replyTo: [],
  mailFollowupTo: [],
  listPost: null,
  protection: null,
  unmodelled: null,
}

type Fields = Omit<ParsedMessage, 'messageId' | 'attachments' | keyof typeof notModelled>

/** Another program's message has no JSON in it. */
export function fieldsOf(body: string): Fields {
  const foreign = { from: null, to: [], cc: [], bcc: [], subject: '', inReplyTo: null, references: [] }
  return body.startsWith('{') ? (JSON.parse(body) as Fields) : { ...foreign, text: body, html: null }
}

/** A mail that somebody has sent says it in its header. */
function headFieldsOf(head: string): Partial<Fields> {
  const from = headerOf(head, 'From')
  if (from === null) return {}
  const references = (headerOf(head, 'References') ?? '').split(' ').filter(Boolean) as MessageId[]
  return {
    from: { address: from, name: '' },
    subject: headerOf(head, 'Subject') ?? '',
    inReplyTo: headerOf(head, 'In-Reply-To') as MessageId | null,
    references,
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}

/** A part's body, by the number that IMAP gives it. */
export function sectionOf(message: Uint8Array, section: string): Uint8Array | null {
  const raw = Buffer.from(message).toString('latin1').replace(`\r\n--${boundary}--\r\n`, '')
  const part = raw.split(`\r\n--${boundary}\r\n`)[Number(section)]
  return part === undefined ? null : Buffer.from(bodyOf(part), 'latin1')
}

/** What a mail system writes about somebody whom it could not reach. */
export function reportOf(report: {
  readonly messageId: string
  readonly envid: string
  readonly address: string
}): Uint8Array {
  const { messageId, envid, address } = report
  const fields = `Message-ID: ${messageId}\r\nContent-Type: multipart/report\r\n`
  return Buffer.from(`${fields}\r\n${JSON.stringify({ envid, address })}\r\n`)
}

/** Reads those reports; the real reader has tests of its own. */
export const simBounces: BounceReader = {
  fields: ['Content-Type'],
  mayBe: (header) => Buffer.from(header).toString('latin1').includes('multipart/report'),
  read(raw) {
    const { envid, address } = JSON.parse(bodyOf(Buffer.from(raw).toString('latin1'))) as {
      readonly envid: string
      readonly address: string
    }
    const recipient = { address, action: 'failed', status: '5.1.1', diagnostic: 'No such user' } as const
    return { recipients: [recipient], envid, messageId: null, token: null, kind: 'report' }
  },
}

/** Another program's edit: the text is new, and the Message-ID stays, as some keep it. */
export function withOtherText(message: Uint8Array, text: string): Uint8Array {
  const before = Buffer.from(message).toString('latin1')
  const json = /^\{.*\}$/m.exec(before)?.[0] ?? '{}'
  return Buffer.from(
    before.replace(json, () => ascii({ ...(JSON.parse(json) as object), text })),
    'latin1',
  )
}

export function headerOf(head: string, name: string): string | null {
  const line = head.split('\r\n').find((one) => one.toLowerCase().startsWith(`${name.toLowerCase()}:`))
  return line === undefined ? null : line.slice(name.length + 1).trim()
}

/** The header of a whole message, as text. */
export function headOf(message: Uint8Array): string {
  const text = Buffer.from(message).toString('latin1')
  return text.slice(0, text.indexOf('\r\n\r\n'))
}

export function bodyOf(part: string): string {
  return part.slice(part.indexOf('\r\n\r\n') + 4)
}

async function* encode(decoded: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const pieces: Uint8Array[] = []
  // A piece counts until the next is asked for.
  for await (const piece of decoded) pieces.push(Uint8Array.from(piece))
  const base64 = Buffer.concat(pieces).toString('base64')
  yield Buffer.from((base64.match(/.{1,76}/g) ?? []).join('\r\n'))
}

function encodedSize(size: number): number {
  const base64 = Math.ceil(size / 3) * 4
  return base64 + 2 * Math.max(0, Math.ceil(base64 / 76) - 1)
}

function sizeOf(segment: ComposedSegment): number {
  return segment.kind === 'bytes' ? segment.bytes.length : segment.encodedSize
}

/** One line of ASCII. */
function ascii(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
