import net from 'node:net'
import tls from 'node:tls'

import type { ImapFlowOptions } from 'imapflow'

type ImapTransport = NonNullable<ImapFlowOptions['transport']>

/** A way for imapflow to reach the server that keeps hold of the TCP socket below TLS. */
export interface CountedTransport {
  readonly transport: ImapTransport
  /** TCP payload in both directions: with TLS the encrypted bytes, which a library's own counters leave out. */
  bytes(): { readonly sent: number; readonly received: number }
  destroy(): void
}

export function createCountedTransport(): CountedTransport {
  let raw: net.Socket | null = null
  return {
    transport: {
      connect(options, onConnect) {
        raw = net.connect({ host: options.host, port: options.port })
        ignoreErrors(raw)
        if (options.secure) return secure(raw, options, onConnect)
        raw.once('connect', onConnect)
        return raw
      },
      upgrade(socket, options, onSecure) {
        return secure(socket as net.Socket, options, onSecure)
      },
    },
    bytes: () => ({ sent: raw?.bytesWritten ?? 0, received: raw?.bytesRead ?? 0 }),
    destroy: () => raw?.destroy(),
  }
}

function secure(
  raw: net.Socket,
  options: { readonly servername?: string | undefined; readonly tls?: tls.ConnectionOptions | undefined },
  onSecure: () => void,
): tls.TLSSocket {
  const { servername } = options
  const socket = tls.connect(
    { ...options.tls, socket: raw, ...(servername === undefined ? {} : { servername }) },
    onSecure,
  )
  ignoreErrors(socket)
  return socket
}

// Whoever uses the socket reports its errors; a late one, when nobody uses it any more, must not end the process.
function ignoreErrors(socket: net.Socket): void {
  socket.on('error', () => {})
}
