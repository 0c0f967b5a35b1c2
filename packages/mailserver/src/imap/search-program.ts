import type { CapabilitySet } from '../capabilities.ts'
import { utf8OfByteString } from '../octets.ts'
import { parseDay } from './format.ts'
import { ImapSyntaxError, type Scanner } from './scanner.ts'
import { parseSequenceSet, type SequenceSet } from './sequence-set.ts'

/** A SEARCH as data (RFC 3501 §6.4.4). Days are numbers of days since 1970. */
export type SearchKey =
  | { readonly kind: 'all' | 'new' | 'old' | 'recent' }
  | { readonly kind: 'flag'; readonly flag: string; readonly set: boolean }
  | { readonly kind: 'and'; readonly keys: readonly SearchKey[] }
  | { readonly kind: 'or'; readonly left: SearchKey; readonly right: SearchKey }
  | { readonly kind: 'not'; readonly key: SearchKey }
  | { readonly kind: 'sequence' | 'uid'; readonly set: SequenceSet }
  | { readonly kind: 'larger' | 'smaller'; readonly sizeBytes: number }
  | { readonly kind: 'received' | 'sent'; readonly relation: 'before' | 'on' | 'since'; readonly day: number }
  | { readonly kind: 'header'; readonly name: string; readonly text: string }
  | { readonly kind: 'body' | 'text'; readonly text: string }
  | { readonly kind: 'modseq'; readonly modseq: number }
  | { readonly kind: 'emailid' | 'threadid' | 'gmail-message'; readonly id: string }

export const UnknownCharset: unique symbol = Symbol('unknown charset')

const FLAG_KEYS: ReadonlyMap<string, string> = new Map([
  ['ANSWERED', '\\Answered'],
  ['DELETED', '\\Deleted'],
  ['DRAFT', '\\Draft'],
  ['FLAGGED', '\\Flagged'],
  ['SEEN', '\\Seen'],
])

const searchResults = ['MIN', 'MAX', 'ALL', 'COUNT'] as const
export type SearchResult = (typeof searchResults)[number]

export type SearchProgram = {
  readonly key: SearchKey
  /** What is to be told of what is found (RFC 4731 §3.1); undefined: the list, the old way. */
  readonly results: ReadonlySet<SearchResult> | undefined
}

/** RFC 7162 §3.1.5: such a search is answered with a modseq. */
export function testsModseq(key: SearchKey): boolean {
  if (key.kind === 'and') return key.keys.some(testsModseq)
  if (key.kind === 'or') return testsModseq(key.left) || testsModseq(key.right)
  return key.kind === 'not' ? testsModseq(key.key) : key.kind === 'modseq'
}

/** `RETURN (MIN MAX …)`; nothing named means ALL. */
function readResults(args: Scanner): ReadonlySet<SearchResult> {
  args.space()
  const named = args.list(() => {
    const name = args.word()
    const known = searchResults.find((each) => each === name)
    if (known === undefined) throw new ImapSyntaxError(`Unknown SEARCH result ${name}`)
    return known
  })
  return new Set(named.length === 0 ? ['ALL'] : named)
}

export function readSearchProgram(args: Scanner, capabilities: CapabilitySet): SearchProgram | typeof UnknownCharset {
  const firstWord = (): string => (args.atLiteral() ? '' : args.takeWhile(/[A-Za-z-]/u).toUpperCase())
  let first = firstWord()
  let known = true
  let results: ReadonlySet<SearchResult> | undefined
  if (first === 'RETURN' && capabilities.has('ESEARCH')) {
    results = readResults(args)
    args.space()
    first = firstWord()
  }
  if (first === 'CHARSET') {
    args.space()
    known = ['US-ASCII', 'UTF-8'].includes(args.astring().toUpperCase())
    args.space()
    first = ''
  }
  const keys = [readKey(args, capabilities, first)]
  while (args.skip(' ')) keys.push(readKey(args, capabilities))
  return known ? { key: { kind: 'and', keys }, results } : UnknownCharset
}

const text = (args: Scanner): string => utf8OfByteString(args.astring())

function day(args: Scanner): number {
  const parsed = parseDay(args.astring())
  if (parsed === undefined) throw new ImapSyntaxError('Invalid search date')
  return parsed
}

/** `"/flags/\\Seen" all 42`: per-flag modseqs are not kept, and the message's own stands for them, as the RFC allows. */
function readModseq(args: Scanner): number {
  if (args.peek() === '"') {
    args.string()
    args.space()
    const type = args.word()
    if (type !== 'ALL' && type !== 'SHARED' && type !== 'PRIV') throw new ImapSyntaxError(`Unknown entry type ${type}`)
    args.space()
  }
  return args.number()
}

function readKey(args: Scanner, capabilities: CapabilitySet, start = ''): SearchKey {
  const inner = (each: Scanner): SearchKey => readKey(each, capabilities)
  if (start === '') {
    if (args.peek() === '(') return { kind: 'and', keys: args.list(() => inner(args)) }
    if (/[0-9*]/u.test(args.peek() ?? '')) return { kind: 'sequence', set: parseSequenceSet(args.sequenceText()) }
  }
  const name = start + args.takeWhile(/[A-Za-z0-9-]/u).toUpperCase()
  const flag = FLAG_KEYS.get(name)
  if (flag !== undefined) return { kind: 'flag', flag, set: true }
  const unset = name.startsWith('UN') ? FLAG_KEYS.get(name.slice(2)) : undefined
  if (unset !== undefined) return { kind: 'flag', flag: unset, set: false }
  const argument = <T>(read: (args: Scanner) => T): T => {
    args.space()
    return read(args)
  }
  switch (name) {
    case 'ALL':
      return { kind: 'all' }
    case 'NEW':
      return { kind: 'new' }
    case 'OLD':
      return { kind: 'old' }
    case 'RECENT':
      return { kind: 'recent' }
    case 'KEYWORD':
      return { kind: 'flag', flag: argument((each) => each.atom()), set: true }
    case 'UNKEYWORD':
      return { kind: 'flag', flag: argument((each) => each.atom()), set: false }
    case 'NOT':
      return { kind: 'not', key: argument(inner) }
    case 'OR':
      return { kind: 'or', left: argument(inner), right: argument(inner) }
    case 'UID':
      return { kind: 'uid', set: parseSequenceSet(argument((each) => each.sequenceText())) }
    case 'LARGER':
      return { kind: 'larger', sizeBytes: argument((each) => each.number()) }
    case 'SMALLER':
      return { kind: 'smaller', sizeBytes: argument((each) => each.number()) }
    case 'BEFORE':
      return { kind: 'received', relation: 'before', day: argument(day) }
    case 'ON':
      return { kind: 'received', relation: 'on', day: argument(day) }
    case 'SINCE':
      return { kind: 'received', relation: 'since', day: argument(day) }
    case 'SENTBEFORE':
      return { kind: 'sent', relation: 'before', day: argument(day) }
    case 'SENTON':
      return { kind: 'sent', relation: 'on', day: argument(day) }
    case 'SENTSINCE':
      return { kind: 'sent', relation: 'since', day: argument(day) }
    case 'HEADER':
      return { kind: 'header', name: argument(text), text: argument(text) }
    case 'FROM':
    case 'TO':
    case 'CC':
    case 'BCC':
    case 'SUBJECT':
      return { kind: 'header', name, text: argument(text) }
    case 'BODY':
      return { kind: 'body', text: argument(text) }
    case 'TEXT':
      return { kind: 'text', text: argument(text) }
    case 'X-GM-MSGID':
      if (capabilities.has('X-GM-EXT-1')) return { kind: 'gmail-message', id: argument((each) => each.atom()) }
      break
    case 'EMAILID':
      if (capabilities.has('OBJECTID')) return { kind: 'emailid', id: argument((each) => each.atom()) }
      break
    case 'THREADID':
      if (capabilities.has('OBJECTID')) return { kind: 'threadid', id: argument((each) => each.atom()) }
      break
    case 'MODSEQ':
      if (capabilities.has('CONDSTORE')) return { kind: 'modseq', modseq: argument(readModseq) }
      break
    default:
  }
  throw new ImapSyntaxError(`Unknown search key ${name}`)
}
