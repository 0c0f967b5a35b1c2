import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'

import type { FastifyInstance } from 'fastify'
import helmet from 'helmet'

/** Answers are data: nothing in them is run, framed, or read by a page from elsewhere. */
export function sendSecurityHeaders(app: FastifyInstance): void {
  const headers = securityHeaders()
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers)
    done()
  })
}

/** They are the same for each answer: helmet is asked once. */
function securityHeaders(): Readonly<Record<string, string>> {
  const request = new IncomingMessage(new Socket())
  const answer = new ServerResponse(request)
  const apply = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
    },
    referrerPolicy: { policy: 'no-referrer' },
    // Here it is plain HTTP; a proxy that has TLS before it says that by itself.
    strictTransportSecurity: false,
  })
  apply(request, answer, (error) => {
    if (error !== undefined) throw error
  })
  return answer.getHeaders() as Record<string, string>
}
