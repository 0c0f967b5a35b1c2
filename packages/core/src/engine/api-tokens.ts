import { type Owner, type Scope, scopes } from '../access.ts'
import { checkHeaderText } from '../draft/address.ts'
import { EverdraftError, validationError } from '../errors.ts'
import { type ApiTokenId, toHex, uuidv7 } from '../ids.ts'
import {
  deleteApiToken,
  findApiToken,
  insertApiToken,
  listApiTokens,
  type StoredApiToken,
  touchApiToken,
} from '../storage/api-tokens.ts'
import type { ApiToken, ApiTokens } from './api.ts'
import { checkPage } from './paging.ts'
import type { EngineParts } from './parts.ts'

/** What tells leaked tokens apart from other random text. */
const prefix = 'everdraft_'
const secretBytes = 32
/** When a token was used last is written down this often, and not at each request. */
const lastUsedStepMs = 10 * 60_000
/** So many are remembered, the ones that came first go. */
const mostRemembered = 10_000

const ownerName = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,199}$/

export function createApiTokens({ store, environment }: EngineParts): ApiTokens {
  // 256 random bits need no slow hash: there is nothing to guess.
  function digestOf(text: string): string {
    const hasher = environment.createSha256()
    hasher.update(new TextEncoder().encode(text))
    return hasher.digest()
  }

  // They are asked for at each request, and change by nothing but what is below.
  const remembered = new Map<ApiTokenId, StoredApiToken>()

  async function find(id: ApiTokenId): Promise<StoredApiToken | null> {
    const known = remembered.get(id)
    if (known !== undefined) return known
    const mark = store.changeMark()
    const token = await store.read((db) => findApiToken(db, id))
    // Since the mark it may have been revoked.
    if (token !== null && mark !== null && mark === store.changeMark()) remember(token)
    return token
  }

  function remember(token: StoredApiToken): void {
    const [first] = remembered.keys()
    if (remembered.size >= mostRemembered && first !== undefined) remembered.delete(first)
    remembered.set(token.id, token)
  }

  return {
    async create({ owner, name = '', expiresAt = null, ...input }) {
      const now = environment.now()
      checkOwner(owner)
      if (expiresAt !== null && !(expiresAt > now)) throw validationError('expires_at', 'must be in the future')
      const id = uuidv7(now, environment.random) as ApiTokenId
      const text = `${prefix}${id.replaceAll('-', '')}_${toHex(environment.random(secretBytes))}`
      const token: StoredApiToken = {
        id,
        owner,
        name: checkHeaderText(name, 'name').trim(),
        scopes: checkedScopes(input.scopes),
        digest: digestOf(text),
        expiresAt,
        lastUsedAt: null,
        createdAt: now,
      }
      await store.write(({ db }) => insertApiToken(db, token))
      return { token: withoutDigest(token), text }
    },
    async get(id) {
      const token = await store.read((db) => findApiToken(db, id))
      if (token === null) throw new EverdraftError('NOT_FOUND', `there is no token ${id}`)
      return withoutDigest(token)
    },
    async list({ owner, ...page } = {}) {
      const checked = checkPage(page)
      const { items, total } = await store.read((db) => listApiTokens(db, owner ?? null, checked))
      return { items: items.map(withoutDigest), total, ...checked }
    },
    async revoke(id) {
      await store.write(({ db }) => deleteApiToken(db, id))
      remembered.delete(id)
    },
    async authenticate(text) {
      const id = idIn(text)
      if (id === null) return null
      const token = await find(id)
      if (token === null || !isSame(token.digest, digestOf(text))) return null
      const now = environment.now()
      if (token.expiresAt !== null && token.expiresAt <= now) return null
      if (token.lastUsedAt === null || now - token.lastUsedAt >= lastUsedStepMs) {
        if (remembered.has(id)) remembered.set(id, { ...token, lastUsedAt: now })
        // Nobody waits for it, and a store that is full or closes meanwhile takes the right to nothing.
        store.write(({ db }) => touchApiToken(db, id, now)).catch(() => {})
      }
      return withoutDigest(token)
    },
  }
}

function withoutDigest({ digest: _digest, ...token }: StoredApiToken): ApiToken {
  return token
}

/** The id stands in the token, so that it is found by what is no secret, and compared by what is. */
function idIn(text: string): ApiTokenId | null {
  const id = /^everdraft_(?<id>[0-9a-f]{32})_[0-9a-f]{64}$/.exec(text)?.groups?.['id']
  if (id === undefined) return null
  return id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') as ApiTokenId
}

/** In the same time whatever they are: two digests are equally long. */
function isSame(one: string, other: string): boolean {
  let difference = one.length ^ other.length
  for (let index = 0; index < one.length; index += 1) difference |= one.charCodeAt(index) ^ other.charCodeAt(index)
  return difference === 0
}

function checkedScopes(given: readonly Scope[]): readonly Scope[] {
  if (given.length === 0) throw validationError('scopes', 'must name at least one')
  for (const [index, scope] of given.entries()) {
    if (!scopes.includes(scope)) throw validationError(`scopes[${index}]`, `must be one of ${scopes.join(', ')}`)
  }
  return scopes.filter((scope) => given.includes(scope))
}

function checkOwner({ tenantId, userId }: Owner): void {
  for (const [path, name] of [
    ['tenant_id', tenantId],
    ['user_id', userId],
  ] as const) {
    if (!ownerName.test(name)) {
      throw validationError(path, 'must be 1 to 200 letters, digits and any of . _ @ + -, a letter or digit first')
    }
  }
}
