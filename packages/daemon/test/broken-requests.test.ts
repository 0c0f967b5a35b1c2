import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

import { fastify } from 'fastify'
import { describe, expect, onTestFinished, test } from 'vitest'

import { followExchanges, refuseBrokenRequest } from '../src/broken-requests.ts'
import { type Running, start, token } from './harness.ts'

const known = `Host: localhost\r\nAuthorization: Bearer ${token}\r\n`
const json = `${known}Content-Type: application/json\r\n`

interface Spoken {
  readonly socket: Socket
  /** All that came, once the connection is at its end. */
  readonly heard: Promise<string>
}

function speak(url: string, words: string): Spoken {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  let said = ''
  socket.on('data', (data: Buffer) => void (said += data.toString('utf8')))
  const heard = once(socket, 'close').then(() => said)
  // A connection that is cut is what some of these tests are about.
  socket.on('error', () => {})
  socket.write(words)
  return { socket, heard }
}

/** The only answer that is in there. */
function answerOf(heard: string): { readonly status: number; readonly type: string; readonly body: unknown } {
  const [head = '', body = '', ...more] = heard.split('\r\n\r\n')
  expect(more).toEqual([])
  return {
    status: Number(/^HTTP\/1\.1 (\d+) /.exec(head)?.[1]),
    type: /^content-type: (.*)$/im.exec(head)?.[1] ?? '',
    body: JSON.parse(body),
  }
}

const problem = (status: number, code: string): unknown => ({
  status,
  type: 'application/problem+json',
  body: expect.objectContaining({ type: 'about:blank', status, code }),
})

const noRequests: Readonly<Record<string, string>> = {
  'other words': 'top-secret there\r\n\r\n',
  TLS: '\x16\x03\x01\x00\xf5\x01\x00\x00\xf1\x03\x03',
  'HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'a method that is none': `TOPSECRET /accounts HTTP/1.1\r\n${known}\r\n`,
  'a version that is none': `GET /top-secret HTTP/9.1\r\n${known}\r\n`,
  'octets in the path': `GET /top-secret\xc3\xa4 HTTP/1.1\r\n${known}\r\n`,
  'NUL in a header': `GET /accounts HTTP/1.1\r\n${known}X: top-secret\0\r\n\r\n`,
  'a header without a name': `GET /accounts HTTP/1.1\r\n${known}: top-secret\r\n\r\n`,
  'a folded header': `GET /accounts HTTP/1.1\r\n${known}X: a\r\n  top-secret\r\n\r\n`,
  'a length that is none': `POST /accounts HTTP/1.1\r\n${json}Content-Length: top-secret\r\n\r\n`,
  'two lengths': `POST /accounts HTTP/1.1\r\n${json}Content-Length: 4\r\nContent-Length: 5\r\n\r\n{}`,
  'a length beside chunks': `POST /accounts HTTP/1.1\r\n${json}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'another transfer encoding': `POST /accounts HTTP/1.1\r\n${json}Transfer-Encoding: gzip\r\n\r\ntop-secret`,
  'a chunk without a length': `POST /accounts HTTP/1.1\r\n${json}Transfer-Encoding: chunked\r\n\r\ntop-secret\r\n`,
}

const tooLarge: Readonly<Record<string, string>> = {
  'a header': `GET /accounts HTTP/1.1\r\n${known}X: ${'top-secret'.repeat(2_000)}\r\n\r\n`,
  'a header of a megabyte': `GET /accounts HTTP/1.1\r\n${known}X: ${'top-secret'.repeat(100_000)}\r\n\r\n`,
  'many headers': `GET /accounts HTTP/1.1\r\n${known}${'X: top-secret\r\n'.repeat(2_000)}\r\n`,
  'a path': `GET /${'top-secret'.repeat(2_000)} HTTP/1.1\r\n${known}\r\n`,
}

/** Nothing of what was sent is repeated, and nothing of it is a fault of ours. */
function expectDiscreet(heard: string, { logLines }: Running): void {
  expect(heard).not.toMatch(/top-?secret/i)
  expect(logLines.join('')).not.toMatch(/top-?secret.*no HTTP request|"level":50/i)
}

describe('what is no request', () => {
  test('is 400 as a problem document, and the daemon goes on', async () => {
    const running = await start()
    for (const [name, words] of Object.entries(noRequests)) {
      const heard = await speak(running.url, words).heard
      expect(answerOf(heard), name).toEqual(problem(400, 'VALIDATION_ERROR'))
      expectDiscreet(heard, running)
    }
    expect(running.logLines.join('')).toContain('refused: no HTTP request')
    expect((await running.call('GET', '/accounts')).status).toBe(200)
  })

  test('and is too large: 431 as a problem document', async () => {
    const running = await start()
    for (const [name, words] of Object.entries(tooLarge)) {
      const heard = await speak(running.url, words).heard
      expect(answerOf(heard), name).toEqual(problem(431, 'HEADERS_TOO_LARGE'))
      expectDiscreet(heard, running)
    }
  })

  test('one that ends before its body, or in its headers, is 400', async () => {
    const running = await start()
    for (const words of [
      `POST /accounts HTTP/1.1\r\n${json}Content-Length: 100\r\n\r\n{"address": "top-secret`,
      `POST /accounts HTTP/1.1\r\n${json}Transfer-Encoding: chunked\r\n\r\n2\r\n{`,
      'GET /accounts HTTP/1.1\r\nX-Top-Sec',
    ]) {
      const { socket, heard } = speak(running.url, words)
      socket.end()
      expect(answerOf(await heard)).toEqual(problem(400, 'VALIDATION_ERROR'))
      expectDiscreet(await heard, running)
    }
  })

  test('without Host it is 400, and so it says; before HTTP/1.1 there was none', async () => {
    const { url } = await start()
    const { heard } = speak(url, `GET /accounts HTTP/1.1\r\nConnection: close\r\n\r\n`)
    expect(answerOf(await heard)).toMatchObject({ status: 400, body: { errors: [{ path: 'Host' }] } })
    expect(answerOf(await speak(url, 'GET / HTTP/1.0\r\n\r\n').heard).status).toBe(200)
  })

  test('what is expected beside 100-continue is passed over', async () => {
    const { url } = await start()
    const { heard } = speak(url, `GET /accounts HTTP/1.1\r\n${known}Expect: wonders\r\nConnection: close\r\n\r\n`)
    expect(answerOf(await heard).status).toBe(200)
  })
})

describe('on a connection on which something else is asked', () => {
  test('the answer before it comes whole; then it is refused', async () => {
    const { url } = await start()
    const { socket, heard } = speak(url, `GET /accounts HTTP/1.1\r\n${known}\r\n`)
    await once(socket, 'data')
    socket.write('no request\r\n\r\n')
    expect((await heard).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400'])
  })

  test('it is cut without a word while the answer is still to come, or on its way: it is no part of that', async () => {
    const { url, call, addAccount, addDraft } = await start()
    const waiting = `POST /accounts/${(await addAccount()).id}/sync HTTP/1.1\r\n${known}Prefer: wait=60\r\nContent-Length: 0\r\n\r\n`
    expect(await speak(url, `${waiting}no request\r\n\r\n`).heard).toBe('')
    const { socket, heard } = speak(url, `GET /events HTTP/1.1\r\n${known}\r\n`)
    await once(socket, 'data')
    const { id } = (await call('GET', '/accounts')).body.items[0]
    await addDraft(id)
    socket.write('no request\r\n\r\n')
    expect((await heard).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200'])
    expect(await heard).not.toContain('problem')
  })
})

test('headers that do not come in time are 408', async () => {
  const { log } = fastify()
  const server: Server = createServer({ headersTimeout: 30, connectionsCheckingInterval: 10 })
  followExchanges(server)
  server.on('clientError', (error, socket) => refuseBrokenRequest(error, socket as Socket, log))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const { heard } = speak(`http://127.0.0.1:${port}`, `GET /accounts HTTP/1.1\r\n${known}`)
  expect(answerOf(await heard)).toEqual(problem(408, 'REQUEST_TIMEOUT'))
})
