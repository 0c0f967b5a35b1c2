import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

export type Direction = 'toServer' | 'toClient'
/** FIN is an orderly end, RST what a dying network or process looks like. */
export type CutKind = 'fin' | 'rst'

export interface ByteCount {
  readonly toServer: number
  readonly toClient: number
}

export interface ProxyConnection {
  /** From 1, in the order in which clients connected. */
  readonly number: number
  /** What was forwarded so far; bytes that were read but not passed on do not count. */
  readonly bytes: ByteCount
  readonly open: boolean
  cut(how: CutKind): void
}

export type CutRequest = { readonly direction: Direction; readonly how: CutKind } & (
  | {
      /** How many bytes still pass in that direction, over all connections, from now on; with 0 the next byte is kept back. */
      readonly bytes: number
    }
  | {
      /** Sees what is about to pass, piece by piece: how many bytes of this piece still pass, or null for no cut in it. */
      readonly at: (data: Uint8Array) => number | null
    }
)

export interface Cut {
  /** Resolves with the connection that was cut, once it is. */
  readonly done: Promise<ProxyConnection>
  cancel(): void
}

export interface Mark {
  readonly bytes: ByteCount
  readonly connections: number
}

/** A TCP proxy in front of a mail server that counts every byte and can lose the line at any of them. */
export interface Proxy {
  readonly host: string
  readonly port: number
  /** Forwarded over all connections since the start. */
  readonly bytes: ByteCount
  readonly connections: readonly ProxyConnection[]
  /** How often a client spoke first or after the server had: the round trips that it waited for, at most. */
  readonly turns: number
  mark(): Mark
  /** What was forwarded, and how many connections were made, since the mark. */
  since(mark: Mark): ByteCount & { readonly connections: number }
  /**
   * Cuts the connection on which the N-th byte from now passes, right after that byte: nothing more passes in either
   * direction. With RST the receiver may lose what it has not read yet, as with a real reset.
   */
  cutAfter(request: CutRequest): Cut
  /** Cuts all open connections now. */
  cutAll(how: CutKind): void
  /** New connections are reset at once, as by a server that is down; open ones live on. */
  refuse(): void
  accept(): void
  close(): Promise<void>
}

export interface ProxyOptions {
  readonly target: { readonly host: string; readonly port: number }
  /** Its own port, if it must be a certain one. */
  readonly port?: number
}

export async function createProxy(options: ProxyOptions): Promise<Proxy> {
  const total = { toServer: 0, toClient: 0, turns: 0 }
  const lines: Line[] = []
  const cuts = new Set<PendingCut>()
  let refusing = false

  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    if (refusing) {
      client.resetAndDestroy()
      return
    }
    lines.push(new Line(lines.length + 1, client, options.target, total, cuts))
  })
  server.listen({ host: '127.0.0.1', port: options.port ?? 0 })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  return {
    host: '127.0.0.1',
    port,
    get bytes() {
      return { toServer: total.toServer, toClient: total.toClient }
    },
    get turns() {
      return total.turns
    },
    get connections() {
      return [...lines]
    },
    mark: () => ({ bytes: { toServer: total.toServer, toClient: total.toClient }, connections: lines.length }),
    since: (mark) => ({
      toServer: total.toServer - mark.bytes.toServer,
      toClient: total.toClient - mark.bytes.toClient,
      connections: lines.length - mark.connections,
    }),
    cutAfter(request) {
      const { direction, how } = request
      const { promise, resolve } = Promise.withResolvers<ProxyConnection>()
      const place = 'at' in request ? { left: Infinity, at: request.at } : { left: request.bytes, at: () => null }
      const cut: PendingCut = { direction, how, done: resolve, ...place }
      cuts.add(cut)
      return { done: promise, cancel: () => void cuts.delete(cut) }
    },
    cutAll(how) {
      for (const line of lines) line.cut(how)
    },
    refuse() {
      refusing = true
    },
    accept() {
      refusing = false
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const line of lines) line.destroy()
      await closed
    },
  }
}

/** Of a command that is still to come: nothing waits for an answer to it. */
function isTagAlone(data: Buffer): boolean {
  return data.length <= 3 && /^\w+ $/.test(data.toString('latin1'))
}

interface Total {
  toServer: number
  toClient: number
  turns: number
}

interface PendingCut {
  readonly direction: Direction
  readonly how: CutKind
  readonly done: (connection: ProxyConnection) => void
  readonly at: (data: Uint8Array) => number | null
  left: number
}

/** One client and its connection to the server. */
class Line implements ProxyConnection {
  readonly number: number
  readonly #client: Socket
  readonly #server: Socket
  readonly #bytes: { toServer: number; toClient: number } = { toServer: 0, toClient: 0 }
  readonly #total: Total
  #spokeLast: Direction = 'toClient'
  readonly #cuts: Set<PendingCut>
  #cut = false

  constructor(number: number, client: Socket, target: ProxyOptions['target'], total: Total, cuts: Set<PendingCut>) {
    this.number = number
    this.#client = client
    this.#total = total
    this.#cuts = cuts
    this.#server = connect({ ...target, allowHalfOpen: true })
    client.setNoDelay(true)
    this.#server.setNoDelay(true)
    this.#forward(client, this.#server, 'toServer')
    this.#forward(this.#server, client, 'toClient')
    client.resume()
  }

  get bytes(): ByteCount {
    return { ...this.#bytes }
  }

  get open(): boolean {
    return !this.#cut && !this.#client.destroyed && !this.#server.destroyed
  }

  cut(how: CutKind): void {
    if (this.#cut) return
    this.#cut = true
    this.#end(how)
  }

  #end(how: CutKind): void {
    for (const socket of [this.#client, this.#server]) {
      // After a FIN the peer's last words are read and thrown away: closing with unread bytes would send a RST.
      if (how === 'fin') socket.end()
      else socket.resetAndDestroy()
      socket.resume()
    }
  }

  destroy(): void {
    this.#cut = true
    this.#client.destroy()
    this.#server.destroy()
  }

  #forward(from: Socket, to: Socket, direction: Direction): void {
    from.on('data', (data: Buffer) => {
      if (this.#cut) return
      const { passing, due } = this.#allowed(direction, data)
      const carryOut = (): void => {
        for (const cut of due) {
          this.#end(cut.how)
          cut.done(this)
        }
      }
      // Nothing passes any more from here, in either direction, though the reset waits for the last bytes.
      if (due.length > 0) this.#cut = true
      for (const cut of due) this.#cuts.delete(cut)
      if (passing === 0) {
        carryOut()
        return
      }
      this.#bytes[direction] += passing
      this.#total[direction] += passing
      if (direction === 'toClient' || !isTagAlone(data)) {
        if (direction === 'toServer' && this.#spokeLast === 'toClient') this.#total.turns += 1
        this.#spokeLast = direction
      }
      // A reset drops what still waits in our own buffer: with the callback the kernel has it.
      const flows = to.write(data.subarray(0, passing), due.length > 0 ? carryOut : undefined)
      if (!flows && due.length === 0) {
        from.pause()
        to.once('drain', () => from.resume())
      }
    })
    from.on('end', () => {
      if (!this.#cut) to.end()
    })
    from.on('error', () => {
      if (this.#cut) return
      this.#cut = true
      to.resetAndDestroy()
    })
    from.on('close', () => {
      if (!from.readableEnded && !this.#cut) to.destroy()
    })
  }

  /** How many bytes of `data` may pass, and which cuts are due after them. */
  #allowed(direction: Direction, data: Uint8Array): { passing: number; due: readonly PendingCut[] } {
    const mine = [...this.#cuts].filter((cut) => cut.direction === direction)
    for (const cut of mine) cut.left = Math.min(cut.left, cut.at(data) ?? Infinity)
    const passing = Math.min(data.length, ...mine.map((cut) => cut.left))
    for (const cut of mine) cut.left -= passing
    return { passing, due: mine.filter((cut) => cut.left === 0) }
  }
}
