import { decodeCharset } from './charset.ts'

// RFC 2047 §2: an encoded word has at most 75 characters; 45 bytes are 60 in base64, and `=?UTF-8?B?` `?=` are 12 more.
const maxWordBytes = 45

const printable = /^[\x20-\x7e]*$/

/** Whether a header can hold the text as it is: printable ASCII that no reader takes for encoded words or trims. */
export function isPlainHeaderText(text: string): boolean {
  return printable.test(text) && !text.includes('=?') && !/^ | $| {2}/.test(text)
}

/** The text as encoded words, folded. A character is never split between two of them (RFC 2047 §5). */
export function encodedWords(text: string): string {
  const words: string[] = []
  let word = ''
  let wordBytes = 0
  for (const character of text.toWellFormed()) {
    const bytes = Buffer.byteLength(character)
    if (wordBytes + bytes > maxWordBytes) {
      words.push(word)
      word = ''
      wordBytes = 0
    }
    word += character
    wordBytes += bytes
  }
  words.push(word)
  return words.map((part) => `=?UTF-8?B?${Buffer.from(part).toString('base64')}?=`).join('\r\n ')
}

const encodedWord = /=\?([^?\s]+)\?([BQ])\?([^?]*)\?=/gi

interface Run {
  readonly text: string
  readonly isWords: boolean
}

/** Text in which encoded words may stand. */
export function decodeWords(text: string): string {
  return [...runs(text)].map((run) => run.text).join('')
}

/** The same text with its words in UTF-8, for a reader that knows fewer charsets and forgives less. */
export function inUtf8Words(text: string): string {
  return [...runs(text)].map((run) => (run.isWords ? encodedWords(run.text) : run.text)).join('')
}

/**
 * What stands between encoded words, and what they say. Words of one charset that follow each other are put together
 * before they are decoded: some programs split characters between them, against RFC 2047 §5.
 */
function* runs(text: string): Generator<Run, void, undefined> {
  let words = ''
  let charset: string | null = null
  let bytes: Buffer[] = []
  let end = 0
  const decode = (): string => decodeCharset(Buffer.concat(bytes), charset ?? '')
  for (const match of text.matchAll(encodedWord)) {
    const between = text.slice(end, match.index)
    // RFC 2047 §6.2: white space between encoded words is not shown.
    const isNext = charset !== null && /^\s*$/.test(between)
    const ownCharset = (match[1] ?? '').toLowerCase()
    if (!isNext || charset !== ownCharset) {
      words += decode()
      bytes = []
    }
    if (!isNext) {
      if (words !== '') yield { text: words, isWords: true }
      if (between !== '') yield { text: between, isWords: false }
      words = ''
    }
    bytes.push(decodeWord(match[2] ?? '', match[3] ?? ''))
    charset = ownCharset
    end = match.index + match[0].length
  }
  words += decode()
  if (words !== '') yield { text: words, isWords: true }
  if (end < text.length) yield { text: text.slice(end), isWords: false }
}

function decodeWord(encoding: string, payload: string): Buffer {
  if (encoding.toUpperCase() === 'B') return Buffer.from(payload, 'base64')
  const binary = payload
    .replaceAll('_', ' ')
    .replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(binary, 'latin1')
}
