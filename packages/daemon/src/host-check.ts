import { isIP } from 'node:net'

import type { FastifyInstance } from 'fastify'

import { ProblemError } from './problems.ts'

/**
 * Refuses requests that name another host. A page that a browser has loaded from elsewhere can let its own name point here
 * (DNS rebinding), and is of the same origin then; it cannot change the name. An address is no such name.
 */
export function refuseOtherHosts(app: FastifyInstance, known: readonly string[]): void {
  const names = new Set(known.map((name) => name.toLowerCase().replace(/\.$/, '')))
  // Most requests name the same.
  let lastOurs: string | undefined
  app.addHook('onRequest', ({ raw }, _reply, done) => {
    const { host } = raw.headers
    if (host === lastOurs && host !== undefined) return done()
    if (host === undefined) {
      // Before HTTP/1.1 there was none, and no browser speaks that (RFC 9112 §3.2).
      return done(raw.httpVersion === '1.0' ? undefined : noHost())
    }
    if (!isOurs(host, names)) {
      return done(new ProblemError(421, 'WRONG_HOST', 'Host: is no name of this daemon; see its setting hosts'))
    }
    lastOurs = host
    return done()
  })
}

function noHost(): ProblemError {
  return new ProblemError(400, 'VALIDATION_ERROR', 'Host: is missing', {
    errors: [{ path: 'Host', message: 'is missing' }],
  })
}

function isOurs(host: string, names: ReadonlySet<string>): boolean {
  const name = host
    .toLowerCase()
    .replace(/:\d{1,5}$/, '')
    .replace(/\.$/, '')
  const address = name.replace(/^\[(.*)\]$/, '$1')
  return isIP(address) !== 0 || name === 'localhost' || name.endsWith('.localhost') || names.has(name)
}
