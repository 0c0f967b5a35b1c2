import { createServer, type Server, type Socket } from 'node:net'

import { createEndpoint } from '../faults/endpoint.ts'
import type { SessionProtocol } from '../faults/rules.ts'
import type { FaultScript } from '../faults/script.ts'
import type { ProtocolSession, SessionPort } from '../faults/session-port.ts'
import { createWire } from './wire.ts'

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
  const wire = createWire(socket, {
    onBytes: (bytes) => endpoint.receive(bytes),
    onEnd: () => {
      for (const timer of timers) clearTimeout(timer)
      endpoint.end()
    },
  })
  const endpoint = createEndpoint({
    faults: connection,
    session,
    port: {
      send: (bytes) => {
        if (!ended && bytes.length > 0) wire.write(bytes)
      },
      close: (by) => {
        ended = true
        wire.end(by)
      },
      startCompression: () => wire.startCompression(),
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
