import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** One IMAP command as it went to the server. */
export interface SentCommand {
  /** `UID STORE`; `(continued)` for a line without a tag, as in AUTHENTICATE. */
  readonly name: string
  /** Its lines without tag and CRLF, literals as `{n}`. */
  readonly text: string
  readonly bytes: number
  /** The command itself, and each literal for which the client waited for `+`. */
  readonly roundTrips: number
  readonly literals: readonly Buffer[]
}

/** Passes a client's bytes on unchanged and reads along: which commands make up what is sent. */
export interface RecordedLine extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** What was sent since the last call. */
  take(): readonly SentCommand[]
  /** Of commands that have begun and not ended: a tag may go ahead of the rest. */
  readonly begunBytes: number
}

export async function recordLine(target: { readonly host: string; readonly port: number }): Promise<RecordedLine> {
  let sent: SentCommand[] = []
  const sockets = new Set<Socket>()
  const readers: CommandReader[] = []
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ ...target, noDelay: true })
    const reader = new CommandReader((command) => sent.push(command))
    readers.push(reader)
    client.on('data', (bytes: Buffer) => reader.push(bytes))
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => client.destroy())
      socket.on('close', () => sockets.delete(socket))
    }
    client.pipe(upstream)
    upstream.pipe(client)
  })
  server.listen({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    host: '127.0.0.1',
    port,
    get begunBytes() {
      return readers.reduce((sum, { begunBytes }) => sum + begunBytes, 0)
    },
    take() {
      const taken = sent
      sent = []
      return taken
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** Bytes in, commands out, however the bytes are cut. */
class CommandReader {
  readonly #onCommand: (command: SentCommand) => void
  #line = ''
  #text = ''
  #bytes = 0
  #roundTrips = 1
  #literalLeft = 0
  #pieces: Buffer[] = []
  #literals: Buffer[] = []

  constructor(onCommand: (command: SentCommand) => void) {
    this.#onCommand = onCommand
  }

  get begunBytes(): number {
    return this.#bytes
  }

  push(data: Buffer): void {
    let at = 0
    while (at < data.length) {
      if (this.#literalLeft > 0) {
        const piece = data.subarray(at, at + this.#literalLeft)
        this.#literal(piece)
        at += piece.length
        continue
      }
      const lineFeed = data.indexOf('\n', at)
      const end = lineFeed < 0 ? data.length : lineFeed + 1
      this.#line += data.toString('latin1', at, end)
      this.#bytes += end - at
      at = end
      if (lineFeed >= 0) this.#endLine()
    }
  }

  #literal(piece: Buffer): void {
    this.#pieces.push(piece)
    this.#bytes += piece.length
    this.#literalLeft -= piece.length
    if (this.#literalLeft === 0) this.#literals.push(Buffer.concat(this.#pieces.splice(0)))
  }

  #endLine(): void {
    const line = this.#line.replace(/\r?\n$/, '')
    this.#line = ''
    this.#text += line
    const announced = /\{(\d+)(\+?)\}$/.exec(line)
    if (announced) {
      this.#literalLeft = Number(announced[1])
      if (announced[2] === '') this.#roundTrips += 1
      if (this.#literalLeft === 0) this.#literals.push(Buffer.alloc(0))
      return
    }
    const [, name, rest] = /^\S+ ((?:UID )?\S+)(.*)$/is.exec(this.#text) ?? [null, '(continued)', '']
    this.#onCommand({
      name: name?.toUpperCase() ?? '',
      text: `${name}${rest}`,
      bytes: this.#bytes,
      roundTrips: this.#roundTrips,
      literals: this.#literals,
    })
    this.#text = ''
    this.#bytes = 0
    this.#roundTrips = 1
    this.#literals = []
  }
}
