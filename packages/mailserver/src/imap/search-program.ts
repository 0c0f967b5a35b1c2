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

export const UnknownCharset: unique symbol = Symbol('unknown charset')

const FLAG_KEYS: ReadonlyMap<string, string> = new Map([
  ['ANSWERED', '\\Answered'],
  ['DELETED', '\\Deleted'],
  ['DRAFT', '\\Draft'],
  ['FLAGGED', '\\Flagged'],
  ['SEEN', '\\Seen'],
])

export function readSearchProgram(args: Scanner): SearchKey | typeof UnknownCharset {
  let first = args.atLiteral() ? '' : args.takeWhile(/[A-Za-z]/u).toUpperCase()
  let known = true
  if (first === 'CHARSET') {
    args.space()
    known = ['US-ASCII', 'UTF-8'].includes(args.astring().toUpperCase())
    args.space()
    first = ''
  }
  const keys = [readKey(args, first)]
  while (args.skip(' ')) keys.push(readKey(args))
  return known ? { kind: 'and', keys } : UnknownCharset
}

const text = (args: Scanner): string => utf8OfByteString(args.astring())

function day(args: Scanner): number {
  const parsed = parseDay(args.astring())
  if (parsed === undefined) throw new ImapSyntaxError('Invalid search date')
  return parsed
}

function readKey(args: Scanner, start = ''): SearchKey {
  if (start === '') {
    if (args.peek() === '(') return { kind: 'and', keys: args.list(() => readKey(args)) }
    if (/[0-9*]/u.test(args.peek() ?? '')) return { kind: 'sequence', set: parseSequenceSet(args.sequenceText()) }
  }
  const name = start + args.takeWhile(/[A-Za-z]/u).toUpperCase()
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
      return { kind: 'not', key: argument((each) => readKey(each)) }
    case 'OR':
      return { kind: 'or', left: argument((each) => readKey(each)), right: argument((each) => readKey(each)) }
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
    default:
      throw new ImapSyntaxError(`Unknown search key ${name}`)
  }
}
