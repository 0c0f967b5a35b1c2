import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

import type { ServerSettings } from '@everdraft/core'

/** A TCP relay on a loopback port to a server that one cannot take down: without the relay it is out of reach. */
export interface Relay {
  readonly port: number
  open(): Promise<void>
  close(): Promise<void>
}

/**
 * TLS is spoken by the relay, which checks the certificate against the server's own name; the way from the daemon to
 * the relay does not leave this machine.
 */
export async function createRelay(target: ServerSettings): Promise<Relay> {
  const sockets = new Set<Socket>()
  const server = createServer((local) => {
    const remote = connectTo(target)
    for (const socket of [local, remote]) {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      socket.on('error', () => {
        local.destroy()
        remote.destroy()
      })
    }
    local.pipe(remote).pipe(local)
  })
  // Listening once gives it a port of its own; until `open` nothing answers there.
  await listen(server, 0)
  const { port } = server.address() as AddressInfo
  await close(server)

  return {
    port,
    open: async () => listen(server, port),
    close: async () => {
      for (const socket of sockets) socket.destroy()
      if (server.listening) await close(server)
    },
  }
}

function connectTo({ host, port, security, allowUntrusted }: ServerSettings): Socket {
  if (security !== 'tls') return connect({ host, port })
  // RFC 6066 §3: no server name for an address.
  return connectTls({
    host,
    port,
    servername: /^[\d.]+$|:/.test(host) ? '' : host,
    rejectUnauthorized: allowUntrusted !== true,
  })
}

async function listen(server: Server, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject).listen({ host: '127.0.0.1', port }, () => {
    server.off('error', reject)
    resolve()
  })
  await promise
}

async function close(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  await promise
}
