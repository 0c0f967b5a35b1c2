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
  app.addHook('onRequest', (request, _reply, done) => {
    const { host } = request.headers
    // Before HTTP/1.1 there was none, and no browser speaks that.
    if (host === undefined || host === lastOurs) return done()
    if (!isOurs(host, names)) {
      return done(new ProblemError(421, 'WRONG_HOST', 'Host: is no name of this daemon; see its setting hosts'))
    }
    lastOurs = host
    return done()
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
