import { EverdraftError } from '../errors.ts'
import type { AccountId } from '../ids.ts'
import type { Secrets } from '../secrets.ts'
import { getAccount } from '../storage/accounts.ts'
import { type LoginOf, sealAnew, secretKind, setSecret, type StoredSecret, storedSecrets } from '../storage/secrets.ts'
import type { Store } from '../storage/store.ts'
import type { LoginSecrets, SecretName, TokenSource } from '../wire/login.ts'
import { type LoginSettings, WireError } from '../wire/mailbox.ts'

/** For which login a token is asked. */
export interface TokenRequest {
  readonly accountId: AccountId
  /** The account's mail address. */
  readonly address: string
  readonly login: LoginOf
  /** The user name at the server. */
  readonly user: string
  /** The server has just refused what was given: a cached token is of no use. */
  readonly renew: boolean
  /** What the account was added with to get tokens by; null: the app knows how. */
  readonly refresh: (TokenSource & { readonly refreshToken: string; readonly clientSecret?: string }) | null
  /** Where the token endpoint gives another refresh token, it takes the place of the stored one (RFC 6749 §6). */
  readonly keepRefreshToken: (refreshToken: string) => Promise<void>
}

/** Gives an access token. What it throws is not repeated to anybody, unless it is a `WireError`. */
export type TokenProvider = (request: TokenRequest) => Promise<string>

/** What lets the engine into the servers of its accounts: secrets are opened here, on the way to the wire. */
export interface LogIns {
  /** @throws {EverdraftError} NOT_FOUND, SECRETS_LOCKED */
  settings(accountId: AccountId, of: LoginOf): Promise<LoginSettings | null>
  /** Sealed, as they go into the store. */
  seal(accountId: AccountId, of: LoginOf, secrets: LoginSecrets): Promise<readonly StoredSecret[]>
  /** What signs what the account's responder is asked, sealed. */
  sealResponder(accountId: AccountId, secret: string): Promise<StoredSecret>
  /** Null: there is none. @throws {EverdraftError} SECRETS_LOCKED */
  responderSecret(accountId: AccountId): Promise<string | null>
  /** Seals what lies in the store as it is, or by an older key. What does not open is left: its account says so. */
  sealAll(): Promise<void>
}

export function createLogIns(store: Store, secrets: Secrets | null, tokens: TokenProvider | null): LogIns {
  async function sealOne(accountId: AccountId, kind: StoredSecret['kind'], secret: string): Promise<StoredSecret> {
    if (secrets === null) return { accountId, kind, secret, sealed: false }
    return { accountId, kind, secret: await secrets.seal(accountId, secret), sealed: true }
  }

  async function openOne({ accountId, secret, sealed }: StoredSecret): Promise<string> {
    if (!sealed) return secret
    if (secrets === null) {
      throw new EverdraftError(
        'SECRETS_LOCKED',
        'the passwords in this store are sealed, and no key was given to open them',
      )
    }
    return await secrets.open(accountId, secret)
  }

  async function secretOf(stored: readonly StoredSecret[], of: LoginOf, name: SecretName): Promise<string | null> {
    const found = stored.find(({ kind }) => kind === secretKind(of, name))
    return found === undefined ? null : await openOne(found)
  }

  return {
    async settings(accountId, of) {
      const { account, stored } = await store.read(async (db) => ({
        account: await getAccount(db, accountId),
        stored: await storedSecrets(db, accountId),
      }))
      const login = account[of]
      if (login === null) return null
      const { auth, ...shown } = login
      const proxy = await secretOf(stored, of, 'proxy')
      const address = proxy === null ? shown : { ...shown, proxy }
      if (auth === undefined) return { ...address, password: (await secretOf(stored, of, 'password')) ?? '' }
      return {
        ...address,
        auth: {
          type: 'oauth2',
          async accessToken({ renew }) {
            if (tokens === null) {
              throw new WireError('AUTH_FAILED', 'the account logs in by access tokens, and nothing here gives any')
            }
            // Read at each use: a refresh token that was exchanged meanwhile is not there any more.
            const now = await store.read((db) => storedSecrets(db, accountId))
            const refreshToken = await secretOf(now, of, 'refresh-token')
            const clientSecret = await secretOf(now, of, 'client-secret')
            const refresh =
              auth.refresh === undefined || refreshToken === null
                ? null
                : { ...auth.refresh, refreshToken, ...(clientSecret === null ? {} : { clientSecret }) }
            return await tokens({
              accountId,
              address: account.address,
              login: of,
              user: login.user,
              renew,
              refresh,
              async keepRefreshToken(next) {
                const sealed = await sealOne(accountId, secretKind(of, 'refresh-token'), next)
                await store.write(async ({ db }) => {
                  // Not for an account that was removed meanwhile.
                  await getAccount(db, accountId)
                  await setSecret(db, sealed)
                })
              },
            })
          },
        },
      }
    },
    async seal(accountId, of, given) {
      const sealed: StoredSecret[] = []
      for (const [name, secret] of Object.entries(given)) {
        sealed.push(await sealOne(accountId, secretKind(of, name as SecretName), secret))
      }
      return sealed
    },
    sealResponder: (accountId, secret) => sealOne(accountId, 'responder', secret),
    async responderSecret(accountId) {
      const stored = await store.read((db) => storedSecrets(db, accountId))
      const found = stored.find(({ kind }) => kind === 'responder')
      return found === undefined ? null : await openOne(found)
    },
    async sealAll() {
      if (secrets === null) return
      const old = (await store.read((db) => storedSecrets(db, null))).filter(
        ({ sealed, secret }) => !sealed || !secrets.isCurrent(secret),
      )
      for (const one of old) {
        const opened = await openOne(one).catch(() => null)
        if (opened === null) continue
        const sealed = await secrets.seal(one.accountId, opened)
        await store.write(({ db }) => sealAnew(db, one, sealed))
      }
    },
  }
}
