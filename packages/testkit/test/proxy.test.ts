import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { array, assert, asyncProperty, uint8Array } from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createProxy } from '../src/index.ts'
import type { Proxy } from '../src/index.ts'

/** What one end of a connection got to see: the bytes, and how it ended. */
interface Seen {
  readonly bytes: number
  readonly end: 'fin' | 'rst'
}

function watch(socket: Socket): Promise<Seen> {
  return new Promise((resolve) => {
    let bytes = 0
    let end: Seen['end'] = 'fin'
    socket.on('data', (data) => (bytes += data.length))
    socket.on('error', () => (end = 'rst'))
    socket.on('close', () => resolve({ bytes, end }))
  })
}

let server: Server
let accepted: (socket: Socket) => void
let proxy: Proxy

beforeEach(async () => {
  accepted = () => {}
  server = createServer((socket) => accepted(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy = await createProxy({ target: { host: '127.0.0.1', port: (server.address() as AddressInfo).port } })
})

afterEach(async () => {
  await proxy.close()
  server.close()
})

async function line(): Promise<{ client: Socket; atServer: Socket }> {
  const arrives = new Promise<Socket>((resolve) => (accepted = resolve))
  const client = connect(proxy.port, '127.0.0.1')
  await once(client, 'connect')
  return { client, atServer: await arrives }
}

describe('counting', () => {
  test('counts every byte in both directions, and passes them on unchanged', async () => {
    await assert(
      asyncProperty(
        array(uint8Array({ minLength: 1, maxLength: 5_000 }), { maxLength: 20 }),
        array(uint8Array({ minLength: 1, maxLength: 5_000 }), { maxLength: 20 }),
        async (up, down) => {
          const mark = proxy.mark()
          const { client, atServer } = await line()
          const [gotUp, gotDown]: [Buffer[], Buffer[]] = [[], []]
          atServer.on('data', (data) => gotUp.push(data))
          client.on('data', (data) => gotDown.push(data))
          for (const chunk of up) client.write(chunk)
          for (const chunk of down) atServer.write(chunk)
          client.end()
          atServer.end()
          await Promise.all([once(client, 'close'), once(atServer, 'close')])
          expect(Buffer.concat(gotUp)).toEqual(Buffer.concat(up))
          expect(Buffer.concat(gotDown)).toEqual(Buffer.concat(down))
          const count = { toServer: Buffer.concat(up).length, toClient: Buffer.concat(down).length }
          expect(proxy.since(mark)).toEqual({ ...count, connections: 1 })
          expect(proxy.connections.at(-1)?.bytes).toEqual(count)
        },
      ),
      { numRuns: 20 },
    )
  })

  test('a slow reader slows the writer down and loses nothing', async () => {
    const { client, atServer } = await line()
    atServer.pause()
    const size = 50_000_000
    client.end(Buffer.alloc(size))
    // That nothing moves any more has no event; a proxy without back-pressure would have taken all 50 MB by then.
    for (let before = -1; before !== proxy.bytes.toServer;) {
      before = proxy.bytes.toServer
      await setTimeout(50)
    }
    expect(proxy.bytes.toServer).toBeLessThan(size)
    const seen = watch(atServer)
    atServer.resume()
    atServer.end()
    expect(await seen).toEqual({ bytes: size, end: 'fin' })
    expect(proxy.bytes.toServer).toBe(size)
  })

  test('an end of one direction leaves the other open', async () => {
    server.removeAllListeners('connection')
    const { client, atServer } = await (async () => {
      const halfOpen = new Promise<Socket>((resolve) =>
        server.on('connection', (socket) => {
          socket.allowHalfOpen = true
          resolve(socket)
        }),
      )
      const socket = connect(proxy.port, '127.0.0.1')
      return { client: socket, atServer: await halfOpen }
    })()
    atServer.resume()
    client.end('no more from me')
    await once(atServer, 'end')
    const seen = watch(client)
    atServer.end('the answer')
    expect(await seen).toEqual({ bytes: 10, end: 'fin' })
  })
})

describe('cutting', () => {
  for (const how of ['fin', 'rst'] as const) {
    for (const bytes of [0, 1, 999, 1_000]) {
      test(`${how} to the server after exactly ${bytes} of 1,000 bytes`, async () => {
        const { client, atServer } = await line()
        const [seenByServer, seenByClient] = [watch(atServer), watch(client)]
        const cut = proxy.cutAfter({ direction: 'toServer', bytes, how })
        client.write(Buffer.alloc(400))
        client.write(Buffer.alloc(600))
        expect((await cut.done).number).toBe(1)
        expect(await seenByServer).toEqual({ bytes, end: how })
        expect(await seenByClient).toEqual({ bytes: 0, end: how })
        expect(proxy.bytes).toEqual({ toServer: bytes, toClient: 0 })
        expect(proxy.connections[0]?.open).toBe(false)
      })
    }

    test(`${how} to the client within an answer; the server has got everything`, async () => {
      const { client, atServer } = await line()
      atServer.once('data', () => atServer.write('* OK this is the answer\r\n'))
      const [seenByServer, seenByClient] = [watch(atServer), watch(client)]
      const cut = proxy.cutAfter({ direction: 'toClient', bytes: 7, how })
      client.write('a NOOP\r\n')
      await cut.done
      expect(await seenByClient).toEqual({ bytes: 7, end: how })
      expect(await seenByServer).toEqual({ bytes: 8, end: how })
    })
  }

  test('counts from the call on, over all connections', async () => {
    const first = await line()
    first.client.write('12345')
    await once(first.atServer, 'data')
    const cut = proxy.cutAfter({ direction: 'toServer', bytes: 5, how: 'fin' })
    first.client.write('123')
    await once(first.atServer, 'data')
    const second = await line()
    const seen = watch(second.atServer)
    watch(second.client).catch(() => {})
    second.client.write('456789')
    expect((await cut.done).number).toBe(2)
    expect((await seen).bytes).toBe(2)
    expect(proxy.connections.map((connection) => connection.open)).toEqual([true, false])
  })

  test('right after what is waited for, in whichever piece it comes', async () => {
    const { client, atServer } = await line()
    const [clientSaw, serverSaw] = [watch(client), watch(atServer)]
    const cut = proxy.cutAfter({
      direction: 'toServer',
      how: 'fin',
      at: (data) => {
        const place = Buffer.from(data).indexOf('\n')
        return place < 0 ? null : place + 1
      },
    })
    client.write('no end yet, ')
    await expect.poll(() => proxy.bytes.toServer).toBe(12)
    client.write('and here\nno more')
    await cut.done
    expect(await serverSaw).toEqual({ bytes: 21, end: 'fin' })
    expect((await clientSaw).end).toBe('fin')
    expect(proxy.bytes.toServer).toBe(21)
  })

  test('a cancelled cut does not happen', async () => {
    const { client, atServer } = await line()
    proxy.cutAfter({ direction: 'toServer', bytes: 1, how: 'rst' }).cancel()
    client.write('1234')
    const [data] = (await once(atServer, 'data')) as [Buffer]
    expect(data.toString()).toBe('1234')
  })

  test('a reset of the server reaches the client as a reset', async () => {
    const { client, atServer } = await line()
    const seen = watch(client)
    atServer.resetAndDestroy()
    expect(await seen).toEqual({ bytes: 0, end: 'rst' })
  })
})

describe('refusing', () => {
  test('new connections are reset, open ones live on, and accept takes new ones again', async () => {
    const { client, atServer } = await line()
    proxy.refuse()
    const refused = connect(proxy.port, '127.0.0.1')
    expect((await watch(refused)).end).toBe('rst')
    client.write('still there')
    await once(atServer, 'data')
    proxy.accept()
    const again = await line()
    again.client.write('hello')
    await once(again.atServer, 'data')
    expect(proxy.connections.length).toBe(2)
  })

  test('a server that is down looks to the client like a reset line', async () => {
    server.close()
    const seen = await watch(connect(proxy.port, '127.0.0.1'))
    expect(seen.end).toBe('rst')
  })
})
