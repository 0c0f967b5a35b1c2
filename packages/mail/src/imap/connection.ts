import type { Duplex } from 'node:stream'

import { createDeflater, inflated, type Deflater } from './compression.ts'
import { ResponseReader, type LiteralSink } from './response-reader.ts'
import { listOf, type DataResponse, type Response, type StatusResponse } from './response.ts'
import { aborted, connectionLost, silence } from './wire-failure.ts'

/** A literal to be sent. It is opened when its turn comes, and passes through in the pieces that it yields. */
export interface Literal {
  readonly size: number
  /** As `literal8` (RFC 3516 §4.4): it may hold NUL. */
  readonly binary?: boolean
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
  /** At once, before anything that came after it is read. */
  onCompletion?(completion: Completion): void
  /** Something here keeps the server waiting, so that its silence means nothing. */
  isHeldUp?(): boolean
}

export interface Command {
  readonly parts: readonly CommandPart[]
  readonly handlers: CommandHandlers
}

/** Hears every response; `verb` is that of the command that runs (`SELECT`, `UID FETCH`), or null. */
export type Listener = (response: DataResponse | StatusResponse, verb: string | null) => void

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

// What a server has sent together is here together. Nagle's algorithm (RFC 896) holds the rest back until the beginning is
// acknowledged, and a system with nothing to send acknowledges after 40 ms and more (RFC 1122 §4.2.3.2 allows 500).
const heldBackMs = 10

// Long enough for the tagged answer that a correct server sends after its untagged BAD.
const untaggedBadGraceMs = 2000

interface Running {
  readonly tag: string
  /** What its line begins with: the tag, unless that went ahead. */
  readonly opening: string
  readonly verb: string
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

// Two characters tell apart more commands than ever run at a time.
const tagCount = 36 ** 2

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
  /** Commands that wait for their turn. */
  #queued = 0
  #endIdle: (() => void) | null = null
  #listener: Listener | null = null
  #deflater: Deflater | null = null
  #startsInflating = false
  #tags = 0
  /** The tag of the next command is on the wire already. */
  #isTagAhead = false
  /** In the order in which they were sent. */
  #running: readonly Running[] = []
  #death: Error | null = null
  readonly #ended = Promise.withResolvers<never>()
  #lastActivity = Date.now()
  #waitingForSource = false
  #watchdog: NodeJS.Timeout | null = null
  #grace: NodeJS.Timeout | null = null
  #loggingOut = false

  constructor(socket: Duplex, options: ConnectionOptions) {
    this.#socket = socket
    this.#options = options
    this.#ended.promise.catch(() => {})
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

  /** Rejects with what ended it. */
  get ended(): Promise<never> {
    return this.#ended.promise
  }

  listen(listener: Listener | null): void {
    this.#listener = listener
  }

  /** Runs after all commands that were given before it. */
  async run(parts: readonly CommandPart[], handlers: CommandHandlers = {}): Promise<Completion> {
    return this.#inTurn(async () => this.#execute(parts, handlers))
  }

  /**
   * Sends them all before the first answer is here (RFC 3501 §5.5): one round trip, where none needs the result of another.
   * A refusal of one is none of the others.
   */
  async runTogether(commands: readonly Command[]): Promise<readonly Completion[]> {
    return this.#inTurn(async () => {
      if (commands.every(({ parts }) => parts.every((part) => typeof part === 'string'))) {
        return this.#executeTogether(commands)
      }
      const completions: Completion[] = []
      for (const { parts, handlers } of commands) completions.push(await this.#execute(parts, handlers))
      return completions
    })
  }

  /**
   * IDLE (RFC 2177) until `stop` resolves or somebody wants to give a command, which may be before it begins. Else it is
   * the server that ended it, or refused it.
   */
  async idle(stop: Promise<unknown>): Promise<'stopped' | 'ended' | 'refused'> {
    return this.#inTurn(async () => {
      if (this.#queued > 0) return 'stopped'
      const wanted = Promise.withResolvers<void>()
      this.#endIdle = wanted.resolve
      let isWaiting = false
      let isDone = false
      const running = this.#begin('IDLE', false, { isHeldUp: () => isWaiting })
      try {
        const [completion] = await this.#complete([running], async () => {
          // DONE before the server's `+` would be taken for a command.
          if (!(await this.#askForConsent([Buffer.from(`${running.opening}IDLE\r\n`)], running))) return
          isWaiting = true
          await Promise.race([stop, wanted.promise, running.completion.promise])
          isWaiting = false
          this.#lastActivity = Date.now()
          if (running.done) return
          isDone = true
          await this.#write([Buffer.from('DONE\r\n')], running)
        })
        if (completion?.status !== 'OK') return 'refused'
        return isDone ? 'stopped' : 'ended'
      } finally {
        this.#endIdle = null
      }
    })
  }

  /** COMPRESS DEFLATE (RFC 4978). A refusal changes nothing. */
  async compress(): Promise<void> {
    await this.#inTurn(async () => {
      await this.#execute(['COMPRESS DEFLATE'], {
        onCompletion: ({ status }) => {
          if (status === 'OK') this.#startsInflating = true
        },
      })
      if (this.#startsInflating) this.#deflater = createDeflater()
    })
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
    this.#ended.reject(error)
    this.#options.signal.removeEventListener('abort', this.#onAbort)
    if (this.#watchdog) clearTimeout(this.#watchdog)
    if (this.#grace) clearTimeout(this.#grace)
    this.#socket.destroy()
    this.#deflater?.close()
    for (const running of this.#running) {
      running.completion.reject(error)
      running.consent?.resolve()
      running.stopWriting()
    }
  }

  async #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const before = this.#turn
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#turn = promise
    this.#queued += 1
    this.#endIdle?.()
    try {
      await before
      this.#queued -= 1
      if (this.#death) throw this.#death
      return await act()
    } finally {
      resolve()
    }
  }

  async #execute(parts: readonly CommandPart[], handlers: CommandHandlers): Promise<Completion> {
    const hasLiterals = parts.some((part) => typeof part !== 'string')
    const running = this.#begin(parts[0], hasLiterals, handlers)
    const [completion] = await this.#complete([running], async () => this.#send(parts, running))
    return completion as Completion
  }

  async #executeTogether(commands: readonly Command[]): Promise<readonly Completion[]> {
    const batch = commands.map(({ parts, handlers }) => this.#begin(parts[0], false, handlers))
    const lines = batch.map(({ opening }, index) => {
      const parts = commands[index]?.parts.filter((part) => typeof part === 'string') ?? []
      return `${opening}${parts.join('')}\r\n`
    })
    const bytes = Buffer.from(lines.join(''), 'latin1')
    return this.#complete(batch, async () => {
      await this.#write([bytes], batch.at(-1) as Running)
      if (batch.length > 1) await this.#acknowledge(batch)
    })
  }

  /**
   * Cyrus sends each answer by itself, and the second one only when the first is acknowledged. What we send acknowledges it at
   * once: the tag of the next command, which costs nothing and asks for nothing.
   */
  async #acknowledge(batch: readonly Running[]): Promise<void> {
    await batch[0]?.completion.promise
    const all = Promise.allSettled(batch.map(({ completion }) => completion.promise))
    const { promise: over, resolve } = Promise.withResolvers<'over'>()
    // Where we were late ourselves, it may lie there and only be unread.
    const timer = setTimeout(() => void setImmediate(resolve, 'over'), heldBackMs)
    const isHeldBack = (await Promise.race([all, over])) === 'over'
    clearTimeout(timer)
    if (!isHeldBack || this.#death) return
    this.#isTagAhead = true
    await this.#write([Buffer.from(`${this.#tagAfter()} `)], batch.at(-1) as Running)
  }

  #tagAfter(): string {
    return ((this.#tags + 1) % tagCount).toString(36)
  }

  #begin(first: CommandPart | undefined, hasLiterals: boolean, handlers: CommandHandlers): Running {
    const tag = this.#tagAfter()
    this.#tags = (this.#tags + 1) % tagCount
    const opening = this.#isTagAhead ? '' : `${tag} `
    this.#isTagAhead = false
    const running: Running = {
      tag,
      opening,
      verb: /^(?:UID )?[A-Z]+/.exec(typeof first === 'string' ? first : '')?.[0] ?? '',
      handlers,
      completion: Promise.withResolvers(),
      consent: null,
      stopWriting: () => {},
      done: false,
      hasLiterals,
    }
    // It may fail while the sending is awaited; whoever awaits it later still sees the failure.
    running.completion.promise.catch(() => {})
    return running
  }

  async #complete(batch: readonly Running[], send: () => Promise<void>): Promise<readonly Completion[]> {
    this.#running = batch
    this.#watch()
    try {
      await send()
      return await Promise.all(batch.map(({ completion }) => completion.promise))
    } finally {
      this.#running = []
      if (this.#watchdog) clearTimeout(this.#watchdog)
      if (this.#grace) clearTimeout(this.#grace)
    }
  }

  async #send(parts: readonly CommandPart[], running: Running): Promise<void> {
    const unsent = new SendBuffer()
    unsent.add(Buffer.from(running.opening))
    for (const part of parts) {
      if (typeof part === 'string') {
        unsent.add(Buffer.from(part, 'latin1'))
        continue
      }
      const consentFree = this.#options.smallLiteralsNeedNoConsent && part.size <= consentFreeBytes
      const prefix = part.binary === true ? '~' : ''
      unsent.add(Buffer.from(`${prefix}{${part.size}${consentFree ? '+' : ''}}\r\n`))
      if (!consentFree && !(await this.#askForConsent(unsent.take(), running))) return
      for await (const chunk of this.#pieces(part)) {
        // It counts until the next is asked for. A large one is sent before that.
        unsent.add(chunk.length < sendAtOnceBytes ? Uint8Array.from(chunk) : chunk)
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
    const wire = this.#deflater ? await this.#deflater.compress(pieces) : pieces
    if (this.#isDead()) throw this.#death
    await new Promise<void>((resolve) => {
      running.stopWriting = resolve
      this.#socket.cork()
      for (const piece of wire) this.#socket.write(piece)
      this.#socket.write('', (error) => {
        this.#lastActivity = Date.now()
        if (error) this.die(connectionLost(this.#options.peer))
        else if (wire !== pieces) this.#deflater?.release(wire)
        resolve()
      })
      this.#socket.uncork()
    })
    if (this.#death) throw this.#death
  }

  async #read(): Promise<void> {
    const reader = new ResponseReader({
      onResponse: (response) => this.#respond(response),
      onLiteral: (line) => this.#firstUnanswered?.handlers.onLiteral?.(line) ?? null,
      isLast: () => this.#startsInflating,
    })
    try {
      const rest = await this.#readFrom(this.#socket.iterator({ destroyOnReturn: false }), reader)
      if (rest !== null) {
        this.#startsInflating = false
        await this.#readFrom(inflated(rest, this.#socket), reader)
      }
    } catch {
      // What it was is of no use to anyone: the connection is gone.
    }
    this.die(connectionLost(this.#options.peer))
  }

  /** To the end, or to where compression begins: then what came after that. */
  async #readFrom(source: AsyncIterable<Buffer>, reader: ResponseReader): Promise<Buffer | null> {
    for await (const chunk of source) {
      this.#lastActivity = Date.now()
      const rest = await reader.push(chunk)
      this.#lastActivity = Date.now()
      if (this.#startsInflating) return rest
    }
    return null
  }

  #respond(response: Response): void {
    switch (response.kind) {
      case 'continue':
        this.#running.find(({ consent }) => consent !== null)?.consent?.resolve()
        return
      case 'data':
        this.#data(response)
        return
      case 'status':
        this.#status(response)
        return
      case 'unreadable':
        return
    }
  }

  /** The server answers in the order of the commands where it matters (RFC 3501 §5.5). */
  get #firstUnanswered(): Running | undefined {
    return this.#running.find(({ done }) => !done)
  }

  #data(response: DataResponse): void {
    const running = this.#running.find(({ tag }) => tag === searchTag(response)) ?? this.#firstUnanswered
    running?.handlers.onData?.(response)
    this.#listener?.(response, running?.verb ?? null)
  }

  #status(response: StatusResponse): void {
    if (response.status === 'BYE') {
      if (!this.#loggingOut) this.die(connectionLost(this.#options.peer))
      return
    }
    const answered = this.#running.find(({ tag, done }) => tag === response.tag && !done)
    if (answered) {
      if (response.status !== 'PREAUTH') this.#answer(answered, { ...response, status: response.status })
      return
    }
    if (response.tag !== '*') return
    const running = this.#firstUnanswered
    this.#listener?.(response, running?.verb ?? null)
    if (!running) return
    running.handlers.onUntaggedStatus?.(response)
    // Some servers refuse a literal with an untagged BAD and nothing else (RFC 3501 §7.1.3 allows it; hazard 5).
    if (response.status !== 'BAD' || !running.hasLiterals) return
    const refusal: Completion = { ...response, status: 'BAD' }
    if (running.consent) {
      this.#answer(running, refusal)
      return
    }
    this.#grace = setTimeout(() => {
      this.#answer(running, refusal)
      this.die(connectionLost(this.#options.peer))
    }, untaggedBadGraceMs)
  }

  #answer(running: Running, completion: Completion): void {
    running.done = true
    running.handlers.onCompletion?.(completion)
    running.completion.resolve(completion)
    running.consent?.resolve()
    running.stopWriting()
  }

  #isDead(): boolean {
    return this.#death !== null
  }

  #watch(): void {
    this.#lastActivity = Date.now()
    const check = (): void => {
      const { timeoutMs, peer } = this.#options
      if (this.#waitingForSource || this.#running.some(({ handlers }) => handlers.isHeldUp?.() === true))
        this.#lastActivity = Date.now()
      const left = this.#lastActivity + timeoutMs - Date.now()
      if (left <= 0) this.die(silence(peer, timeoutMs))
      else this.#watchdog = setTimeout(check, left)
    }
    this.#watchdog = setTimeout(check, this.#options.timeoutMs)
  }
}

/** RFC 4466 §2.6.2: an ESEARCH response names its command. */
function searchTag({ keyword, attributes }: DataResponse): string | null {
  if (keyword !== 'ESEARCH') return null
  const [name, tag] = listOf(attributes[0])
  return name?.toUpperCase() === 'TAG' ? (tag ?? null) : null
}
