import { fetched, textOf } from '@everdraft/testkit'
import type { ImapValue, RawLine, RawReply } from '@everdraft/testkit'

/**
 * What a client can see of a reply, without what servers may choose: tags, human text, the values of UIDVALIDITY and
 * MODSEQ, the order of untagged responses, how a string is written, the case of what is case-insensitive.
 * Keyed by what it is about, so that two servers are compared fact by fact.
 */
export type Facts = Readonly<Record<string, string>>

export function factsOf(reply: RawReply): Facts {
  const facts: Record<string, string> = { status: reply.status }
  const expunged = expungedOf(reply.untagged)
  if (expunged !== '') facts['EXPUNGE'] = expunged
  const code = codeFact(reply.code)
  if (code !== null) facts['code'] = code
  for (const line of reply.untagged) addLine(facts, line)
  return facts
}

const ignoredCodes = new Set(['CAPABILITY', 'ALERT', 'NOMODSEQ', 'URLMECH', 'MAILBOXID', 'ANNOTATIONS', 'UNSEEN'])

function codeFact(code: string): string | null {
  const [name = '', ...rest] = code.split(' ')
  const upper = name.toUpperCase()
  if (upper === '' || ignoredCodes.has(upper)) return null
  switch (upper) {
    case 'UIDVALIDITY':
    case 'HIGHESTMODSEQ':
      return upper
    case 'MODIFIED':
      return [upper, ...rest].join(' ')
    case 'APPENDUID':
    case 'COPYUID':
      return [upper, 'V', ...rest.slice(1)].join(' ')
    case 'BADCHARSET':
      return upper // The list of the charsets that are known may follow, or not (RFC 3501, 7.1).
    case 'BADURL':
      return [upper, ...rest]
        .join(' ')
        .replaceAll('"', '')
        .replaceAll(/UIDVALIDITY=\d{3,}/g, 'UIDVALIDITY=V')
    case 'PERMANENTFLAGS':
      return `${upper} ${systemFlags(rest.join(' '))}`
    default:
      return [upper, ...rest].join(' ')
  }
}

function addLine(facts: Record<string, string>, line: RawLine): void {
  const [, first, second] = line.values
  const attributes = fetched(line)
  if (attributes !== null) {
    const number = textOf(first)
    for (const [name, value] of attributes) {
      const parts = structures.has(name) ? leaves(structureValue(value)) : name === 'ENVELOPE' ? leaves(value) : null
      if (parts === null) facts[`FETCH ${number} ${name}`] = fetchFact(name, value)
      else for (const [path, leaf] of parts) facts[`FETCH ${number} ${name}${path}`] = leaf
    }
    return
  }
  const kind = (textOrEmpty(first) || '').toUpperCase()
  const numbered = textOrEmpty(second).toUpperCase()
  if (/^\d+$/.test(kind)) {
    if (numbered === 'EXISTS') facts['EXISTS'] = kind
    else if (numbered !== 'RECENT' && numbered !== 'EXPUNGE') facts[`* ${numbered}`] = kind
    return
  }
  switch (kind) {
    case 'OK':
    case 'NO':
    case 'BAD': {
      const code = /^\* \w+ \[([^\]]*)\]/.exec(line.text)?.[1]
      const fact = code === undefined ? null : codeFact(code)
      // Untagged refusals come with many texts; a code is what a program can act on.
      if (fact !== null) facts[`${kind} ${fact.split(' ')[0]}`] = fact
      return
    }
    case 'FLAGS':
      facts['FLAGS'] = systemFlags(line.text)
      return
    case 'SEARCH':
      if (/\(MODSEQ \d+\)$/i.test(line.text)) facts['SEARCH MODSEQ'] = 'M'
      facts['SEARCH'] = line.values
        .slice(2)
        .filter((value) => !Array.isArray(value))
        .map((value) => textOf(value))
        .map(Number)
        .toSorted((x, y) => x - y)
        .join(' ')
      return
    case 'ESEARCH':
      facts['ESEARCH'] = esearchFact(line.text)
      return
    case 'LIST':
    case 'LSUB': {
      const name = textOrEmpty(line.values[4])
      facts[`${kind} ${name}`] =
        `${listOf(line.values[2]).toLowerCase().split(' ').toSorted().join(' ')} ${textOrEmpty(line.values[3])}`
      return
    }
    case 'STATUS':
      facts[`STATUS ${textOrEmpty(second)}`] = statusFact(line.values[3])
      return
    case 'VANISHED':
      facts['VANISHED'] = line.text.slice('* VANISHED '.length)
      return
    case 'CAPABILITY':
      return
    case 'ENABLED':
      // CONDSTORE comes with QRESYNC (RFC 7162, 3.2.3); one names both, one does not.
      facts['ENABLED'] = line.values
        .slice(2)
        .map(textOrEmpty)
        .filter((name) => name !== 'CONDSTORE')
        .toSorted()
        .join(' ')
      return
    default:
      facts[`* ${kind}`] = line.text
  }
}

/** The result options have no order (RFC 4731). */
function esearchFact(text: string): string {
  const results = text.toUpperCase().replace(/^\* ESEARCH \(TAG "[^"]*"\) ?/i, '')
  return [...results.matchAll(/\b(UID|(?:MIN|MAX|COUNT|ALL|MODSEQ) \S+)/g)]
    .map(([result]) => result)
    .toSorted()
    .join(', ')
}

const structures = new Set(['BODY', 'BODYSTRUCTURE'])

function fetchFact(name: string, value: ImapValue): string {
  if (name === 'MODSEQ') return 'M'
  if (name === 'FLAGS') return systemFlags(listOf(value))
  if (name === 'INTERNALDATE') return moment(textOf(value) ?? '')
  return show(value)
}

function moment(text: string): string {
  return new Date(text.trim().replace(/^(\d+)-(\w+)-/, '$1 $2 ')).toISOString()
}

/** Part by part, for servers may be right in different parts: `.2.1` is the first field of the second. */
function leaves(value: ImapValue, path = ''): readonly (readonly [path: string, leaf: string])[] {
  if (!Array.isArray(value)) return [[path, show(value)]]
  const list = value as readonly ImapValue[]
  return [
    [`${path}.length`, String(list.length)],
    ...list.flatMap((each, index) => leaves(each, `${path}.${index + 1}`)),
  ]
}

/**
 * Which messages went, by the numbers they had before: `2, 1` and `1, 1` both say the first two, since each EXPUNGE
 * moves up what follows (RFC 3501, 7.4.1).
 */
function expungedOf(lines: readonly RawLine[]): string {
  const gone: number[] = []
  for (const { text } of lines) {
    const number = /^\* (\d+) EXPUNGE/i.exec(text)?.[1]
    if (number === undefined) continue
    let original = Number(number)
    for (const earlier of gone) if (earlier <= original) original += 1
    gone.push(original)
    gone.sort((x, y) => x - y)
  }
  return gone.join(' ')
}

/** Every string alike, whichever way it was written; NIL apart from "NIL". */
function show(value: ImapValue): string {
  if (Array.isArray(value)) return `(${(value as readonly ImapValue[]).map(show).join(' ')})`
  const text = textOf(value)
  return text === null ? 'NIL' : JSON.stringify(text)
}

/** Types, encodings and parameter names are case-insensitive (RFC 2045), and parameters have no order. */
function structureValue(value: ImapValue): ImapValue {
  if (!Array.isArray(value)) return upperCase(value)
  const list = value as readonly ImapValue[]
  if (Array.isArray(list[0])) {
    const parts = list.filter((each, index) => Array.isArray(each) && list.slice(0, index).every(Array.isArray))
    const [subtype, parameters, disposition, ...rest] = list.slice(parts.length)
    return [
      ...parts.map(structureValue),
      upperCase(subtype ?? null),
      parameterList(parameters),
      dispositionValue(disposition),
      ...rest,
    ]
  }
  const [type, subtype, parameters, id, description, encoding, size, ...rest] = list
  const kind = `${textOrEmpty(type)}/${textOrEmpty(subtype)}`.toUpperCase()
  const basic = [
    upperCase(type ?? null),
    upperCase(subtype ?? null),
    parameterList(parameters),
    id ?? null,
    description ?? null,
    upperCase(encoding ?? null),
    size ?? null,
  ]
  if (kind === 'MESSAGE/RFC822') {
    const [envelope, structure, lineCount, ...extension] = rest
    return [
      ...basic,
      envelope ?? null,
      structureValue(structure ?? null),
      lineCount ?? null,
      ...extensionValues(extension),
    ]
  }
  if (kind.startsWith('TEXT/')) return [...basic, rest[0] ?? null, ...extensionValues(rest.slice(1))]
  return [...basic, ...extensionValues(rest)]
}

function extensionValues([md5, disposition, ...rest]: readonly ImapValue[]): readonly ImapValue[] {
  return [
    md5 ?? null,
    dispositionValue(disposition),
    ...rest.map((each) => (Array.isArray(each) && each.length === 1 ? (each[0] ?? null) : each)),
  ]
}

function dispositionValue(value: ImapValue | undefined): ImapValue {
  if (!Array.isArray(value)) return value ?? null
  const [kind, parameters] = value as readonly ImapValue[]
  return [upperCase(kind ?? null), parameterList(parameters)]
}

function parameterList(value: ImapValue | undefined): ImapValue {
  if (!Array.isArray(value)) return value ?? null
  const list = value as readonly ImapValue[]
  const pairs: string[] = []
  for (let i = 0; i < list.length; i += 2)
    pairs.push(`${textOrEmpty(list[i]).toUpperCase()}=${textOrEmpty(list[i + 1])}`)
  return pairs.toSorted()
}

function upperCase(value: ImapValue): ImapValue {
  return value === null || Array.isArray(value) ? value : (textOf(value) ?? '').toUpperCase()
}

function statusFact(value: ImapValue | undefined): string {
  if (!Array.isArray(value)) return ''
  const list = value as readonly ImapValue[]
  const items: string[] = []
  for (let i = 0; i < list.length; i += 2) {
    const name = textOrEmpty(list[i]).toUpperCase()
    const valueText = name === 'UIDVALIDITY' ? 'V' : name === 'HIGHESTMODSEQ' ? 'M' : textOrEmpty(list[i + 1])
    items.push(`${name} ${valueText}`)
  }
  return items.toSorted().join(', ')
}

/** Which keywords a folder lists beforehand, and \Recent, is the server's own business. */
function systemFlags(text: string): string {
  const flags = text.match(/\\[A-Za-z*]+|[$A-Za-z][$\w]*/g) ?? []
  return flags
    .map((flag) => flag.toLowerCase())
    .filter((flag) => /^(\\|\$test|project)/.test(flag) && flag !== '\\recent')
    .toSorted()
    .join(' ')
}

function listOf(value: ImapValue | undefined): string {
  return Array.isArray(value) ? (value as readonly ImapValue[]).map(textOrEmpty).toSorted().join(' ') : ''
}

function textOrEmpty(value: ImapValue | undefined): string {
  return Array.isArray(value) ? '' : (textOf(value) ?? '')
}
