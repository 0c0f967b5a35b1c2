import { fieldStart } from './header-block.ts'

/** The line that ended a part (RFC 2046 §5.1.1). */
export interface Delimiter {
  /** Of the boundaries that were open, the outermost is 0. */
  readonly level: number
  readonly closes: boolean
}

// RFC 2046 allows 70 characters; some programs take more.
export const longestBoundary = 500
const longestDelimiterLine = longestBoundary + 200
/** More than that is no header; what follows is read as the body. */
const longestHeaderBytes = 1024 * 1024

/**
 * Reads a message in one pass as it stands: headers and bodies to the byte, a body in chunks. It knows delimiter lines
 * and nothing else of MIME.
 */
export class PartReader {
  readonly #source: AsyncIterator<Uint8Array>
  #buffer: Buffer = Buffer.alloc(0)
  #isSourceEnded = false
  /** Nothing of the line that begins here was given away yet. */
  #isLineStart = true
  #isPartEnded = false
  /** What ended the last part that was read; null at the end of the message. */
  delimiter: Delimiter | null = null

  constructor(raw: AsyncIterable<Uint8Array>) {
    this.#source = raw[Symbol.asyncIterator]()
  }

  /**
   * A header with the empty line after it, if there is one. A line that is no field ends it, too: then the empty line
   * is missing, and the body begins.
   */
  async readHeader(boundaries: readonly string[]): Promise<Buffer> {
    const lines: Buffer[] = []
    let size = 0
    this.#isPartEnded = false
    this.#isLineStart = true
    while (size < longestHeaderBytes) {
      const line = await this.#peekLine(longestHeaderBytes)
      const delimiter = matchDelimiter(line, boundaries)
      if (line.length === 0 || delimiter !== null) {
        this.#end(delimiter, line.length)
        // The line end before a delimiter belongs to it.
        return delimiter === null ? Buffer.concat(lines) : withoutLastLineEnd(Buffer.concat(lines))
      }
      const isFirst = lines.length === 0
      if (!isHeaderLine(line, isFirst && boundaries.length === 0)) break
      lines.push(line)
      size += line.length
      this.#take(line.length)
      if (isEmptyLine(line)) break
    }
    this.#isLineStart = true
    return Buffer.concat(lines)
  }

  /** The next bytes of the body; null at its end, which `delimiter` then explains. */
  async readBody(boundaries: readonly string[]): Promise<Buffer | null> {
    while (!this.#isPartEnded) {
      const chunk = this.#scan(boundaries)
      if (chunk !== null) {
        if (chunk.length > 0) return chunk
      } else if (!(await this.#pull())) {
        this.#isSourceEnded = true
      }
    }
    return null
  }

  async drain(boundaries: readonly string[]): Promise<void> {
    while ((await this.readBody(boundaries)) !== null);
  }

  /** A part goes on behind what ended it, with other boundaries: the epilogue of a multipart. */
  resume(): void {
    this.#isPartEnded = false
    this.#isLineStart = true
  }

  /** Gives the source a chance to clean up. */
  async close(): Promise<void> {
    await this.#source.return?.()
  }

  /** Null: more bytes are needed. */
  #scan(boundaries: readonly string[]): Buffer | null {
    const buffer = this.#buffer
    let from = 0
    if (this.#isLineStart) {
      if (buffer.length < 2 && !this.#isSourceEnded) return null
      if (buffer[0] === dash && buffer[1] === dash) {
        const found = this.#checkLine(0, boundaries)
        if (found === 'unknown') return null
        if (found !== null) return this.#endAt(0, 0, found)
      }
    }
    for (;;) {
      const lineFeed = buffer.indexOf('\n--', from, 'latin1')
      if (lineFeed === -1) break
      const contentEnd = lineFeed > 0 && buffer[lineFeed - 1] === carriageReturn ? lineFeed - 1 : lineFeed
      const found = this.#checkLine(lineFeed + 1, boundaries)
      if (found === 'unknown') return contentEnd > 0 ? this.#take(contentEnd) : null
      if (found !== null) return this.#endAt(contentEnd, lineFeed + 1, found)
      from = lineFeed + 1
    }
    if (this.#isSourceEnded) {
      this.#end(null, 0)
      return this.#take(buffer.length)
    }
    // `\r\n--` may be on its way.
    return buffer.length > 4 ? this.#take(buffer.length - 4) : null
  }

  #checkLine(start: number, boundaries: readonly string[]): Delimiter | null | 'unknown' {
    const end = this.#buffer.indexOf('\n', start, 'latin1')
    if (end === -1 && !this.#isSourceEnded && this.#buffer.length - start < longestDelimiterLine) return 'unknown'
    return matchDelimiter(this.#buffer.subarray(start, end === -1 ? undefined : end + 1), boundaries)
  }

  #endAt(contentEnd: number, lineStart: number, delimiter: Delimiter): Buffer {
    const content = this.#buffer.subarray(0, contentEnd)
    const lineEnd = this.#buffer.indexOf('\n', lineStart, 'latin1')
    this.#end(delimiter, lineEnd === -1 ? this.#buffer.length : lineEnd + 1)
    return content
  }

  #end(delimiter: Delimiter | null, taken: number): void {
    this.#take(taken)
    this.delimiter = delimiter
    this.#isPartEnded = true
  }

  #take(length: number): Buffer {
    const taken = this.#buffer.subarray(0, length)
    this.#buffer = this.#buffer.subarray(length)
    if (length > 0) this.#isLineStart = false
    return taken
  }

  /** With its end; all of what is left where there is none. It stays in the buffer. */
  async #peekLine(limit: number): Promise<Buffer> {
    let searched = 0
    for (;;) {
      const end = this.#buffer.indexOf('\n', searched, 'latin1')
      if (end !== -1) return this.#buffer.subarray(0, end + 1)
      searched = this.#buffer.length
      if (searched > limit || !(await this.#pull())) return this.#buffer
    }
  }

  async #pull(): Promise<boolean> {
    if (this.#isSourceEnded) return false
    const next = await this.#source.next()
    if (next.done) {
      this.#isSourceEnded = true
      return false
    }
    // A copy: the source may use its buffer again.
    this.#buffer = Buffer.concat([this.#buffer, next.value])
    return true
  }
}

const dash = 0x2d
const carriageReturn = 0x0d

function matchDelimiter(line: Buffer, boundaries: readonly string[]): Delimiter | null {
  if (line[0] !== dash || line[1] !== dash || line.length > longestDelimiterLine) return null
  const text = line.toString('latin1').replace(/[ \t\r\n]+$/, '')
  for (let level = boundaries.length - 1; level >= 0; level -= 1) {
    if (text === `--${boundaries[level]}`) return { level, closes: false }
    if (text === `--${boundaries[level]}--`) return { level, closes: true }
  }
  return null
}

function isHeaderLine(line: Buffer, mayBeEnvelope: boolean): boolean {
  if (isEmptyLine(line) || line[0] === 0x20 || line[0] === 0x09) return true
  const text = line.toString('latin1', 0, Math.min(line.length, 1000))
  // The line that mbox files put before a message.
  return fieldStart.test(text) || (mayBeEnvelope && /^>?From /.test(text))
}

function isEmptyLine(line: Buffer): boolean {
  return line[0] === 0x0a || (line[0] === carriageReturn && line[1] === 0x0a)
}

function withoutLastLineEnd(bytes: Buffer): Buffer {
  if (bytes.at(-1) !== 0x0a) return bytes
  return bytes.subarray(0, bytes.at(-2) === carriageReturn ? -2 : -1)
}
