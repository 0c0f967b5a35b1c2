import type { IncomingMessage } from 'node:http'

import type { FastifyBaseLogger, FastifyInstance } from 'fastify'

export interface SlowestBody {
  /** In each such time of a body on its way here … */
  readonly windowMs: number
  /** … at least so much of it must come. */
  readonly bytes: number
}

/** Slower than any line that a file crosses: who sends less holds the connection, and sends nothing. */
export const slowestBody: SlowestBody = { windowMs: 20_000, bytes: 1_024 }

/** Longer than the longest wait that can be asked for: until then nothing may cross the line in either direction. */
export const silenceMs = 330_000

/** Cuts the connection where a body comes so slowly that it is on purpose; a large file may take as long as it takes. */
export function cutSlowBodies(app: FastifyInstance, slowest: SlowestBody): void {
  app.addHook('onRequest', ({ raw, log }, _reply, done) => {
    if (mayHaveBody(raw)) watch(raw, log, slowest)
    done()
  })
}

function mayHaveBody({ complete, headers }: IncomingMessage): boolean {
  if (headers['transfer-encoding'] !== undefined) return true
  return !complete && (headers['content-length'] ?? '0') !== '0'
}

function watch(raw: IncomingMessage, log: FastifyBaseLogger, { windowMs, bytes }: SlowestBody): void {
  let seen = raw.socket.bytesRead
  const timer = setInterval(() => {
    const read = raw.socket.bytesRead
    if (raw.complete || raw.destroyed) return clearInterval(timer)
    // What is here and not read yet waits for us, not for the client.
    if (read - seen < bytes && raw.readableLength === 0) {
      log.warn({ received: read - seen }, 'cut: the body came too slowly')
      raw.socket.destroy()
    }
    seen = read
  }, windowMs)
  timer.unref()
  raw.once('end', () => clearInterval(timer)).once('close', () => clearInterval(timer))
}
