import type { Umid } from '../ids.ts'
import type { Db } from './db.ts'
import { checkSameBody, type RepeatableRequest, requestsKeptMs } from './repeatable-request.ts'

/**
 * The draft that the request has made already, whatever became of it; null: none, or it is gone with its account.
 * @throws {EverdraftError} IDEMPOTENCY_KEY_REUSED
 */
export async function draftOfRequest(
  db: Db,
  { scope, key, digest }: RepeatableRequest,
  now: number,
): Promise<Umid | null> {
  const row = await db
    .selectFrom('draft_request')
    .innerJoin('draft', 'draft.id', 'draft_request.draft_id')
    .select(['draft.id', 'draft_request.digest'])
    .where('scope', '=', scope)
    .where('key', '=', key)
    .where('at', '>', now - requestsKeptMs)
    .executeTakeFirst()
  if (row === undefined) return null
  checkSameBody(row, { digest })
  return row.id as Umid
}

/** In the transaction that makes the draft. */
export async function rememberDraftRequest(db: Db, request: RepeatableRequest, id: Umid, now: number): Promise<void> {
  const row = { digest: request.digest, draft_id: id, at: now }
  await db
    .insertInto('draft_request')
    .values({ scope: request.scope, key: request.key, ...row })
    .onConflict((conflict) => conflict.columns(['scope', 'key']).doUpdateSet(row))
    .execute()
}

export async function dropDraftRequestsBefore(db: Db, before: number): Promise<void> {
  await db.deleteFrom('draft_request').where('at', '<', before).execute()
}
