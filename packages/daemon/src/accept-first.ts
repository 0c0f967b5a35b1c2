import type { FastifyInstance } from 'fastify'

/**
 * Lets requests wait while new connections come in. Between two looks at what there is to read, libuv accepts one connection: where the
 * requests of those who were let in first take up that time, the last of many who come at once would wait for seconds. A
 * request waits no longer than `longestWaitMs`, however many come.
 */
export function acceptFirst(app: FastifyInstance, longestWaitMs = 20): void {
  let waiting: (() => void)[] = []
  let hasCome = false
  let waitingSince = 0

  /** Runs after each look, and before the next one. */
  function look(): void {
    if (hasCome && performance.now() - waitingSince < longestWaitMs) {
      hasCome = false
      setImmediate(look)
      return
    }
    hasCome = false
    const ready = waiting
    waiting = []
    for (const goOn of ready) goOn()
  }

  app.server.on('connection', () => {
    hasCome = true
  })
  app.addHook('onRequest', (_request, _reply, done) => {
    if (!hasCome && waiting.length === 0) return done()
    waiting.push(done)
    if (waiting.length > 1) return
    waitingSince = performance.now()
    setImmediate(look)
  })
}
