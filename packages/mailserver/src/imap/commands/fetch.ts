import { structureOf } from '../../mime/part.ts'
import { hasFlag } from '../../store/message.ts'
import { ok, viewOf, type Call, type Reply } from '../context.ts'
import { formatBodyStructure, formatEnvelope } from '../envelope.ts'
import { formatFlags } from '../flags.ts'
import { internalDate, type Piece } from '../format.ts'
import { selectMessages } from '../message-set.ts'
import { ImapSyntaxError, type Scanner } from '../scanner.ts'
import {
  formatSection,
  parseSection,
  readPartial,
  readSection,
  WHOLE_MESSAGE,
  type Partial,
  type Section,
} from '../section.ts'
import type { View, ViewEntry } from '../view.ts'

type FetchItem =
  | { readonly kind: 'flags' | 'uid' | 'internaldate' | 'size' | 'envelope' | 'body' | 'bodystructure' }
  | {
      readonly kind: 'section'
      readonly section: Section
      readonly partial: Partial | undefined
      readonly label: string
      /** Reading it sets `\Seen`. */
      readonly marksSeen: boolean
    }

const MACROS: ReadonlyMap<string, readonly FetchItem[]> = new Map([
  ['FAST', [{ kind: 'flags' }, { kind: 'internaldate' }, { kind: 'size' }]],
  ['ALL', [{ kind: 'flags' }, { kind: 'internaldate' }, { kind: 'size' }, { kind: 'envelope' }]],
  ['FULL', [{ kind: 'flags' }, { kind: 'internaldate' }, { kind: 'size' }, { kind: 'envelope' }, { kind: 'body' }]],
])

const whole = (kind: 'header' | 'text'): Section => ({ path: [], text: { kind } })

function readItem(args: Scanner, start = ''): FetchItem {
  const name = start + args.takeWhile(/[A-Za-z0-9.]/u).toUpperCase()
  switch (name) {
    case 'FLAGS':
      return { kind: 'flags' }
    case 'UID':
      return { kind: 'uid' }
    case 'INTERNALDATE':
      return { kind: 'internaldate' }
    case 'RFC822.SIZE':
      return { kind: 'size' }
    case 'ENVELOPE':
      return { kind: 'envelope' }
    case 'BODYSTRUCTURE':
      return { kind: 'bodystructure' }
    case 'RFC822':
      return { kind: 'section', section: WHOLE_MESSAGE, partial: undefined, label: name, marksSeen: true }
    case 'RFC822.HEADER':
      return { kind: 'section', section: whole('header'), partial: undefined, label: name, marksSeen: false }
    case 'RFC822.TEXT':
      return { kind: 'section', section: whole('text'), partial: undefined, label: name, marksSeen: true }
    case 'BODY':
    case 'BODY.PEEK':
      return readBodyItem(args, name === 'BODY.PEEK')
    default:
      throw new ImapSyntaxError(`Unknown FETCH item ${name}`)
  }
}

function readBodyItem(args: Scanner, peek: boolean): FetchItem {
  if (!args.skip('[')) {
    if (peek) throw new ImapSyntaxError('BODY.PEEK needs a section')
    return { kind: 'body' }
  }
  const section = parseSection(args)
  args.expect(']')
  const base = `BODY[${formatSection(section)}]`
  if (!args.skip('<')) return { kind: 'section', section, partial: undefined, label: base, marksSeen: !peek }
  const offset = args.number()
  args.expect('.')
  const length = args.number()
  args.expect('>')
  // The response names where the octets begin, not how many were asked for (RFC 3501 §7.4.2).
  return { kind: 'section', section, partial: { offset, length }, label: `${base}<${offset}>`, marksSeen: !peek }
}

function readItems(args: Scanner): readonly FetchItem[] {
  if (args.peek() === '(') return args.list(() => readItem(args))
  const start = args.takeWhile(/[A-Za-z]/u).toUpperCase()
  const macro = MACROS.get(start)
  return macro !== undefined && args.atEnd() ? macro : [readItem(args, start)]
}

function formatItem(item: FetchItem, entry: ViewEntry, view: View, expunged: boolean): readonly Piece[] {
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
      return [`${item.label} {${chosen.length}}\r\n`, chosen]
    }
  }
}

/** RFC 3501 §6.4.5. */
export function fetch({ context, args, uid }: Call): Reply {
  const view = viewOf(context)
  const set = args.sequenceText()
  args.space()
  const asked = readItems(args)
  args.end()
  const entries = selectMessages(view, set, uid)
  const withUid = uid && !asked.some(({ kind }) => kind === 'uid')
  const items: readonly FetchItem[] = withUid ? [{ kind: 'uid' }, ...asked] : asked
  const marksSeen = !view.readOnly && items.some((item) => item.kind === 'section' && item.marksSeen)

  if (marksSeen) {
    const unseen = entries
      .flatMap(({ uid: each }) => view.mailbox.get(each) ?? [])
      .filter((message) => !hasFlag(message, '\\Seen'))
    context.store.setFlags(
      view.mailbox,
      unseen.map((message) => ({ uid: message.uid, flags: [...message.flags, '\\Seen'] })),
    )
  }
  let anyExpunged = false
  for (const { uid: each, message: before } of entries) {
    const expunged = view.mailbox.get(each) === undefined
    const sequence = view.sequenceOf(each)
    if (sequence === undefined) continue
    // The flags that this response tells are the newest: they need not be told again.
    const asksFlags = items.some(({ kind }) => kind === 'flags')
    const becameSeen = marksSeen && !expunged && !hasFlag(before, '\\Seen')
    if (asksFlags || becameSeen) view.markSeen(each)
    const entry = view.at(sequence)
    if (entry === undefined) continue
    if (expunged && items.some(({ kind }) => kind === 'section')) anyExpunged = true
    const told: readonly FetchItem[] = becameSeen && !asksFlags ? [{ kind: 'flags' }, ...items] : items
    const line: Piece[] = []
    for (const [index, item] of told.entries()) {
      line.push(...(index === 0 ? [] : [' ']), ...formatItem(item, entry, view, expunged))
    }
    context.untagged(`${sequence} FETCH (`, ...line, ')')
  }
  return anyExpunged ? ok('Some messages were already expunged', 'EXPUNGEISSUED') : ok('Fetch completed')
}
