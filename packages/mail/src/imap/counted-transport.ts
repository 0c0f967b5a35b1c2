import type net from 'node:net'
import tls from 'node:tls'

import type { ImapFlowOptions } from 'imapflow'

type ImapTransport = NonNullable<ImapFlowOptions['transport']>

/** A way for imapflow to use a TCP connection that is open already, and that keeps hold of it below TLS. */
export interface CountedTransport {
  readonly transport: ImapTransport
  /** TCP payload in both directions: with TLS the encrypted bytes, which a library's own counters leave out. */
  bytes(): { readonly sent: number; readonly received: number }
}

export function createCountedTransport(raw: net.Socket): CountedTransport {
  return {
    transport: {
      connect(options, onConnect) {
        if (options.secure) return secure(raw, options, onConnect)
        process.nextTick(onConnect)
        return raw
      },
      upgrade(socket, options, onSecure) {
        return secure(socket as net.Socket, options, onSecure)
      },
    },
    bytes: () => ({ sent: raw.bytesWritten, received: raw.bytesRead }),
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
  // Whoever uses the socket reports its errors; a late one must not end the process.
  socket.on('error', () => {})
  return socket
}
