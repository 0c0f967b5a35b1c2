import type { SendId } from '../ids.ts'
import type { Db } from './db.ts'
import { checkSameBody, type RepeatableRequest, requestsKeptMs } from './repeatable-request.ts'

/**
 * The consent that the request has made already; null: none.
 * @throws {EverdraftError} IDEMPOTENCY_KEY_REUSED
 */
export async function sendOfRequest(
  db: Db,
  { scope, key, digest }: RepeatableRequest,
  now: number,
): Promise<SendId | null> {
  const row = await db
    .selectFrom('send_request')
    .innerJoin('send', 'send.id', 'send_request.send_id')
    .select(['send.id', 'send_request.digest'])
    .where('scope', '=', scope)
    .where('key', '=', key)
    .where('at', '>', now - requestsKeptMs)
    .executeTakeFirst()
  if (row === undefined) return null
  checkSameBody(row, { digest })
  return row.id as SendId
}

/** In the transaction of the consent. */
export async function rememberRequest(db: Db, request: RepeatableRequest, id: SendId, now: number): Promise<void> {
  const row = { digest: request.digest, send_id: id, at: now }
  await db
    .insertInto('send_request')
    .values({ scope: request.scope, key: request.key, ...row })
    .onConflict((conflict) => conflict.columns(['scope', 'key']).doUpdateSet(row))
    .execute()
}

export async function dropRequestsBefore(db: Db, before: number): Promise<void> {
  await db.deleteFrom('send_request').where('at', '<', before).execute()
}
