import type { ApiTokenId } from '@everdraft/core'
import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'

import { principalOf } from './principal.ts'
import { ProblemError } from './problems.ts'

/** For each token by itself. The daemon's own has no limit: whoever has that can change it. */
export async function limitRates(app: FastifyInstance, requestsPerMinute: number): Promise<void> {
  await app.register(rateLimit, {
    max: requestsPerMinute,
    timeWindow: '1 minute',
    enableDraftSpec: true,
    keyGenerator: (request) => tokenOf(request) ?? '',
    allowList: (request) => tokenOf(request) === null,
    // The package sets the headers, Retry-After among them.
    errorResponseBuilder: () =>
      new ProblemError(429, 'RATE_LIMITED', `this token may make ${requestsPerMinute} requests in a minute`),
  })
}

/** Null: a token that has no limit, or none at all. */
function tokenOf(request: FastifyRequest): ApiTokenId | null {
  return request.routeOptions.config.access === 'open' ? null : principalOf(request).tokenId
}
