import type { CutBy } from './rules.ts'
import type { ConnectionFaults } from './script.ts'
import type { ProtocolSession, SessionPort } from './session-port.ts'

/** What the network (or a simulated one) gives to an endpoint. */
export type EndpointPort = {
  send(bytes: Uint8Array): void
  /** Ends the connection after what was sent, or, by `rst`, at once. */
  close(by: CutBy): void
  /** Compresses what is sent from now on, and takes what comes for compressed (RFC 4978). Left out: it cannot. */
  startCompression?(): void
  /** Runs the task after this time; used by delays only. */
  schedule(delayMs: number, task: () => void): void
}

export type EndpointOptions = {
  readonly faults: ConnectionFaults
  readonly port: EndpointPort
  readonly session: (port: SessionPort) => ProtocolSession
}

/**
 * A protocol session with the fault script between it and the network. It does no I/O of its own and is the same thing
 * over TCP and in a simulation.
 */
export function createEndpoint({ faults, port, session }: EndpointOptions): ProtocolSession {
  let closed = false
  let delays = 0
  const waiting: (() => void)[] = []

  function finish(by: CutBy): void {
    if (closed) return
    closed = true
    port.close(by)
    inner.end()
  }
  function sendNow(bytes: Uint8Array): void {
    if (closed || bytes.length === 0) return
    const { pass, cut } = faults.onBytes('server-to-client', bytes.length)
    port.send(pass === bytes.length ? bytes : bytes.subarray(0, pass))
    if (cut !== undefined) finish(cut)
  }
  /** In order, whatever of it is held back. */
  function inTurn(task: () => void): void {
    if (delays === 0) task()
    else waiting.push(task)
  }
  const next = (): (() => void) | undefined => (delays === 0 ? waiting.shift() : undefined)
  function endDelay(): void {
    delays--
    // A task that runs may be a delay itself: what stands behind it goes on waiting.
    for (let task = next(); task !== undefined; task = next()) task()
  }

  const inner = session({
    send: (bytes) => inTurn(() => sendNow(bytes)),
    close: () => inTurn(() => finish('fin')),
    cut: (by) => finish(by),
    delay: (delayMs) => {
      inTurn(() => {
        delays++
        port.schedule(delayMs, endDelay)
      })
    },
    startCompression: port.startCompression === undefined ? undefined : () => inTurn(() => port.startCompression?.()),
    faultFor: (command) => (closed ? undefined : faults.onCommand(command)),
  })

  return {
    start: () => inner.start(),
    receive: (bytes) => {
      if (closed) return
      const { pass, cut } = faults.onBytes('client-to-server', bytes.length)
      inner.receive(pass === bytes.length ? bytes : bytes.subarray(0, pass))
      if (cut !== undefined) finish(cut)
    },
    end: () => {
      if (closed) return
      closed = true
      inner.end()
    },
  }
}
