import { structureOf } from '../mime/part.ts'
import type { Capability, CapabilitySet } from '../capabilities.ts'
import { formatBodyStructure, formatEnvelope } from './envelope.ts'
import { formatFlags } from './flags.ts'
import { internalDate, type Piece } from './format.ts'
import { gmailLabels, gmailMessageId } from './gmail.ts'
import { emailId } from './object-id.ts'
import { ImapSyntaxError, type Scanner } from './scanner.ts'
import {
  formatSection,
  parseSection,
  readDecoded,
  readPartial,
  readSection,
  WHOLE_MESSAGE,
  type Partial,
  type Section,
} from './section.ts'
import type { MailStore } from '../store/store.ts'
import type { View, ViewEntry } from './view.ts'

type SimpleKind =
  | 'flags'
  | 'uid'
  | 'internaldate'
  | 'size'
  | 'envelope'
  | 'body'
  | 'bodystructure'
  | 'modseq'
  | 'emailid'
  | 'threadid'
  | 'gmail-message'
  | 'gmail-thread'
  | 'gmail-labels'

/** What a FETCH asks of a message (RFC 3501 §6.4.5). */
export type FetchItem =
  | { readonly kind: SimpleKind }
  | {
      /** `binary`: without its transfer encoding (RFC 3516 §4.2). */
      readonly kind: 'section' | 'binary'
      readonly section: Section
      readonly partial: Partial | undefined
      readonly label: string
      /** Reading it sets `\Seen`. */
      readonly marksSeen: boolean
    }
  | { readonly kind: 'binary-size'; readonly section: Section; readonly label: string }

const MACROS: ReadonlyMap<string, readonly FetchItem[]> = new Map([
  ['FAST', [{ kind: 'flags' }, { kind: 'internaldate' }, { kind: 'size' }]],
  ['ALL', [{ kind: 'flags' }, { kind: 'internaldate' }, { kind: 'size' }, { kind: 'envelope' }]],
  ['FULL', [{ kind: 'flags' }, { kind: 'internaldate' }, { kind: 'size' }, { kind: 'envelope' }, { kind: 'body' }]],
])

const whole = (kind: 'header' | 'text'): Section => ({ path: [], text: { kind } })

export function readFetchItems(args: Scanner, capabilities: CapabilitySet): readonly FetchItem[] {
  if (args.peek() === '(') return args.list(() => readItem(args, capabilities))
  const start = args.takeWhile(/[A-Za-z]/u).toUpperCase()
  const macro = MACROS.get(start)
  return macro !== undefined && (args.atEnd() || args.peek() === ' ') ? macro : [readItem(args, capabilities, start)]
}

/** Items of one word, and the extension without which there are none such. */
const simpleItems: ReadonlyMap<string, { readonly kind: SimpleKind; readonly needs?: Capability }> = new Map([
  ['FLAGS', { kind: 'flags' }],
  ['UID', { kind: 'uid' }],
  ['INTERNALDATE', { kind: 'internaldate' }],
  ['RFC822.SIZE', { kind: 'size' }],
  ['ENVELOPE', { kind: 'envelope' }],
  ['BODYSTRUCTURE', { kind: 'bodystructure' }],
  ['MODSEQ', { kind: 'modseq', needs: 'CONDSTORE' }],
  ['EMAILID', { kind: 'emailid', needs: 'OBJECTID' }],
  ['THREADID', { kind: 'threadid', needs: 'OBJECTID' }],
  ['X-GM-MSGID', { kind: 'gmail-message', needs: 'X-GM-EXT-1' }],
  ['X-GM-THRID', { kind: 'gmail-thread', needs: 'X-GM-EXT-1' }],
  ['X-GM-LABELS', { kind: 'gmail-labels', needs: 'X-GM-EXT-1' }],
])

function readItem(args: Scanner, capabilities: CapabilitySet, start = ''): FetchItem {
  const name = start + args.takeWhile(/[A-Za-z0-9.-]/u).toUpperCase()
  const simple = simpleItems.get(name)
  if (simple !== undefined && (simple.needs === undefined || capabilities.has(simple.needs)))
    return { kind: simple.kind }
  switch (name) {
    case 'RFC822':
      return { kind: 'section', section: WHOLE_MESSAGE, partial: undefined, label: name, marksSeen: true }
    case 'RFC822.HEADER':
      return { kind: 'section', section: whole('header'), partial: undefined, label: name, marksSeen: false }
    case 'RFC822.TEXT':
      return { kind: 'section', section: whole('text'), partial: undefined, label: name, marksSeen: true }
    case 'BODY':
    case 'BODY.PEEK':
      return readBodyItem(args, name === 'BODY.PEEK')
    case 'BINARY':
    case 'BINARY.PEEK':
    case 'BINARY.SIZE':
      if (capabilities.has('BINARY')) return readBinaryItem(args, name)
      break
    default:
  }
  throw new ImapSyntaxError(`Unknown FETCH item ${name}`)
}

function readBodyItem(args: Scanner, peek: boolean): FetchItem {
  if (!args.skip('[')) {
    if (peek) throw new ImapSyntaxError('BODY.PEEK needs a section')
    return { kind: 'body' }
  }
  const section = parseSection(args)
  args.expect(']')
  const label = `BODY[${formatSection(section)}]`
  return { kind: 'section', section, ...readPartialOf(args, label), marksSeen: !peek }
}

/** RFC 3516 §4.2: only whole parts can be decoded. */
function readBinaryItem(args: Scanner, name: 'BINARY' | 'BINARY.PEEK' | 'BINARY.SIZE'): FetchItem {
  args.expect('[')
  const section = parseSection(args)
  args.expect(']')
  if (section.text.kind !== 'all') throw new ImapSyntaxError(`${name} takes a part number`)
  if (name === 'BINARY.SIZE') return { kind: 'binary-size', section, label: `${name}[${formatSection(section)}]` }
  const label = `BINARY[${formatSection(section)}]`
  return { kind: 'binary', section, ...readPartialOf(args, label), marksSeen: name === 'BINARY' }
}

function readPartialOf(
  args: Scanner,
  label: string,
): { readonly partial: Partial | undefined; readonly label: string } {
  if (!args.skip('<')) return { partial: undefined, label }
  const offset = args.number()
  args.expect('.')
  const length = args.number()
  args.expect('>')
  // The response names where the octets begin, not how many were asked for (RFC 3501 §7.4.2).
  return { partial: { offset, length }, label: `${label}<${offset}>` }
}

/** Only a literal8 may have NULs in it (RFC 3516 §4.2). */
const octets = (label: string, bytes: Uint8Array): readonly Piece[] => [
  `${label} ${bytes.includes(0) ? '~' : ''}{${bytes.length}}\r\n`,
  bytes,
]

/** A part has a transfer encoding that nobody here can undo (RFC 3516 §4.3). */
export const UnknownEncoding: unique symbol = Symbol('unknown transfer encoding')

export function formatFetchItem(
  item: FetchItem,
  entry: ViewEntry,
  view: View,
  expunged: boolean,
  store: MailStore,
): readonly Piece[] | typeof UnknownEncoding {
  const { message } = entry
  switch (item.kind) {
    case 'flags':
      return [`FLAGS ${formatFlags(message, view)}`]
    case 'uid':
      return [`UID ${message.uid}`]
    case 'internaldate':
      return [`INTERNALDATE ${internalDate(message.internalDateMs)}`]
    case 'size':
      return [`RFC822.SIZE ${message.bytes.length}`]
    case 'modseq':
      return [`MODSEQ (${message.modseq})`]
    case 'emailid':
      return [`EMAILID (${emailId(message)})`]
    case 'threadid':
      // RFC 8474 §5.2: a server that does not thread says so.
      return ['THREADID NIL']
    case 'gmail-message':
      return [`X-GM-MSGID ${gmailMessageId(message)}`]
    case 'gmail-thread':
      return [`X-GM-THRID ${gmailMessageId(message)}`]
    case 'gmail-labels':
      return [`X-GM-LABELS ${gmailLabels(store, view.mailbox.user, message)}`]
    case 'envelope':
      return [`ENVELOPE ${formatEnvelope(structureOf(message.bytes).fields)}`]
    case 'body':
      return [`BODY ${formatBodyStructure(message.bytes, structureOf(message.bytes), false)}`]
    case 'bodystructure':
      return [`BODYSTRUCTURE ${formatBodyStructure(message.bytes, structureOf(message.bytes), true)}`]
    case 'section': {
      // Dovecot's way with a message that another session has expunged: what is cached is told, the octets are gone.
      const bytes = expunged ? undefined : readSection(message.bytes, item.section)
      if (bytes === undefined) return [`${item.label} NIL`]
      const chosen = readPartial(bytes, item.partial)
      return octets(item.label, chosen)
    }
    case 'binary': {
      const read = expunged ? undefined : readDecoded(message.bytes, item.section.path)
      if (read === undefined) return [`${item.label} NIL`]
      const { decoded } = read
      if (decoded === undefined) return UnknownEncoding
      return octets(item.label, readPartial(decoded, item.partial))
    }
    case 'binary-size': {
      const read = expunged ? undefined : readDecoded(message.bytes, item.section.path)
      if (read === undefined) return [`${item.label} 0`]
      return read.decoded === undefined ? UnknownEncoding : [`${item.label} ${read.decoded.length}`]
    }
  }
}
