import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { parseValues, textOf } from './imap-values.ts'
import type { ImapValue } from './imap-values.ts'

/** A literal to be sent within a command. */
export interface LiteralToSend {
  readonly send: Uint8Array
  /** `sync` waits for the server's `+` (RFC 3501), `non-sync` does not (`{n+}`, RFC 7888); `binary` is literal8 (RFC 3516). */
  readonly as: 'sync' | 'non-sync' | 'binary' | 'binary-non-sync'
}

export function literal(bytes: Uint8Array | string, as: LiteralToSend['as'] = 'sync'): LiteralToSend {
  return { send: typeof bytes === 'string' ? Buffer.from(bytes) : bytes, as }
}

export interface RawLine {
  /** The line without its CRLF, literals as `{n}`, CRLF and their bytes; one character for each byte. */
  readonly text: string
  readonly values: readonly ImapValue[]
}

export interface RawReply {
  /** `NONE`: the connection ended before the tagged line came. */
  readonly status: 'OK' | 'NO' | 'BAD' | 'NONE'
  /** What stood in brackets, such as `APPENDUID 1 2`; empty when there was none. */
  readonly code: string
  readonly text: string
  readonly untagged: readonly RawLine[]
}

export interface ListedMessage {
  readonly uid: number
  readonly flags: readonly string[]
  readonly messageId: string | null
  readonly size: number
  readonly bytes: Buffer
}

export interface RawImap {
  readonly greeting: string
  /** The parts are sent one after the other, then CRLF; strings as Latin-1, which is to say byte for byte. */
  command(...parts: readonly (string | LiteralToSend)[]): Promise<RawReply>
  /** As `command`, and an error unless the answer is OK. */
  ok(...parts: readonly (string | LiteralToSend)[]): Promise<RawReply>
  /** The next untagged line that belongs to no command, as in IDLE. */
  nextLine(): Promise<RawLine>
  /** Resolves once the server has answered `+`; `done` ends it with the lines that were not taken by `nextLine`. */
  idle(): Promise<{ done(): Promise<RawReply> }>
  login(user: { readonly user: string; readonly password: string }): Promise<void>
  select(folder: string): Promise<RawReply>
  append(
    folder: string,
    bytes: Uint8Array | string,
    flags?: readonly string[],
  ): Promise<{ readonly uidValidity: number; readonly uid: number } | null>
  /** Every message of the folder, whole, in the order of the UIDs; looked at without setting \Seen. */
  listMessages(folder: string): Promise<readonly ListedMessage[]>
  markDeleted(folder: string, uids: readonly number[]): Promise<void>
  /** A plain EXPUNGE, as an old client does it: whatever is marked \Deleted goes, whoever marked it. */
  expunge(folder: string): Promise<void>
  /** Sends bytes as they are: for what `command` would not send. */
  write(bytes: Uint8Array | string): void
  logout(): Promise<void>
  /** Drops the connection. */
  close(): void
}

/** Connects and waits for the greeting. */
export async function connectRaw(address: { readonly host?: string; readonly port: number }): Promise<RawImap> {
  const wire = new Wire(connect({ host: address.host ?? '127.0.0.1', port: address.port, noDelay: true }))
  const first = await wire.line()
  if (first === null) throw new Error('the server closed the connection before its greeting', { cause: wire.error })
  return new RawClient(wire, first.toString('latin1'))
}

/** Bytes in, logical lines out: a line that ends in a literal goes on after the literal. */
class Wire {
  readonly #socket: Socket
  #buffer: Buffer = Buffer.alloc(0)
  /** Behind `#buffer`, not looked at yet: joined at each arrival, a large message would be copied thousands of times. */
  #arrived: Buffer[] = []
  #missing = 0
  #scanned = 0
  readonly #lines: Buffer[] = []
  readonly #waiting: ((line: Buffer | null) => void)[] = []
  #ended = false
  error: Error | undefined

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (data) => this.#take(data))
    socket.on('error', (error) => {
      this.error = error
    })
    socket.on('close', () => {
      this.#ended = true
      for (const waiting of this.#waiting.splice(0)) waiting(null)
    })
  }

  /** The next line without CRLF; null when the connection has ended. */
  line(): Promise<Buffer | null> {
    const ready = this.#lines.shift()
    if (ready !== undefined) return Promise.resolve(ready)
    if (this.#ended) return Promise.resolve(null)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  write(bytes: Uint8Array | string): void {
    if (this.#ended) return
    this.#socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #take(data: Buffer): void {
    this.#arrived.push(data)
    this.#missing -= data.length
    if (this.#missing > 0) return
    this.#buffer = Buffer.concat([this.#buffer, ...this.#arrived])
    this.#arrived = []
    this.#missing = 0
    for (;;) {
      const crlf = this.#buffer.indexOf('\r\n', this.#scanned)
      if (crlf < 0) return
      const announced = /\{(\d+)\+?\}$/.exec(this.#buffer.subarray(Math.max(0, crlf - 24), crlf).toString('latin1'))
      if (announced) {
        const end = crlf + 2 + Number(announced[1])
        if (this.#buffer.length < end) {
          this.#missing = end - this.#buffer.length
          return
        }
        this.#scanned = end
        continue
      }
      const line = Buffer.from(this.#buffer.subarray(0, crlf))
      this.#buffer = this.#buffer.subarray(crlf + 2)
      this.#scanned = 0
      const waiting = this.#waiting.shift()
      if (waiting) waiting(line)
      else this.#lines.push(line)
    }
  }
}

class RawClient implements RawImap {
  readonly greeting: string
  readonly #wire: Wire
  #tags = 0

  constructor(wire: Wire, greeting: string) {
    this.#wire = wire
    this.greeting = greeting
  }

  async command(...parts: readonly (string | LiteralToSend)[]): Promise<RawReply> {
    const tag = this.#tag()
    let pending = `${tag} `
    const untagged: RawLine[] = []
    for (const part of parts) {
      if (typeof part === 'string') {
        pending += part
        continue
      }
      const binary = part.as.startsWith('binary') ? '~' : ''
      const waits = !part.as.endsWith('non-sync')
      this.#wire.write(`${pending}${binary}{${part.send.length}${waits ? '' : '+'}}\r\n`)
      pending = ''
      if (waits) {
        const refused = await this.#read(tag, untagged, true)
        if (refused !== null) return refused
      }
      this.#wire.write(part.send)
    }
    this.#wire.write(`${pending}\r\n`)
    return (await this.#read(tag, untagged, false)) ?? none(untagged)
  }

  async ok(...parts: readonly (string | LiteralToSend)[]): Promise<RawReply> {
    const reply = await this.command(...parts)
    if (reply.status !== 'OK') {
      const sent = parts.map((part) => (typeof part === 'string' ? part : `{${part.send.length}}`)).join('')
      throw new Error(`${sent}: ${reply.status} ${reply.text}`)
    }
    return reply
  }

  async nextLine(): Promise<RawLine> {
    const line = await this.#wire.line()
    if (line === null) throw new Error('the connection ended', { cause: this.#wire.error })
    return toLine(line)
  }

  async idle(): Promise<{ done(): Promise<RawReply> }> {
    const tag = this.#tag()
    this.#wire.write(`${tag} IDLE\r\n`)
    const refused = await this.#read(tag, [], true)
    if (refused !== null) throw new Error(`IDLE: ${refused.status} ${refused.text}`)
    return {
      done: async () => {
        this.#wire.write('DONE\r\n')
        const untagged: RawLine[] = []
        return (await this.#read(tag, untagged, false)) ?? none(untagged)
      },
    }
  }

  async login({ user, password }: { readonly user: string; readonly password: string }): Promise<void> {
    await this.ok(`LOGIN ${quote(user)} ${quote(password)}`)
  }

  select(folder: string): Promise<RawReply> {
    return this.ok(`SELECT ${quote(folder)}`)
  }

  async append(
    folder: string,
    bytes: Uint8Array | string,
    flags: readonly string[] = [],
  ): Promise<{ readonly uidValidity: number; readonly uid: number } | null> {
    const reply = await this.ok(`APPEND ${quote(folder)} (${flags.join(' ')}) `, literal(bytes))
    const appended = /^APPENDUID (\d+) (\d+)$/i.exec(reply.code)
    return appended ? { uidValidity: Number(appended[1]), uid: Number(appended[2]) } : null
  }

  async listMessages(folder: string): Promise<readonly ListedMessage[]> {
    await this.ok(`EXAMINE ${quote(folder)}`)
    const { untagged } = await this.ok('UID FETCH 1:* (UID FLAGS RFC822.SIZE BODY.PEEK[])')
    const found: ListedMessage[] = []
    for (const line of untagged) {
      const attributes = fetched(line)
      if (attributes === null) continue
      const body = attributes.get('BODY[]')
      const flags = attributes.get('FLAGS')
      // A flag change that another client made may arrive as a FETCH of its own, without the body.
      if (body === undefined || !attributes.has('UID')) continue
      const bytes = Buffer.from(textOf(body) ?? '', 'latin1')
      found.push({
        uid: Number(textOf(attributes.get('UID'))),
        flags: Array.isArray(flags) ? flags.map((flag: ImapValue) => textOf(flag) ?? '') : [],
        messageId: messageIdOf(bytes),
        size: Number(textOf(attributes.get('RFC822.SIZE'))),
        bytes,
      })
    }
    return found.toSorted((a, b) => a.uid - b.uid)
  }

  async markDeleted(folder: string, uids: readonly number[]): Promise<void> {
    await this.select(folder)
    await this.ok(`UID STORE ${uids.join(',')} +FLAGS (\\Deleted)`)
  }

  async expunge(folder: string): Promise<void> {
    await this.select(folder)
    await this.ok('EXPUNGE')
  }

  write(bytes: Uint8Array | string): void {
    this.#wire.write(bytes)
  }

  async logout(): Promise<void> {
    await this.command('LOGOUT')
    this.close()
  }

  close(): void {
    this.#wire.destroy()
  }

  #tag(): string {
    this.#tags += 1
    return `t${this.#tags}`
  }

  /** Up to the tagged line, or to `+` (then null) when one is awaited; null also when a final answer never came. */
  async #read(tag: string, untagged: RawLine[], untilContinuation: boolean): Promise<RawReply | null> {
    for (;;) {
      const bytes = await this.#wire.line()
      if (bytes === null) return untilContinuation ? none(untagged) : null
      const line = toLine(bytes)
      if (line.text.startsWith(`${tag} `)) return tagged(line.text.slice(tag.length + 1), untagged)
      if (untilContinuation && line.text.startsWith('+')) return null
      untagged.push(line)
    }
  }
}

/** The attributes of a FETCH response by their upper-case names, or null for any other line. */
export function fetched(line: RawLine): ReadonlyMap<string, ImapValue> | null {
  const [, , kind, list] = line.values
  if (textOrNull(kind)?.toUpperCase() !== 'FETCH' || !Array.isArray(list)) return null
  const attributes = new Map<string, ImapValue>()
  const values: readonly ImapValue[] = list
  for (let i = 0; i + 1 < values.length; i += 2) {
    attributes.set((textOrNull(values[i]) ?? '').toUpperCase(), values[i + 1] ?? null)
  }
  return attributes
}

export function quote(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}

function textOrNull(value: ImapValue | undefined): string | null {
  return Array.isArray(value) ? null : textOf(value)
}

function toLine(bytes: Buffer): RawLine {
  return { text: bytes.toString('latin1'), values: parseValues(bytes) }
}

function tagged(rest: string, untagged: readonly RawLine[]): RawReply {
  const match = /^(OK|NO|BAD)(?: \[([^\]]*)\])?(?: (.*))?$/is.exec(rest)
  if (!match) throw new Error(`not a tagged response: ${rest}`)
  const status = match[1]?.toUpperCase() as 'OK' | 'NO' | 'BAD'
  return { status, code: match[2] ?? '', text: match[3] ?? '', untagged }
}

function none(untagged: readonly RawLine[]): RawReply {
  return { status: 'NONE', code: '', text: 'the connection ended', untagged }
}

function messageIdOf(message: Buffer): string | null {
  const end = message.indexOf('\r\n\r\n')
  const header = message.subarray(0, end < 0 ? message.length : end).toString('latin1')
  const unfolded = header.replaceAll(/\r\n[ \t]+/g, ' ')
  return /^message-id:[ \t]*(\S+)/im.exec(unfolded)?.[1] ?? null
}
