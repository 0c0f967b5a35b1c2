import type { Duplex } from 'node:stream'

import { ResponseReader, type LiteralSink } from './response-reader.ts'
import type { DataResponse, Response, StatusResponse } from './response.ts'
import { aborted, connectionLost, silence } from './wire-failure.ts'

/** A literal to be sent. It is opened when its turn comes, and passes through in the pieces that it yields. */
export interface Literal {
  readonly size: number
  open(): AsyncIterable<Uint8Array>
}

/** What a command is made of, in order; strings are ASCII and hold no CR or LF. */
export type CommandPart = string | Literal

/** How the server ended a command. */
export interface Completion {
  readonly status: 'OK' | 'NO' | 'BAD'
  readonly code: string | null
  readonly codeArgument: string
  readonly text: string
}

export interface CommandHandlers {
  onData?(response: DataResponse): void
  onUntaggedStatus?(response: StatusResponse): void
  onLiteral?(line: string): LiteralSink | null
  /** Something here keeps the server waiting, so that its silence means nothing. */
  isHeldUp?(): boolean
}

export interface ConnectionOptions {
  /** For messages: host and port. */
  readonly peer: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** RFC 7888: small literals need not wait for the server's `+`. */
  readonly smallLiteralsNeedNoConsent: boolean
}

// LITERAL- allows no more (RFC 7888 §5). Above it we wait for the `+` even where LITERAL+ would not ask us to:
// a refusal then costs one line and not the whole attachment.
const consentFreeBytes = 4096

// Long enough for the tagged answer that a correct server sends after its untagged BAD.
const untaggedBadGraceMs = 2000

interface Running {
  readonly tag: string
  readonly handlers: CommandHandlers
  readonly completion: PromiseWithResolvers<Completion>
  consent: PromiseWithResolvers<void> | null
  /** Ends the waiting for a write that the server no longer reads. */
  stopWriting: () => void
  /** The answer is here. */
  done: boolean
  readonly hasLiterals: boolean
}

const sendAtOnceBytes = 64 * 1024

/** Gathers small pieces, so that each is not a packet of its own. */
class SendBuffer {
  #pieces: Uint8Array[] = []
  #size = 0

  get isFull(): boolean {
    return this.#size >= sendAtOnceBytes
  }

  add(piece: Uint8Array): void {
    this.#pieces.push(piece)
    this.#size += piece.length
  }

  take(): readonly Uint8Array[] {
    const pieces = this.#pieces
    this.#pieces = []
    this.#size = 0
    return pieces
  }
}

/**
 * Commands and responses on an authenticated socket, one command at a time. Whatever ends the connection ends the
 * running command and every later one with the same error.
 */
export class ImapConnection {
  readonly #socket: Duplex
  readonly #options: ConnectionOptions
  readonly #onAbort = (): void => this.die(aborted(this.#options.peer))
  #turn: Promise<unknown> = Promise.resolve()
  #tags = 0
  #running: Running | null = null
  #death: Error | null = null
  #lastActivity = Date.now()
  #waitingForSource = false
  #watchdog: NodeJS.Timeout | null = null
  #grace: NodeJS.Timeout | null = null
  #loggingOut = false

  constructor(socket: Duplex, options: ConnectionOptions) {
    this.#socket = socket
    this.#options = options
    // The read loop reports it; without a listener Node would end the process.
    socket.on('error', () => {})
    options.signal.addEventListener('abort', this.#onAbort, { once: true })
    if (options.signal.aborted) this.#onAbort()
    void this.#read()
  }

  /** Host and port, for messages. */
  get peer(): string {
    return this.#options.peer
  }

  get alive(): boolean {
    return this.#death === null
  }

  /** Runs after all commands that were given before it. */
  async run(parts: readonly CommandPart[], handlers: CommandHandlers = {}): Promise<Completion> {
    const before = this.#turn
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#turn = promise
    try {
      await before
      return await this.#execute(parts, handlers)
    } finally {
      resolve()
    }
  }

  /** LOGOUT, then the end in any case. */
  async logOut(waitMs: number): Promise<void> {
    if (this.#death) return
    this.#loggingOut = true
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, waitMs)
    this.run(['LOGOUT']).then(
      () => resolve(),
      () => resolve(),
    )
    await promise
    clearTimeout(timer)
    this.die(connectionLost(this.#options.peer))
  }

  die(error: Error): void {
    if (this.#death) return
    this.#death = error
    this.#options.signal.removeEventListener('abort', this.#onAbort)
    if (this.#watchdog) clearTimeout(this.#watchdog)
    if (this.#grace) clearTimeout(this.#grace)
    this.#socket.destroy()
    this.#running?.completion.reject(error)
    this.#running?.consent?.resolve()
    this.#running?.stopWriting()
  }

  async #execute(parts: readonly CommandPart[], handlers: CommandHandlers): Promise<Completion> {
    if (this.#death) throw this.#death
    this.#tags += 1
    const running: Running = {
      tag: `E${this.#tags}`,
      handlers,
      completion: Promise.withResolvers(),
      consent: null,
      stopWriting: () => {},
      done: false,
      hasLiterals: parts.some((part) => typeof part !== 'string'),
    }
    // It may fail while the sending is awaited; whoever awaits it later still sees the failure.
    running.completion.promise.catch(() => {})
    this.#running = running
    this.#watch()
    try {
      await this.#send(parts, running)
      return await running.completion.promise
    } finally {
      this.#running = null
      if (this.#watchdog) clearTimeout(this.#watchdog)
      if (this.#grace) clearTimeout(this.#grace)
    }
  }

  async #send(parts: readonly CommandPart[], running: Running): Promise<void> {
    const unsent = new SendBuffer()
    unsent.add(Buffer.from(`${running.tag} `))
    for (const part of parts) {
      if (typeof part === 'string') {
        unsent.add(Buffer.from(part, 'latin1'))
        continue
      }
      const consentFree = this.#options.smallLiteralsNeedNoConsent && part.size <= consentFreeBytes
      unsent.add(Buffer.from(`{${part.size}${consentFree ? '+' : ''}}\r\n`))
      if (!consentFree && !(await this.#askForConsent(unsent.take(), running))) return
      for await (const chunk of this.#pieces(part)) {
        unsent.add(chunk)
        if (unsent.isFull) await this.#write(unsent.take(), running)
        if (this.#isCutShort(running)) return
      }
    }
    unsent.add(Buffer.from('\r\n'))
    if (!this.#isCutShort(running)) await this.#write(unsent.take(), running)
  }

  /** False: the command has its answer already, and it was a refusal. */
  async #askForConsent(pieces: readonly Uint8Array[], running: Running): Promise<boolean> {
    running.consent = Promise.withResolvers()
    await this.#write(pieces, running)
    await running.consent.promise
    running.consent = null
    if (this.#death) throw this.#death
    return !running.done
  }

  /** The server has answered before it had the whole command. */
  #isCutShort(running: Running): boolean {
    if (!running.done) return false
    // It may take what it has not read of a literal for commands, so nothing more can be said here.
    this.die(connectionLost(this.#options.peer))
    return true
  }

  /** The pieces of a literal, checked against its announced size: one byte too few or too many and the server would misread what follows. */
  async *#pieces(literal: Literal): AsyncGenerator<Uint8Array, void, undefined> {
    let left = literal.size
    const source = literal.open()[Symbol.asyncIterator]()
    try {
      for (;;) {
        this.#waitingForSource = true
        const next = await source.next()
        this.#waitingForSource = false
        this.#lastActivity = Date.now()
        if (this.#death) throw this.#death
        if (next.done === true) break
        left -= next.value.length
        if (left < 0) throw new RangeError(`A segment yields more than the ${literal.size} bytes it announced`)
        if (next.value.length > 0) yield next.value
      }
      if (left > 0) throw new RangeError(`A segment yields ${literal.size - left} bytes instead of ${literal.size}`)
    } catch (error) {
      // The literal cannot be completed any more, and there is no other way to take it back.
      this.die(connectionLost(this.#options.peer))
      throw error
    } finally {
      this.#waitingForSource = false
      await source.return?.()
    }
  }

  /** Resolves when the operating system has taken the bytes, or when the command has its answer. */
  async #write(pieces: readonly Uint8Array[], running: Running): Promise<void> {
    if (this.#death) throw this.#death
    await new Promise<void>((resolve) => {
      running.stopWriting = resolve
      this.#socket.cork()
      for (const piece of pieces) this.#socket.write(piece)
      this.#socket.write('', (error) => {
        this.#lastActivity = Date.now()
        if (error) this.die(connectionLost(this.#options.peer))
        resolve()
      })
      this.#socket.uncork()
    })
    if (this.#death) throw this.#death
  }

  async #read(): Promise<void> {
    const reader = new ResponseReader({
      onResponse: (response) => this.#respond(response),
      onLiteral: (line) => this.#running?.handlers.onLiteral?.(line) ?? null,
    })
    try {
      for await (const chunk of this.#socket as AsyncIterable<Buffer>) {
        this.#lastActivity = Date.now()
        await reader.push(chunk)
        this.#lastActivity = Date.now()
      }
    } catch {
      // What it was is of no use to anyone: the connection is gone.
    }
    this.die(connectionLost(this.#options.peer))
  }

  #respond(response: Response): void {
    const running = this.#running
    switch (response.kind) {
      case 'continue':
        running?.consent?.resolve()
        return
      case 'data':
        running?.handlers.onData?.(response)
        return
      case 'status':
        this.#status(response, running)
        return
      case 'unreadable':
        return
    }
  }

  #status(response: StatusResponse, running: Running | null): void {
    if (response.status === 'BYE') {
      if (!this.#loggingOut) this.die(connectionLost(this.#options.peer))
      return
    }
    if (response.tag === running?.tag) {
      if (response.status !== 'PREAUTH') this.#complete(running, { ...response, status: response.status })
      return
    }
    if (response.tag !== '*' || !running) return
    running.handlers.onUntaggedStatus?.(response)
    // Some servers refuse a literal with an untagged BAD and nothing else (RFC 3501 §7.1.3 allows it; hazard 5).
    if (response.status !== 'BAD' || !running.hasLiterals) return
    const refusal: Completion = { ...response, status: 'BAD' }
    if (running.consent) {
      this.#complete(running, refusal)
      return
    }
    this.#grace = setTimeout(() => {
      this.#complete(running, refusal)
      this.die(connectionLost(this.#options.peer))
    }, untaggedBadGraceMs)
  }

  #complete(running: Running, completion: Completion): void {
    running.done = true
    running.completion.resolve(completion)
    running.consent?.resolve()
    running.stopWriting()
  }

  #watch(): void {
    this.#lastActivity = Date.now()
    const check = (): void => {
      const { timeoutMs, peer } = this.#options
      if (this.#waitingForSource || this.#running?.handlers.isHeldUp?.() === true) this.#lastActivity = Date.now()
      const left = this.#lastActivity + timeoutMs - Date.now()
      if (left <= 0) this.die(silence(peer, timeoutMs))
      else this.#watchdog = setTimeout(check, left)
    }
    this.#watchdog = setTimeout(check, this.#options.timeoutMs)
  }
}
