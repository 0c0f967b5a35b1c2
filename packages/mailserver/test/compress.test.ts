import { once } from 'node:events'
import { connect } from 'node:net'
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { createMailServer, type MailServer } from '../src/index.ts'
import { createWorld, message } from './harness.ts'

let server: MailServer
beforeEach(async () => {
  server = createMailServer({ users: [{ name: 'alice', password: 'secret' }] })
  await server.listen()
})
afterEach(() => server.close())

/** A client that compresses; it counts what crosses the wire. */
async function compressed() {
  const socket = connect({ port: server.imapPort, host: '127.0.0.1' })
  const inflate = createInflateRaw()
  const deflate = createDeflateRaw()
  let received = ''
  let read = 0
  let inflating = false
  let wireBytes = 0
  const heard = { resolve: (): void => {} }
  const take = (chunk: Buffer): void => {
    received += chunk.toString('latin1')
    heard.resolve()
  }
  socket.on('data', (chunk) => {
    wireBytes += chunk.length
    if (inflating) inflate.write(chunk)
    else take(chunk)
  })
  inflate.on('data', take)
  const until = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const match = pattern.exec(received.slice(read))
      if (match !== null) {
        const found = received.slice(read, read + match.index + match[0].length)
        read += found.length
        return found
      }
      const { promise, resolve } = Promise.withResolvers<undefined>()
      heard.resolve = () => resolve(undefined)
      await promise
    }
  }
  await until(/\r\n/u)
  socket.write('a LOGIN alice secret\r\n')
  const greeting = await until(/^a .*\r\n/u)
  socket.write('b COMPRESS DEFLATE\r\n')
  await until(/^b OK .*\r\n/u)
  inflating = true
  deflate.pipe(socket)
  const write = (text: string): void => {
    deflate.write(Buffer.from(text, 'latin1'))
    deflate.flush(constants.Z_SYNC_FLUSH)
  }
  return {
    socket,
    greeting,
    write,
    end: () => deflate.end(),
    until,
    run: (line: string) => {
      write(`${line}\r\n`)
      return until(new RegExp(`(^|\\r\\n)${line.split(' ')[0]} [^\\r]*\\r\\n`, 'u'))
    },
    get wireBytes() {
      return wireBytes
    },
  }
}

test('everything behind the OK is compressed, both ways', async () => {
  const client = await compressed()
  const text = message('one', 'the same line again\r\n'.repeat(2000))
  expect(client.greeting).toContain('COMPRESS=DEFLATE')
  client.write(`c APPEND Drafts {${text.length}+}\r\n${text}\r\n`)
  expect(await client.until(/c OK.*\r\n/u)).toContain('APPENDUID')
  await client.run('d SELECT Drafts')
  const before = client.wireBytes
  expect(await client.run('e FETCH 1 BODY.PEEK[]')).toContain(text)
  expect(client.wireBytes - before).toBeLessThan(text.length / 20)
  client.socket.destroy()
})

test('it is refused when it is on, and advertised no more', async () => {
  const client = await compressed()
  expect(await client.run('c COMPRESS DEFLATE')).toContain('c NO [COMPRESSIONACTIVE]')
  expect(await client.run('d CAPABILITY')).not.toContain('COMPRESS')
  client.socket.destroy()
})

test('what is pushed during IDLE arrives without a further word', async () => {
  const client = await compressed()
  await client.run('c SELECT Drafts')
  client.write('d IDLE\r\n')
  await client.until(/\+ idling\r\n/u)
  const drafts = server.store.find('alice', 'Drafts')
  if (drafts === undefined) throw new Error('no Drafts')
  server.store.append(drafts, { bytes: Buffer.from(message('x')), flags: [], internalDateMs: 0 })
  expect(await client.until(/EXISTS\r\n/u)).toContain('* 1 EXISTS')
  client.socket.destroy()
})

test('a command right before the end of the connection is executed', async () => {
  const client = await compressed()
  // Its inflation takes many turns, and the FIN comes with its first octets.
  const text = message('last', 'the same line again\r\n'.repeat(200_000))
  client.write(`c APPEND Drafts {${text.length}+}\r\n${text}\r\n`)
  client.end()
  await once(client.socket, 'close')
  // The server has read to the end of the stream before it lets go of the session.
  await expect.poll(() => server.mailbox('alice', 'Drafts').length).toBe(1)
})

test('LOGOUT: the farewell arrives before the end', async () => {
  const client = await compressed()
  // Listened for before: the end may be there as soon as the farewell is.
  const closed = once(client.socket, 'close')
  expect(await client.run('c LOGOUT')).toContain('* BYE')
  await closed
})

test('octets that are not compressed end the connection', async () => {
  const client = await compressed()
  client.socket.unpipe()
  client.socket.write('\xff\xffNOOP\r\n', 'latin1')
  await once(client.socket, 'close')
  expect(server.mailbox('alice', 'Drafts')).toHaveLength(0)
})

test('the session itself only says when; without a network that can, there is no COMPRESS', () => {
  const client = createWorld().login()
  expect(client.run('a COMPRESS ZSTD')).toMatch(/^a NO/u)
  expect(client.compressing).toBe(false)
  expect(client.run('b COMPRESS DEFLATE')).toBe('b OK Compression active\r\n')
  expect(client.compressing).toBe(true)
})
