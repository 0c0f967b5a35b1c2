import type { AccountId } from '../ids.ts'
import type { SecretName } from '../wire/login.ts'
import type { Db } from './db.ts'
import { prepared } from './prepared.ts'

/** Whose login it is: of the account's mailbox, or of its submission server. */
export type LoginOf = 'imap' | 'smtp'

/** `imap` and `smtp` are the passwords; `responder` signs what its responder is asked. */
export type SecretKind = LoginOf | `${LoginOf}-${Exclude<SecretName, 'password'>}` | 'responder'

export interface StoredSecret {
  readonly accountId: AccountId
  readonly kind: SecretKind
  readonly secret: string
  /** False: it lies here as it is. */
  readonly sealed: boolean
}

export function secretKind(of: LoginOf, name: SecretName): SecretKind {
  return name === 'password' ? of : `${of}-${name}`
}

export async function setSecret(db: Db, { accountId, kind, secret, sealed }: StoredSecret): Promise<void> {
  const values = { secret, sealed: sealed ? 1 : 0 }
  await db
    .insertInto('account_secret')
    .values({ account_id: accountId, kind, ...values })
    .onConflict((conflict) => conflict.columns(['account_id', 'kind']).doUpdateSet(values))
    .execute()
}

/** All that is secret of that login is now this. */
export async function replaceSecrets(
  db: Db,
  accountId: AccountId,
  of: LoginOf,
  secrets: readonly StoredSecret[],
): Promise<void> {
  const names = ['password', 'proxy', 'refresh-token', 'client-secret'] as const satisfies readonly SecretName[]
  const kinds = names.map((name) => secretKind(of, name))
  await db.deleteFrom('account_secret').where('account_id', '=', accountId).where('kind', 'in', kinds).execute()
  for (const secret of secrets) await setSecret(db, secret)
}

/** Null: of all accounts. */
export async function storedSecrets(db: Db, accountId: AccountId | null): Promise<readonly StoredSecret[]> {
  const rows = accountId === null ? await allSecrets(db, {}) : await secretsOf(db, { accountId })
  return rows.map((row) => ({
    accountId: row.account_id as AccountId,
    kind: row.kind as SecretKind,
    secret: row.secret,
    sealed: row.sealed === 1,
  }))
}

const allSecrets = prepared((db, _input: object) =>
  db.selectFrom('account_secret').selectAll().orderBy('account_id').orderBy('kind'),
)
const secretsOf = prepared((db, input: { readonly accountId: AccountId }) =>
  db.selectFrom('account_secret').selectAll().where('account_id', '=', input.accountId).orderBy('kind'),
)

/** Unless it was changed, or its account removed, since it was read. */
export async function sealAnew(db: Db, before: StoredSecret, sealed: string): Promise<void> {
  await db
    .updateTable('account_secret')
    .set({ secret: sealed, sealed: 1 })
    .where('account_id', '=', before.accountId)
    .where('kind', '=', before.kind)
    .where('secret', '=', before.secret)
    .execute()
}
