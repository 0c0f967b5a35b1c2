import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

import type { FastifyBaseLogger } from 'fastify'

import { type Problem, ProblemError, problemMediaType, problemOf } from './problems.ts'

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** How long who was refused may go on sending. */
const lingerMs = 1_000

/** Of each connection, the newest. */
const exchanges = new WeakMap<Socket, Exchange>()

/** For `refuseBrokenRequest`. */
export function followExchanges(server: Server): void {
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    exchanges.set(request.socket, { request, response })
  })
  // What is expected beside 100-continue may be passed over (RFC 9110 §10.1.1); Node would say 417 without a word.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response))
}

/**
 * Answers by a problem document what Node's parser takes for no request, for one that is too large, or that came too slowly:
 * there is no request of Fastify's then. Nothing of what was sent is in the answer or in the log.
 */
export function refuseBrokenRequest(error: NodeJS.ErrnoException, socket: Socket, log: FastifyBaseLogger): void {
  // What comes after the first error is more of the same; a connection that was reset hears nothing.
  if (!socket.writable || error.code === 'ECONNRESET') return
  if (!mayAnswer(exchanges.get(socket))) {
    socket.destroy()
    return
  }
  const document = problemOf(refusalOf(error))
  log.info({ status: document.status, code: document.code }, 'refused: no HTTP request')
  write(socket, document)
}

/** Not while another answer is still to come, or on its way: it would be taken for that, or for a part of it. */
function mayAnswer(exchange: Exchange | undefined): boolean {
  if (exchange === undefined) return true
  const { request, response } = exchange
  return request.complete ? response.writableFinished : !response.headersSent
}

function refusalOf({ code }: NodeJS.ErrnoException): ProblemError {
  switch (code ?? '') {
    case 'HPE_HEADER_OVERFLOW':
      return new ProblemError(431, 'HEADERS_TOO_LARGE', 'path and headers: are larger than 16 KiB together')
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ProblemError(408, 'REQUEST_TIMEOUT', 'the headers did not come in time')
    default:
      return new ProblemError(400, 'VALIDATION_ERROR', 'request: is no HTTP/1.1, or ends before its body does', {
        errors: [{ path: 'request', message: 'is no HTTP/1.1, or ends before its body does' }],
      })
  }
}

/** By hand, as there is no response to write. */
function write(socket: Socket, document: Problem): void {
  const body = JSON.stringify(document)
  socket.end(
    [
      `HTTP/1.1 ${document.status} ${document.title}`,
      `Content-Type: ${problemMediaType}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Cache-Control: no-store',
      'X-Content-Type-Options: nosniff',
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  )
  // Closed with something unread in it, the connection would be reset, and the answer with it.
  const timer = setTimeout(() => socket.destroy(), lingerMs).unref()
  socket.once('close', () => clearTimeout(timer))
}
