import { EverdraftError } from '../errors.ts'

const lineFeed = 0x0a
const carriageReturn = 0x0d
const mark = 0x3e
const separator = new TextEncoder().encode('From ')

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** The line before a message (RFC 4155, appendix A). Nobody is named in it: whose draft it is stands in the message. */
export function fromLine(date: number): string {
  const at = new Date(date)
  const day = String(at.getUTCDate()).padStart(2, ' ')
  const time = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map(twoDigits).join(':')
  return `From MAILER-DAEMON ${days[at.getUTCDay()]} ${months[at.getUTCMonth()]} ${day} ${time} ${at.getUTCFullYear()}\n`
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}

export function isMbox(bytes: Uint8Array): boolean {
  return separator.every((byte, index) => bytes[index] === byte)
}

/**
 * A message as it stands in an mbox: lines end in LF (RFC 4155), and one more `>` stands before each line that would be
 * taken for the beginning of the next message, or was (`mboxrd`: nothing of it is lost). With the empty line after it.
 */
export async function* toMbox(message: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let isLineStart = true
  for await (const line of lines(message)) {
    if (isLineStart && isFromLine(line)) yield Uint8Array.of(mark)
    isLineStart = line.at(-1) === lineFeed
    const isCrlf = isLineStart && line.at(-2) === carriageReturn
    yield isCrlf ? line.subarray(0, -2) : line
    if (isCrlf) yield Uint8Array.of(lineFeed)
  }
  if (!isLineStart) yield Uint8Array.of(lineFeed)
  yield Uint8Array.of(lineFeed)
}

/** `From ` after any number of `>`. */
function isFromLine(line: Uint8Array): boolean {
  let at = 0
  while (line[at] === mark) at += 1
  return separator.every((byte, index) => line[at + index] === byte)
}

/** A line that is longer is no line of a mail (RFC 5322 §2.1.1: 998), and is not held until it ends. */
const longestLine = 64 * 1024

/** With their ends, pieces of a line that is too long alone. */
async function* lines(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let rest: Uint8Array = new Uint8Array(0)
  for await (const piece of source) {
    let bytes: Uint8Array = piece
    if (rest.length > 0) {
      bytes = new Uint8Array(rest.length + piece.length)
      bytes.set(rest)
      bytes.set(piece, rest.length)
    }
    let at = 0
    for (;;) {
      const end = bytes.indexOf(lineFeed, at)
      if (end === -1) break
      yield bytes.subarray(at, end + 1)
      at = end + 1
    }
    rest = bytes.slice(at)
    if (rest.length > longestLine) {
      yield rest
      rest = new Uint8Array(0)
    }
  }
  if (rest.length > 0) yield rest
}

/** One message of an mbox, to be read before the next one is asked for; what of it is left is passed over. */
export type MboxMessage = AsyncIterable<Uint8Array>

/**
 * The messages of an mbox, with CRLF. A line that begins with `From ` begins one where an empty line stands before it and a time
 * in it: programs that do not quote leave others in the text.
 * @throws {EverdraftError} VALIDATION_ERROR where it does not begin with one
 */
export async function* fromMbox(source: AsyncIterable<Uint8Array>): AsyncGenerator<MboxMessage, void, undefined> {
  const all = lines(source)
  let next = await all.next()
  if (next.done === true || !isMbox(next.value)) {
    throw new EverdraftError('VALIDATION_ERROR', 'mbox: does not begin with a From line', {
      errors: [{ path: 'mbox', message: 'does not begin with a From line' }],
    })
  }
  let isEnd = false
  async function* message(): AsyncGenerator<Uint8Array, void, undefined> {
    // The one before the next message is no line of this one, so that each waits until it is seen what follows it.
    let blank: Uint8Array | null = null
    let isLineStart = true
    for (;;) {
      next = await all.next()
      if (next.done === true) {
        isEnd = true
        return
      }
      const line: Uint8Array = next.value
      if (blank !== null) {
        if (isSeparator(line)) return
        yield blank
        blank = null
      }
      const mail: Uint8Array = isLineStart ? asMail(line) : line.slice()
      isLineStart = line.at(-1) === lineFeed
      if (mail.length === 2 && isLineStart && mail[0] === carriageReturn) blank = mail
      else yield mail
    }
  }
  while (!isEnd) {
    const one = message()
    yield { [Symbol.asyncIterator]: () => one }
    for await (const _ of one);
  }
}

function isSeparator(line: Uint8Array): boolean {
  return isMbox(line) && /\d:\d\d/.test(new TextDecoder('latin1').decode(line.subarray(0, 200)))
}

function asMail(line: Uint8Array): Uint8Array {
  const unquoted = line[0] === mark && isFromLine(line) ? line.subarray(1) : line
  if (unquoted.at(-1) !== lineFeed) return unquoted.slice()
  const end = unquoted.at(-2) === carriageReturn ? -2 : -1
  const ended = new Uint8Array(unquoted.length + (end === -1 ? 1 : 0))
  ended.set(unquoted.subarray(0, end))
  ended.set([carriageReturn, lineFeed], ended.length - 2)
  return ended
}
