import type { Socket } from 'node:net'

import { WireError } from '@everdraft/core'

import { aborted, connectionLost, silence } from '../imap/wire-failure.ts'
import { closing, type Reply } from './reply.ts'

export interface DialogueOptions {
  /** For messages: host and port. */
  readonly peer: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

// Far more than any reply that is meant to be read.
const longestReplyBytes = 64 * 1024

/**
 * Commands and replies on an authenticated socket. It knows how many replies are owed: one that nobody asked for is no answer to
 * what is asked next. Whatever ends the connection ends every waiting and every later call with the same error.
 */
export class SmtpDialogue {
  readonly #socket: Socket
  readonly #options: DialogueOptions
  readonly #onAbort = (): void => this.die(aborted(this.#options.peer))
  readonly #replies: Reply[] = []
  /** How each waiting call hears of the end. */
  readonly #waits = new Set<(error: WireError) => void>()
  #owed = 0
  #waiting: PromiseWithResolvers<Reply> | null = null
  #death: WireError | null = null
  #buffer: Buffer = Buffer.alloc(0)
  #lines: string[] = []

  constructor(socket: Socket, options: DialogueOptions) {
    this.#socket = socket
    this.#options = options
    socket.on('data', (data) => this.#take(data))
    socket.on('error', () => this.die(connectionLost(options.peer)))
    socket.on('end', () => this.die(connectionLost(options.peer)))
    socket.on('close', () => this.die(connectionLost(options.peer)))
    options.signal.addEventListener('abort', this.#onAbort, { once: true })
    if (options.signal.aborted) this.#onAbort()
  }

  get alive(): boolean {
    return this.#death === null
  }

  get peer(): string {
    return this.#options.peer
  }

  /** All at once (RFC 2920); a reply is owed for each. Lines hold no CR or LF. */
  send(...commands: readonly string[]): void {
    if (this.#death) throw this.#death
    this.#owed += commands.length
    this.#socket.write(commands.map((command) => `${command}\r\n`).join(''))
  }

  /** Octets that are owed no reply of their own. Resolves when they have left this process. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#death) throw this.#death
    const written = Promise.withResolvers<void>()
    // An error is told by the socket, too.
    this.#socket.write(bytes, () => written.resolve())
    await this.#within(this.#options.timeoutMs, written)
  }

  /** The final dot, whose reply is owed from here on. */
  finish(bytes: Uint8Array): void {
    if (this.#death) throw this.#death
    this.#socket.write(bytes)
  }

  /** A reply is owed for what is to be written, and one that comes early is not lost. */
  owe(): void {
    this.#owed += 1
  }

  /** Whether the next reply is here already. */
  get hasReply(): boolean {
    return this.#replies.length > 0
  }

  /** The next reply, all of it within that time, however slowly the server speaks. */
  async reply(timeoutMs: number = this.#options.timeoutMs): Promise<Reply> {
    const ready = this.#replies.shift()
    if (ready !== undefined) return ready
    if (this.#death) throw this.#death
    const waiting = Promise.withResolvers<Reply>()
    this.#waiting = waiting
    try {
      return await this.#within(timeoutMs, waiting)
    } finally {
      this.#waiting = null
    }
  }

  die(error: WireError): void {
    if (this.#death) return
    this.#death = error
    this.#options.signal.removeEventListener('abort', this.#onAbort)
    this.#socket.destroy()
    for (const fail of this.#waits) fail(error)
  }

  /** What the server does not do within that time it will not do: the connection ends. */
  async #within<T>(timeoutMs: number, { promise, reject }: PromiseWithResolvers<T>): Promise<T> {
    const timer = setTimeout(() => this.die(silence(this.#options.peer, timeoutMs)), timeoutMs)
    this.#waits.add(reject)
    try {
      return await promise
    } finally {
      this.#waits.delete(reject)
      clearTimeout(timer)
    }
  }

  #take(data: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? data : Buffer.concat([this.#buffer, data])
    for (let newline; (newline = this.#buffer.indexOf('\n')) !== -1 && this.alive;) {
      const line = this.#buffer.subarray(0, newline).toString().replace(/\r$/, '')
      this.#buffer = this.#buffer.subarray(newline + 1)
      this.#takeLine(line)
    }
    const length = this.#buffer.length + this.#lines.reduce((sum, line) => sum + line.length, 0)
    if (length > longestReplyBytes) this.#breakOff('says more than a reply can be')
  }

  #takeLine(line: string): void {
    const match = /^(\d{3})(?:([ -])(.*))?$/.exec(line)
    if (match === null) {
      this.#breakOff('does not speak SMTP')
      return
    }
    this.#lines.push(match[3] ?? '')
    if (match[2] === '-') return
    const reply: Reply = { code: Number(match[1]), lines: this.#lines }
    this.#lines = []
    const isAnswer = this.#owed > 0
    if (isAnswer) {
      this.#owed -= 1
      if (this.#waiting) this.#waiting.resolve(reply)
      else this.#replies.push(reply)
      this.#waiting = null
    }
    // What came before it can still be read.
    if (reply.code === closing) this.die(connectionLost(this.#options.peer))
    else if (!isAnswer) this.#breakOff('answers what it was not asked')
  }

  #breakOff(problem: string): void {
    this.die(new WireError('REFUSED', `${this.#options.peer} ${problem}`))
  }
}
