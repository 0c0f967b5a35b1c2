import helmet from '@fastify/helmet'
import type { FastifyInstance } from 'fastify'

/** Answers are data: nothing in them is run, framed, or read by a page from elsewhere. */
export async function sendSecurityHeaders(app: FastifyInstance): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
    },
    referrerPolicy: { policy: 'no-referrer' },
    // Here it is plain HTTP; a proxy that has TLS before it says that by itself.
    strictTransportSecurity: false,
  })
}
