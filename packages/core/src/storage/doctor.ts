import { sql } from 'kysely'

import { blobsOf } from '../draft/content.ts'
import type { DraftContent } from '../draft/draft.ts'
import type { Hasher } from '../environment.ts'
import { EverdraftError } from '../errors.ts'
import type { AccountId, Sha256, Umid, Version } from '../ids.ts'
import { blobPlacesOf, blobStoreAt, type Place } from './blob-store.ts'
import type { Db } from './db.ts'
import { headContent, type StoredHead } from './recent-saves.ts'
import { type HistoryRow, linesOf, recentRows, revisionContent } from './revisions.ts'
import { laneNumber } from './tasks.ts'

/** Something in the store that is not as it must be. */
export interface Finding {
  readonly code: FindingCode
  /** In words, with ids and never with a user's text. */
  readonly message: string
  readonly draftId: Umid | null
  /** It could be put right without losing anything, and was, if that was asked for. */
  readonly repaired: boolean
}

export type FindingCode =
  /** The database itself is damaged. */
  | 'DAMAGED'
  /** Synchronized without a name, or with one of another version; a name or an anchor where the state has none. */
  | 'COPY_STATE'
  /** A receipt without the attempt that made it. */
  | 'RECEIPT_WITHOUT_ATTEMPT'
  /** The head is not in the history, or it, a revision or the record of one cannot be read. */
  | 'HISTORY'
  /** A text of a conflict cannot be read. */
  | 'CONFLICT'
  /** A draft in the outbox that nobody has consented to send. */
  | 'OUTBOX'
  /** What a list says of its length is not so. */
  | 'COUNT'
  /** An attachment that a kept revision names is not in the store, or nobody holds it. */
  | 'ATTACHMENT'
  /** The bytes of an attachment are not what its hash says. */
  | 'ATTACHMENT_BYTES'
  /** Something refers to what is not there. */
  | 'DANGLING'

interface Examination {
  readonly db: Db
  readonly repair: boolean
  readonly found: (finding: Omit<Finding, 'repaired'> & { readonly repaired?: boolean }) => void
}

/** Checks every invariant that the rows must keep; with `repair` it puts right what can be without losing anything. */
export async function examine(
  db: Db,
  options: { readonly repair: boolean; readonly createSha256: () => Hasher },
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const examination: Examination = {
    db,
    repair: options.repair,
    found: (finding) => void findings.push({ repaired: false, ...finding }),
  }
  await examineCopies(examination)
  await examineReceipts(examination)
  await examineHistory(examination)
  await examineConflicts(examination)
  await examineOutbox(examination)
  await examineCounts(examination)
  await examineReferences(examination)
  await examineBytes(examination, options.createSha256)
  return findings
}

async function examineCopies({ db, repair, found }: Examination): Promise<void> {
  const drafts = await db
    .selectFrom('draft')
    .leftJoin('server_name', 'server_name.draft_id', 'draft.id')
    .leftJoin('anchor', 'anchor.draft_id', 'draft.id')
    .select([
      'draft.id',
      'draft.sync_state',
      'draft.version',
      'server_name.version as name_version',
      'anchor.version as anchor_version',
    ])
    .execute()
  for (const draft of drafts) {
    const named = draft.name_version !== null
    const anchored = draft.anchor_version !== null
    const fine =
      draft.sync_state === 'synchronized'
        ? named && !anchored && draft.name_version === draft.version
        : !named && (draft.sync_state === 'stale-server' || !anchored) && (draft.anchor_version ?? 0) < draft.version
    if (fine) continue
    // What is on the server may be any version: as an anchor it is replaced, and nothing is taken for uploaded.
    if (repair) await demote(db, draft.id, draft.version)
    found({
      code: 'COPY_STATE',
      message: `draft ${draft.id} is ${draft.sync_state} at version ${draft.version}, with name ${draft.name_version ?? '–'} and anchor ${draft.anchor_version ?? '–'}`,
      draftId: draft.id as Umid,
      repaired: repair,
    })
  }
}

async function demote(db: Db, id: string, version: number): Promise<void> {
  const name = await db.selectFrom('server_name').selectAll().where('draft_id', '=', id).executeTakeFirst()
  const anchor = await db.selectFrom('anchor').selectAll().where('draft_id', '=', id).executeTakeFirst()
  await db.deleteFrom('server_name').where('draft_id', '=', id).execute()
  await db.deleteFrom('anchor').where('draft_id', '=', id).execute()
  const [newest, ...older] = [name, anchor].filter((one) => one !== undefined)
  for (const { draft_id, account_id, folder, uid_validity, uid, message_id, version: of, attempt_id } of older) {
    const debt = { draft_id, account_id, folder, uid_validity, uid, message_id, version: of, attempt_id }
    await db
      .insertInto('delete_debt')
      .values(debt)
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
  if (newest === undefined) {
    await db.updateTable('draft').set({ sync_state: 'local-only' }).where('id', '=', id).execute()
    return
  }
  const { draft_id, account_id, folder, uid_validity, uid, message_id, attempt_id } = newest
  const of = Math.min(newest.version, version - 1)
  await db
    .insertInto('anchor')
    .values({ draft_id, account_id, folder, uid_validity, uid, message_id, version: of, attempt_id })
    .execute()
  await db.updateTable('draft').set({ sync_state: 'stale-server' }).where('id', '=', id).execute()
}

async function examineReceipts({ db, found }: Examination): Promise<void> {
  for (const table of ['server_name', 'anchor', 'delete_debt'] as const) {
    const rows = await db
      .selectFrom(table)
      .leftJoin('attempt', 'attempt.id', `${table}.attempt_id`)
      .select([`${table}.draft_id`, `${table}.uid`])
      .where('attempt.id', 'is', null)
      .execute()
    for (const row of rows) {
      found({
        code: 'RECEIPT_WITHOUT_ATTEMPT',
        message: `${table} of draft ${row.draft_id} names UID ${row.uid}, and no attempt of ours stored it`,
        draftId: row.draft_id as Umid,
      })
    }
  }
}

async function examineHistory({ db, repair, found }: Examination): Promise<void> {
  const drafts = await db
    .selectFrom('draft')
    .leftJoin('draft_content', 'draft_content.draft_id', 'draft.id')
    .select(['id', 'account_id', 'version', 'content', 'recent', 'updated_at'])
    .where('emptied_at', 'is', null)
    .execute()
  for (const draft of drafts) {
    const id = draft.id as Umid
    const head = readHead(draft)
    if (head === null) {
      found({ code: 'HISTORY', message: `the head of draft ${id} cannot be read`, draftId: id })
      continue
    }
    const rows = await db.selectFrom('revision').selectAll().where('draft_id', '=', id).orderBy('version').execute()
    const [recent] = await recentRows(db, id)
    if (recent !== undefined && recent.version !== draft.version) {
      const message = `draft ${id} is at version ${draft.version}, its last saves end at ${recent.version}`
      found({ code: 'HISTORY', message, draftId: id })
    }
    const end = recent === undefined ? draft.version : (linesOf(recent).saves[0]?.version ?? draft.version) - 1
    const settled = rows.at(-1)?.version
    if (settled !== end) {
      // What the last saves follow on says what they tell of it.
      if (repair) await addHead(db, id, { version: end, savedAt: draft.updated_at })
      found({
        code: 'HISTORY',
        message: `draft ${id} is at version ${end}, its history ends at ${settled ?? 'nothing'}`,
        draftId: id,
        repaired: repair,
      })
    }
    const named = new Set<string>(blobsOf(head))
    const all = [...rows, ...(recent === undefined ? [] : [recent])]
    for (const [place, row] of all.entries()) {
      if (row.encoding !== 'run' && !isList(row.fields_changed)) {
        if (repair) await forgetFields(db, id, row.version)
        const message = `what version ${row.version} of draft ${id} changed cannot be read`
        found({ code: 'HISTORY', message, draftId: id, repaired: repair })
      }
      const isTold = isToldBy(row, all[place + 1] ?? null)
      for (const version of versionsIn(row)) {
        const content = isTold ? await readable(db, id, version, head) : null
        if (content === null) {
          found({ code: 'HISTORY', message: `version ${version} of draft ${id} cannot be read`, draftId: id })
        }
        for (const sha256 of content === null ? [] : blobsOf(content)) named.add(sha256)
      }
    }
    await examineAttachments({ db, repair, found }, { id, accountId: draft.account_id as AccountId, named })
  }
}

/** Newest first, as each is told by the one after it. Of a run that cannot be read, the last. */
function versionsIn(row: HistoryRow): readonly Version[] {
  if (row.encoding !== 'run') return [row.version as Version]
  try {
    return linesOf(row)
      .saves.map((save) => save.version)
      .toReversed()
  } catch {
    return [row.version as Version]
  }
}

/** What a row says last is told by the run after it, or it says so itself. Null: it is the newest. */
function isToldBy(row: HistoryRow, next: HistoryRow | null): boolean {
  if (next === null || row.encoding === 'full' || row.encoding === 'reverse') return true
  try {
    if (row.encoding === 'run' && linesOf(row).whole !== null) return true
    return next.encoding === 'run' && linesOf(next).saves[0]?.version === row.version + 1
  } catch {
    return false
  }
}

/** Null: what stands there is no content. */
function readHead(row: StoredHead): DraftContent | null {
  try {
    return asContent(headContent(row))
  } catch {
    return null
  }
}

/** Null: what stands there is no content. */
function readContent(text: string): DraftContent | null {
  try {
    return asContent(JSON.parse(text) as Partial<DraftContent> | null)
  } catch {
    return null
  }
}

function asContent(content: Partial<DraftContent> | null): DraftContent | null {
  const isContent = Array.isArray(content?.attachments) && Array.isArray(content.to) && Array.isArray(content.tags)
  return isContent && typeof content.text === 'string' ? (content as DraftContent) : null
}

function isList(text: string): boolean {
  try {
    return Array.isArray(JSON.parse(text))
  } catch {
    return false
  }
}

/** The text of the revision is what counts. */
async function forgetFields(db: Db, id: Umid, version: number): Promise<void> {
  await db
    .updateTable('revision')
    .set({ fields_changed: '[]' })
    .where('draft_id', '=', id)
    .where('version', '=', version)
    .execute()
}

async function examineConflicts({ db, found }: Examination): Promise<void> {
  const conflicts = await db.selectFrom('conflict').select(['id', 'draft_id', 'base', 'local', 'remote']).execute()
  for (const { id, draft_id, ...texts } of conflicts) {
    for (const [side, text] of Object.entries(texts)) {
      if (readContent(text) !== null) continue
      const message = `the ${side} text of conflict ${id} cannot be read`
      found({ code: 'CONFLICT', message, draftId: draft_id as Umid })
    }
  }
}

/** Neither edited nor sent by anybody (hazard 31). Whether it went out, nobody here knows: that is not ours to repair. */
async function examineOutbox({ db, found }: Examination): Promise<void> {
  const drafts = await db
    .selectFrom('draft')
    .select(['id', 'status'])
    .where('status', 'in', ['queued', 'sending'])
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('send')
            .select('send.id')
            .whereRef('send.draft_id', '=', 'draft.id')
            .where('phase', 'not in', ['cancelled', 'failed']),
        ),
      ),
    )
    .execute()
  for (const { id, status } of drafts) {
    const message = `draft ${id} is ${status}, and no send of it is there`
    found({ code: 'OUTBOX', message, draftId: id as Umid })
  }
}

async function examineCounts({ db, repair, found }: Examination): Promise<void> {
  const counted = db
    .selectFrom('draft')
    .select((count) => ['account_id', 'status', 'sync_state', count.fn.countAll<number | string>().as('drafts')])
    .where('emptied_at', 'is', null)
    .groupBy(['account_id', 'status', 'sync_state'])
  const rows = await counted.execute()
  const kept = await db.selectFrom('draft_count').selectAll().where('drafts', '<>', 0).execute()
  const asText = (list: readonly Readonly<Record<keyof (typeof kept)[number], string | number>>[]): string =>
    list
      .map((row) => `${row.account_id} ${row.status} ${row.sync_state} ${Number(row.drafts)}`)
      .toSorted()
      .join('\n')
  if (asText(rows) === asText(kept)) return
  if (repair) {
    await db.deleteFrom('draft_count').execute()
    await db
      .insertInto('draft_count')
      .columns(['account_id', 'status', 'sync_state', 'drafts'])
      .expression(counted)
      .execute()
  }
  const message = 'there are other drafts than are counted'
  found({ code: 'COUNT', message, draftId: null, repaired: repair })
}

async function readable(db: Db, id: Umid, version: Version, head: DraftContent): Promise<DraftContent | null> {
  try {
    return await revisionContent(db, id, version, head)
  } catch {
    // JSON that is none.
    return null
  }
}

async function addHead(
  db: Db,
  id: Umid,
  { version, savedAt }: { readonly version: number; readonly savedAt: number },
): Promise<void> {
  await db
    .insertInto('revision')
    .values({
      draft_id: id,
      version,
      encoding: 'head',
      content: '',
      bytes: 0,
      saved_at: savedAt,
      device: 'doctor',
      author: 'user',
      fields_changed: '[]',
    })
    .execute()
}

async function examineAttachments(
  { db, repair, found }: Examination,
  { id, accountId, named }: { readonly id: Umid; readonly accountId: AccountId; readonly named: ReadonlySet<string> },
): Promise<void> {
  for (const sha256 of named) {
    const blob = await db
      .selectFrom('blob')
      .select('id')
      .where('account_id', '=', accountId)
      .where('sha256', '=', sha256)
      .where('complete', '=', 1)
      .executeTakeFirst()
    const short = `${sha256.slice(0, 12)}…`
    if (blob === undefined) {
      found({ code: 'ATTACHMENT', message: `the attachment ${short} of draft ${id} is not in the store`, draftId: id })
      continue
    }
    const held = await db
      .selectFrom('blob_ref')
      .select('holder')
      .where('holder', '=', id)
      .where('blob_id', '=', blob.id)
      .executeTakeFirst()
    if (held !== undefined) continue
    if (repair) await db.insertInto('blob_ref').values({ holder: id, blob_id: blob.id }).execute()
    found({
      code: 'ATTACHMENT',
      message: `draft ${id} does not hold its attachment ${short}`,
      draftId: id,
      repaired: repair,
    })
  }
}

async function examineReferences({ db, repair, found }: Examination): Promise<void> {
  const orphans = await db
    .selectFrom('blob_ref')
    .leftJoin('draft', 'draft.id', 'blob_ref.holder')
    .leftJoin('send', 'send.id', 'blob_ref.holder')
    .select(['blob_ref.holder', 'blob_ref.blob_id'])
    .where('draft.id', 'is', null)
    .where('send.id', 'is', null)
    .execute()
  for (const { holder, blob_id } of orphans) {
    if (repair) await db.deleteFrom('blob_ref').where('holder', '=', holder).where('blob_id', '=', blob_id).execute()
    found({
      code: 'DANGLING',
      message: `attachment ${blob_id} is held by ${holder}, which is not there`,
      draftId: null,
      repaired: repair,
    })
  }
  const lost = await db
    .selectFrom('task')
    .leftJoin('lane', (lane) => lane.onRef('lane.seq', '=', 'task.lane_seq').onRef('lane.id', '=', 'task.lane'))
    .select(['task.id', 'task.seq', 'task.lane'])
    .where('lane.id', 'is', null)
    .execute()
  for (const task of lost) {
    if (repair) {
      const accountId = (task.lane.split('/')[0] ?? '') as AccountId
      const lane_seq = await laneNumber(db, { lane: task.lane, accountId })
      await db.updateTable('task').set({ lane_seq }).where('seq', '=', task.seq).execute()
    }
    found({
      code: 'DANGLING',
      message: `task ${task.id} is in lane ${task.lane}, which is not there`,
      draftId: null,
      repaired: repair,
    })
  }
}

/** Reads every attachment once: what was acknowledged must still be what it was. */
async function examineBytes({ db, found }: Examination, createSha256: () => Hasher): Promise<void> {
  const blobs = await db
    .selectFrom('blob')
    .select(['id', 'account_id', 'sha256', 'size', 'place'])
    .where('complete', '=', 1)
    .execute()
  for (const blob of blobs) {
    const name = { accountId: blob.account_id as AccountId, sha256: blob.sha256 as Sha256, id: blob.id }
    const attachment = `the attachment ${blob.sha256.slice(0, 12)}…`
    const hasher = createSha256()
    let size = 0
    try {
      const blobStore = await blobStoreAt(blobPlacesOf(db), blob.place as Place, name.sha256)
      const bytes = blobStore?.read(name, blob.size, { start: 0, end: blob.size }) ?? chunksOf(db, blob.id)
      for await (const chunk of bytes) {
        hasher.update(chunk)
        size += chunk.length
      }
    } catch (error) {
      if (!(error instanceof EverdraftError)) throw error
      found({ code: 'ATTACHMENT_BYTES', message: `${attachment}: ${error.message}`, draftId: null })
      continue
    }
    if (size === blob.size && hasher.digest() === blob.sha256) continue
    const message = `${attachment} has ${size} of ${blob.size} bytes, or others than it had`
    found({ code: 'ATTACHMENT_BYTES', message, draftId: null })
  }
}

async function* chunksOf(db: Db, blobId: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let seq = 0; ; seq += 1) {
    const chunk = await db
      .selectFrom('blob_chunk')
      .select('bytes')
      .where('blob_id', '=', blobId)
      .where('seq', '=', seq)
      .executeTakeFirst()
    if (chunk === undefined) return
    yield chunk.bytes
  }
}

/** The search index is made anew from the drafts. */
export async function rebuildSearch(db: Db): Promise<void> {
  await sql`delete from draft_search`.execute(db)
  await db.updateTable('draft').set({ indexed_version: 0 }).where('emptied_at', 'is', null).execute()
}
