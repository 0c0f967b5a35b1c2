import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib'

export interface Bridge {
  readonly port: number
  close(): Promise<void>
}

/**
 * Speaks plainly to a client and, from the OK to its COMPRESS on, compressed to the server (RFC 4978), so that a script can
 * be played over a compressed connection by a client that knows nothing of it.
 */
export async function bridgeTo(serverPort: number): Promise<Bridge> {
  const sockets = new Set<Socket>()
  const bridge = createServer((client) => {
    const server = connect({ port: serverPort, host: '127.0.0.1' })
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
    }
    client.on('close', () => server.destroy())
    connectPlainly(client, server)
  }).listen(0, '127.0.0.1')
  await once(bridge, 'listening')
  return {
    port: (bridge.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      bridge.close()
      await once(bridge, 'close')
    },
  }
}

function connectPlainly(client: Socket, server: Socket): void {
  let awaitedTag = ''
  let compressing = false
  const deflate = createDeflateRaw()
  const inflate = createInflateRaw()
  deflate.pipe(server)
  inflate.on('data', (chunk: Buffer) => client.write(chunk))
  inflate.on('end', () => client.end())
  server.on('close', () => {
    // What came last may still be in the inflater.
    if (compressing) inflate.end()
    else client.end()
  })
  // Not compressed after all: the client sees the end, and its script fails.
  inflate.on('error', () => client.destroy())
  client.on('data', (chunk) => {
    if (compressing) {
      deflate.write(chunk)
      deflate.flush(constants.Z_SYNC_FLUSH)
      return
    }
    awaitedTag = /^(\S+) COMPRESS DEFLATE\r\n/.exec(chunk.toString('latin1'))?.[1] ?? awaitedTag
    server.write(chunk)
  })
  server.on('data', (chunk) => {
    if (compressing) {
      inflate.write(chunk)
      return
    }
    client.write(chunk)
    compressing = awaitedTag !== '' && chunk.toString('latin1').startsWith(`${awaitedTag} OK`)
  })
}
