import type { Address, MessageId, ParsedMessage } from '@everdraft/core'

import type { Dice } from '../sim/world/dice.ts'
import { type BodyStyle, type RawFile, writeMessage } from './raw-message.ts'

/** What a mail program does to a draft that it found on the server, on the way into Sent. */
export interface ForeignClient {
  readonly name: string
  newMessageId(dice: Dice): string
  /** What becomes of the Message-ID where the program saves the draft in between, and where it sends it. */
  readonly messageId: { readonly saved: 'kept' | 'new'; readonly sent: 'kept' | 'new' | 'of-the-save' }
  /**
   * Whoever takes the mail in for sending gives it another Message-ID, and keeps the one that it had in this field; null: it is
   * left alone.
   */
  readonly originalIdField: string | null
  /** `X-Everdraft-…` and whatever else it does not know. */
  readonly unknownFields: 'kept' | 'dropped'
  readonly references: 'kept' | 'parent' | 'none'
  readonly style: BodyStyle
  /** Below the own words, above the quote; empty: none. */
  readonly signature: string
  subject(subject: string): string
  /** What its editor makes of the words that pass through it. */
  retype(text: string): string
  /** Fields of its own. */
  readonly fields: readonly (readonly [name: string, value: string])[]
}

/** The draft as a program has it open: what the person edits. */
export interface Composition {
  readonly own: string
  readonly quote: string
  readonly subject: string
  readonly to: readonly Address[]
  readonly cc: readonly Address[]
  readonly files: readonly RawFile[]
}

export interface OpenedDraft {
  readonly parsed: ParsedMessage
  /** `X-Everdraft-Id`, `X-Everdraft-Base`, as they stand. */
  readonly unknownFields: readonly (readonly [name: string, value: string])[]
}

export interface WriteRequest {
  readonly client: ForeignClient
  readonly opened: OpenedDraft
  readonly composition: Composition
  readonly messageId: MessageId
  /** The Message-ID that a provider has replaced. */
  readonly replaced: MessageId | null
  readonly date: number
  readonly isFinal: boolean
}

/** The message that the program stores: in Drafts, or in Sent. */
export function writeByClient(request: WriteRequest): Buffer {
  const { client, opened, composition, messageId, replaced, date, isFinal } = request
  const { parsed } = opened
  const { own, quote, subject, to, cc, files } = composition
  const signed = isFinal && client.signature !== '' ? `${own.trimEnd()}\n\n${client.signature}` : own.trimEnd()
  const text = `${client.retype(signed)}${quote === '' ? '' : `\n\n${quote}`}\n`
  const parent = parsed.inReplyTo ?? parsed.references.at(-1) ?? null
  const references = client.references === 'kept' ? parsed.references : parent === null ? [] : [parent]
  const isThreaded = client.references !== 'none'
  return writeMessage({
    fields: [
      ['Message-ID', messageId],
      ...(replaced === null || client.originalIdField === null ? [] : [[client.originalIdField, replaced] as const]),
      ['Date', new Date(date).toUTCString().replace('GMT', '+0000')],
      ['From', addressList(parsed.from === null ? [] : [parsed.from])],
      ['To', addressList(to)],
      ...(cc.length === 0 ? [] : [['Cc', addressList(cc)] as const]),
      ['Subject', client.subject(subject)],
      ...(isThreaded && parent !== null ? [['In-Reply-To', parent] as const] : []),
      ...(isThreaded && references.length > 0 ? [['References', references.join(' ')] as const] : []),
      ...(client.unknownFields === 'kept' ? opened.unknownFields : []),
      ...client.fields,
    ],
    text,
    style: client.style,
    files,
  })
}

/** What the person sees when the program opens the draft. */
export function compositionOf(parsed: ParsedMessage, files: readonly RawFile[]): Composition {
  const { text, subject, to, cc } = parsed
  const lines = text.trimEnd().split('\n')
  const firstMark = lines.findIndex((line) => line.startsWith('>'))
  // The attribution is the paragraph right above.
  const above = firstMark === -1 ? -1 : lines.slice(0, firstMark).findLastIndex((line) => line === '')
  const cut = firstMark === -1 ? lines.length : above + 1
  const own = lines.slice(0, cut).join('\n').trim()
  return { own, quote: lines.slice(cut).join('\n'), subject, to, cc, files }
}

function addressList(list: readonly Address[]): string {
  return list.map(({ name, address }) => (name === '' ? address : `${name} <${address}>`)).join(', ')
}

export function asTyped(text: string): string {
  return text
}

/** Lower-case hexadecimal. */
export function hex(dice: Dice, digits: number): string {
  return Array.from({ length: digits }, () => dice.below(16).toString(16)).join('')
}

export function uuid(dice: Dice): string {
  return [8, 4, 4, 4, 12].map((digits) => hex(dice, digits)).join('-')
}
