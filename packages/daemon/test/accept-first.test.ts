import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'

import { fastify } from 'fastify'
import { expect, onTestFinished, test } from 'vitest'

import { acceptFirst } from '../src/accept-first.ts'

const connections = 24
const workMs = 20

/** Holds the event loop, as a request that is nothing but work does. */
function work(): void {
  const end = performance.now() + workMs
  while (performance.now() < end);
}

test('who comes while others are served is let in before they are served: nobody waits for the work of many', async () => {
  const app = fastify()
  // On a machine that is busy not all would come within the default.
  acceptFirst(app, 60_000)
  const order: string[] = []
  app.server.on('connection', () => void order.push('let in'))
  app.get('/', (_request, reply) => {
    order.push('served')
    work()
    return reply.send('done')
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => app.close())
  const { port } = app.server.address() as AddressInfo
  const sockets = Array.from({ length: connections }, () => connect(port, '127.0.0.1'))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
  // As it is with a busy daemon: all of it is there to be read before the first look.
  await Promise.all(
    sockets.map(async (socket) => {
      await once(socket, 'connect')
      socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    }),
  )
  await Promise.all(sockets.map((socket) => once(socket.resume(), 'close')))
  expect(order.filter((what) => what === 'served')).toHaveLength(connections)
  expect(order.indexOf('served')).toBe(connections)
})
