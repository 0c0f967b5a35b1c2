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
  function refusalOf(request: FastifyRequest): ProblemError {
    const path = pathOf(request.url)
    const methods = methodsByPattern.get(path) ?? methodsOf(path.split('/'))
    if (methods === undefined) return new ProblemError(404, 'NOT_FOUND', 'there is nothing under this path')
    const allow = [...methods].toSorted().join(', ')
    return new ProblemError(405, 'METHOD_NOT_ALLOWED', `this path takes ${allow}`, { headers: { allow } })
  }
  function methodsOf(path: readonly string[]): ReadonlySet<string> | undefined {
    for (const [pattern, methods] of methodsByPattern) if (matches(pattern.split('/'), path)) return methods
    return undefined
  }

  // At once: what becomes of a body is no matter, and Fastify has opinions on those of methods that nobody serves.
  app.addHook('onRequest', (request, _reply, done) => {
    // A path of its own is no id, also where only a path with an id takes the method.
    const isOther = methodsByPattern.get(pathOf(request.url))?.has(request.method) === false
    if (request.is404 || isOther) done(refusalOf(request))
    else done()
  })
  app.setNotFoundHandler((request) => {
    throw refusalOf(request)
  })
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  return (
    pattern.length === path.length &&
    pattern.every((part, index) => (part.startsWith(':') ? path[index] !== '' : part === path[index]))
  )
}
