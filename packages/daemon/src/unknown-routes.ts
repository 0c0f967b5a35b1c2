import type { FastifyInstance, FastifyRequest } from 'fastify'

import { pathOf } from './authentication.ts'
import { ProblemError } from './problems.ts'

/** 404 for a path that is not there, 405 with `Allow` (RFC 9110 §15.5.6) for one that is, under another method. */
export function answerUnknownRoutes(app: FastifyInstance): void {
  const methodsByPattern = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const methods = methodsByPattern.get(url) ?? new Set<string>()
    for (const name of [method].flat()) methods.add(name)
    methodsByPattern.set(url, methods)
  })
  function refuse(request: FastifyRequest): never {
    const path = pathOf(request.url).split('/')
    for (const [pattern, methods] of methodsByPattern) {
      if (!matches(pattern.split('/'), path)) continue
      const allow = [...methods].toSorted().join(', ')
      throw new ProblemError(405, 'METHOD_NOT_ALLOWED', `this path takes ${allow}`, { headers: { allow } })
    }
    throw new ProblemError(404, 'NOT_FOUND', 'there is nothing under this path')
  }

  // At once: what becomes of a body is no matter, and Fastify has opinions on those of methods that nobody serves.
  app.addHook('onRequest', async (request) => {
    if (request.is404) refuse(request)
  })
  app.setNotFoundHandler(refuse)
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  return (
    pattern.length === path.length &&
    pattern.every((part, index) => (part.startsWith(':') ? path[index] !== '' : part === path[index]))
  )
}
