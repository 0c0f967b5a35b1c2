import { createServer, type Server, type Socket } from 'node:net'

import { createEndpoint } from '../faults/endpoint.ts'
import type { CutBy, SessionProtocol } from '../faults/rules.ts'
import type { FaultScript } from '../faults/script.ts'
import type { ProtocolSession, SessionPort } from '../faults/session-port.ts'

export type ListenerOptions = {
  readonly protocol: SessionProtocol
  readonly faults: FaultScript
  readonly session: (port: SessionPort) => ProtocolSession
}

/** One listening port, and the sockets behind it. */
export type Listener = {
  readonly port: number
  close(): Promise<void>
  pause(): void
  resume(): void
}

/** How long a peer has to close its half after we have ended ours. */
const LINGER_MS = 2000

function endSocket(socket: Socket, by: CutBy): void {
  if (by === 'rst') {
    socket.resetAndDestroy()
    return
  }
  // A FIN must not turn into a reset because of unread octets: they are read and dropped until the peer has closed too.
  socket.end()
  socket.resume()
  const linger = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(linger))
}

function serve(socket: Socket, { protocol, faults, session }: ListenerOptions): void {
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  const connection = faults.connect(protocol)
  if (connection.refused) {
    socket.resetAndDestroy()
    return
  }
  const timers = new Set<NodeJS.Timeout>()
  let ended = false
  const endpoint = createEndpoint({
    faults: connection,
    session,
    port: {
      send: (bytes) => {
        if (!ended && bytes.length > 0) socket.write(bytes)
      },
      close: (by) => {
        ended = true
        endSocket(socket, by)
      },
      schedule: (delayMs, task) => {
        const timer = setTimeout(() => {
          timers.delete(timer)
          task()
        }, delayMs)
        timers.add(timer)
      },
    },
  })
  endpoint.start()
  socket.on('data', (chunk: Buffer) => endpoint.receive(chunk))
  socket.on('close', () => {
    for (const timer of timers) clearTimeout(timer)
    endpoint.end()
  })
}

function hold(socket: Socket): void {
  socket.pause()
  socket.cork()
}

export async function listenOn(host: string, port: number, options: ListenerOptions): Promise<Listener> {
  const sockets = new Set<Socket>()
  let paused = false
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    serve(socket, options)
    if (paused) hold(socket)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
  return {
    port: address.port,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
    },
    pause: () => {
      if (paused) return
      paused = true
      for (const socket of sockets) hold(socket)
    },
    resume: () => {
      if (!paused) return
      paused = false
      for (const socket of sockets) {
        socket.uncork()
        socket.resume()
      }
    },
  }
}
