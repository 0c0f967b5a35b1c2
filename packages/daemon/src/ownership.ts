import {
  type Account,
  type AccountId,
  type ApiToken,
  type ApiTokenId,
  defaultOwner,
  type Draft,
  type DraftManagerAnswer,
  type DraftManagerOptions,
  type DraftManagerRequest,
  type Engine,
  EverdraftError,
  type EventScope,
  type OutcomeFigureFilter,
  type Owner,
  type Page,
  type PageRequest,
  type SendFilter,
  type SendId,
  type SendRecord,
  type Umid,
  type Webhook,
  type WebhookId,
} from '@everdraft/core'
import type { FastifyRequest } from 'fastify'

import { principalOf } from './principal.ts'
import { ProblemError } from './problems.ts'

// Whose a thing is, is asked here and nowhere else: no route hands an id to the engine before it went through here. What
// is somebody else's and what is nobody's get the same answer, so that who asks learns nothing of others.

/** In whose name the request is made: what it makes is theirs. */
export function ownerOf(request: FastifyRequest): Owner {
  return principalOf(request).owner
}

/** For what is kept for each owner apart. */
export function ownerKey(request: FastifyRequest): string {
  const { tenantId, userId } = ownerOf(request)
  return JSON.stringify([tenantId, userId])
}

export async function ownAccount(engine: Engine, request: FastifyRequest, id: AccountId): Promise<Account> {
  const account = await found(engine.accounts.get(id))
  if (account !== null && isSame(account.owner, ownerOf(request))) return account
  throw new ProblemError(403, 'UNAUTHORIZED', 'this account is not yours')
}

export async function ownAccounts(engine: Engine, request: FastifyRequest, page: PageRequest): Promise<Page<Account>> {
  return await engine.accounts.list({ ...page, owner: ownerOf(request) })
}

/** Of which events a request may hear; `accountId` null: of all that is its owner's. */
export async function ownEvents(
  engine: Engine,
  request: FastifyRequest,
  accountId: AccountId | null,
): Promise<EventScope> {
  if (accountId !== null) await ownAccount(engine, request, accountId)
  return { owner: ownerOf(request), accountId }
}

/** The draft, if it is one of this account; a draft of another account is as unknown as one that never was. */
export async function ownDraft(
  engine: Engine,
  request: FastifyRequest,
  accountId: AccountId,
  id: Umid,
): Promise<Draft> {
  await ownAccount(engine, request, accountId)
  const draft = await found(engine.drafts.get(id))
  if (draft !== null && draft.accountId === accountId) return draft
  throw new ProblemError(404, 'NOT_FOUND', 'there is no such draft in this account')
}

/** Looks by itself whose the account is, and that a draft is of this account: in whose name, is said here. */
export async function askDraftManager(
  engine: Engine,
  request: FastifyRequest,
  asked: DraftManagerRequest,
  options: Omit<DraftManagerOptions, 'owner'>,
): Promise<DraftManagerAnswer> {
  return await engine.draftManager(asked, { ...options, owner: ownerOf(request) })
}

export async function ownSend(engine: Engine, request: FastifyRequest, id: SendId): Promise<SendRecord> {
  const send = await found(engine.sends.get(id))
  const account = send === null ? null : await found(engine.accounts.get(send.accountId))
  if (send !== null && account !== null && isSame(account.owner, ownerOf(request))) return send
  throw new ProblemError(404, 'NOT_FOUND', 'there is no such send')
}

export async function ownSends(engine: Engine, request: FastifyRequest, filter: SendFilter): Promise<Page<SendRecord>> {
  if (filter.accountId !== undefined) await ownAccount(engine, request, filter.accountId)
  return await engine.sends.list({ ...filter, owner: ownerOf(request) })
}

/** Of its own drafts; of all of its tenant's for who may see to the tenant. Counts alone: texts are each user's own. */
export function countedOutcomes(request: FastifyRequest): Pick<OutcomeFigureFilter, 'owner' | 'ofTenant'> {
  const { owner, scopes } = principalOf(request)
  return { owner, ofTenant: scopes.has('admin') }
}

/** The operator's are all of them. */
export async function ownToken(engine: Engine, request: FastifyRequest, id: ApiTokenId): Promise<ApiToken> {
  const { owner, tokenId } = principalOf(request)
  const token = await found(engine.apiTokens.get(id))
  if (token !== null && (tokenId === null || isSame(token.owner, owner))) return token
  throw new ProblemError(404, 'NOT_FOUND', 'there is no such token')
}

/** The operator's are all of them. */
export async function ownTokens(engine: Engine, request: FastifyRequest, page: PageRequest): Promise<Page<ApiToken>> {
  const { owner, tokenId } = principalOf(request)
  return await engine.apiTokens.list(tokenId === null ? page : { ...page, owner })
}

export async function ownWebhook(engine: Engine, request: FastifyRequest, id: WebhookId): Promise<Webhook> {
  const webhook = await found(engine.webhooks.get(id))
  if (webhook !== null && isSame(webhook.owner, ownerOf(request))) return webhook
  throw new ProblemError(404, 'NOT_FOUND', 'there is no such webhook')
}

export async function ownWebhooks(engine: Engine, request: FastifyRequest, page: PageRequest): Promise<Page<Webhook>> {
  return await engine.webhooks.list({ ...page, owner: ownerOf(request) })
}

function isSame(one: Owner, other: Owner): boolean {
  return one.tenantId === other.tenantId && one.userId === other.userId
}

async function found<Thing>(asked: Promise<Thing>): Promise<Thing | null> {
  try {
    return await asked
  } catch (error) {
    if (!(error instanceof EverdraftError) || error.code !== 'NOT_FOUND') throw error
    return null
  }
}

/** @throws {ProblemError} 403: the network around the daemon is that of who runs it, and of no other tenant */
export function checkMayReachPrivate(request: FastifyRequest): void {
  if (ownerOf(request).tenantId === defaultOwner.tenantId) return
  const message = 'only for the tenant of the daemon itself'
  throw new ProblemError(403, 'UNAUTHORIZED', `allow_private: ${message}`, {
    errors: [{ path: 'allow_private', message }],
  })
}
