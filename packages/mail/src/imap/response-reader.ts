import { readResponse, type Response } from './response.ts'

/** Takes a literal as it arrives; the reader waits for it, so that back-pressure reaches the socket. */
export interface LiteralSink {
  write(chunk: Uint8Array): Promise<void>
  end(): void
}

export interface ResponseHandler {
  onResponse(response: Response): void
  /** Who takes a literal of `size` bytes that follows `line`; null: it becomes part of the response. */
  onLiteral(line: string, size: number): LiteralSink | null
  /** After a response: what comes next is something else, and not to be read here. */
  isLast(): boolean
}

// Generous: a SEARCH over a million messages stays below it. It bounds what a broken server can make us hold.
const maxResponseBytes = 64 * 1024 * 1024

const lineFeed = 0x0a

const statusStart = /^\S+ (?:OK|NO|BAD|BYE|PREAUTH)\b/i

/**
 * Cuts what the server sends into responses (RFC 3501 §2.2.2). imapflow's own reader joins every literal in memory;
 * this one can hand a literal on while it arrives.
 */
export class ResponseReader {
  readonly #handler: ResponseHandler
  #line: Buffer[] = []
  #literal: Buffer[] = []
  #literals: Buffer[] = []
  #literalLeft = 0
  #sink: LiteralSink | null = null
  #held = 0

  constructor(handler: ResponseHandler) {
    this.#handler = handler
  }

  /** Resolves with what is left of `chunk` after the last response that is to be read. */
  async push(chunk: Buffer): Promise<Buffer> {
    let rest = chunk
    while (rest.length > 0 && !this.#handler.isLast()) {
      rest = this.#literalLeft > 0 ? await this.#takeLiteral(rest) : await this.#takeLine(rest)
    }
    return rest
  }

  async #takeLiteral(chunk: Buffer): Promise<Buffer> {
    const piece = chunk.subarray(0, this.#literalLeft)
    this.#literalLeft -= piece.length
    if (this.#sink) await this.#sink.write(piece)
    else this.#hold(this.#literal, piece)
    if (this.#literalLeft === 0) this.#endLiteral()
    return chunk.subarray(piece.length)
  }

  #endLiteral(): void {
    this.#literals.push(Buffer.concat(this.#literal))
    this.#literal = []
    this.#sink?.end()
    this.#sink = null
  }

  async #takeLine(chunk: Buffer): Promise<Buffer> {
    const end = chunk.indexOf(lineFeed)
    if (end < 0) {
      this.#hold(this.#line, chunk)
      return Buffer.alloc(0)
    }
    this.#hold(this.#line, chunk.subarray(0, end + 1))
    const line = Buffer.concat(this.#line)
    // A text for people may end in what looks like a literal.
    const size =
      this.#literals.length === 0 && statusStart.test(line.subarray(0, 64).toString('latin1'))
        ? null
        : announcedLiteral(line)
    if (size === null) {
      const literals = this.#literals
      this.#line = []
      this.#literals = []
      this.#held = 0
      const text = withoutLineEnd(line)
      if (text.length > 0) this.#handler.onResponse(await readResponse(text, literals))
    } else {
      this.#line = [line]
      this.#literalLeft = size
      this.#sink = this.#handler.onLiteral(line.toString('latin1'), size)
      if (size === 0) this.#endLiteral()
    }
    return chunk.subarray(end + 1)
  }

  #hold(pieces: Buffer[], piece: Buffer): void {
    this.#held += piece.length
    if (this.#held > maxResponseBytes) throw new RangeError('The server sent a response that is too large')
    pieces.push(piece)
  }
}

/** RFC 3501 §4.3, and `~{n}` of RFC 3516. */
function announcedLiteral(line: Buffer): number | null {
  const match = /\{(\d{1,15})\+?\}\r?\n$/.exec(line.subarray(-24).toString('latin1'))
  return match ? Number(match[1]) : null
}

function withoutLineEnd(line: Buffer): Buffer {
  return line.at(-2) === 0x0d ? line.subarray(0, -2) : line.subarray(0, -1)
}
