import type { Server, Socket } from 'node:net'

/**
 * Clients open connections ahead of need, and Node takes one over which nothing was asked yet for one that is in use: the stop of the
 * daemon would wait for it. @returns what closes these
 */
export function trackUnusedConnections(server: Server): () => void {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return () => {
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
  }
}
