import type { FastifyInstance } from 'fastify'

import { ProblemError } from './problems.ts'

/** JSON and nothing else; an absent body is `undefined`. */
export function acceptJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) return done(null, undefined)
    let text: string
    try {
      // Fatal: octets that are no UTF-8 would be stored as another text than was sent.
      text = new TextDecoder('utf-8', { fatal: true }).decode(body as Uint8Array)
    } catch {
      return done(
        new ProblemError(400, 'VALIDATION_ERROR', 'body: is not UTF-8', {
          errors: [{ path: 'body', message: 'is not UTF-8' }],
        }),
      )
    }
    return parse(request, text, done)
  })
}

/** Compressed bodies are refused rather than stored as they came. */
export function refuseEncodedBodies(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.method === 'GET' || request.method === 'HEAD') return done()
    const encoding = request.headers['content-encoding']
    if (encoding === undefined || encoding.toLowerCase() === 'identity') return done()
    return done(new ProblemError(415, 'UNSUPPORTED_MEDIA_TYPE', 'Content-Encoding: must be absent or identity'))
  })
}
