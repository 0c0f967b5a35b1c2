import { type ApiTokenId, defaultOwner, type Owner, type Scope, scopes } from '@everdraft/core'
import type { FastifyRequest } from 'fastify'

import { ProblemError } from './problems.ts'

/** Who asks: what the token says of its bearer. */
export interface Principal {
  readonly owner: Owner
  readonly scopes: ReadonlySet<Scope>
  /** Null: the token that the daemon was started with, which is nobody's to list or to revoke. */
  readonly tokenId: ApiTokenId | null
  /** In epoch milliseconds; null: it does not expire. */
  readonly expiresAt: number | null
}

/** Whoever has the token of the daemon itself: the only one who makes tokens for others. */
export const operator: Principal = { owner: defaultOwner, scopes: new Set(scopes), tokenId: null, expiresAt: null }

/** @throws {ProblemError} 403 for any other token: this is about what all tenants have in common */
export function checkIsOperator(request: FastifyRequest): void {
  if (principalOf(request) === operator) return
  throw new ProblemError(403, 'UNAUTHORIZED', 'this is for the token of the daemon itself')
}

const principals = new WeakMap<FastifyRequest, Principal>()

export function setPrincipal(request: FastifyRequest, principal: Principal): void {
  principals.set(request, principal)
}

/** Of a request that was let in by its token; a route that is open to all has none. */
export function principalOf(request: FastifyRequest): Principal {
  const principal = principals.get(request)
  if (principal === undefined) throw new Error('the route is open to all, and asks who is there')
  return principal
}
