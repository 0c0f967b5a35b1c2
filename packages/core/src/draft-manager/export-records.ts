import { blobsOf } from '../draft/content.ts'
import type { EngineParts } from '../engine/parts.ts'
import { EverdraftError } from '../errors.ts'
import type { AccountId, Sha256, Umid } from '../ids.ts'
import type { StoredAccount } from '../storage/accounts.ts'
import { missingBlobs } from '../storage/blobs.ts'
import { type DraftRecord, draftRecord } from '../storage/bundled-drafts.ts'
import type { Db } from '../storage/db.ts'
import type { BundleFormat, DraftState } from './envelope.ts'
import { stateIn } from './state-of-draft.ts'

/** `eml`: one message (RFC 5322). `mbox`: many (RFC 4155, mboxrd). */
export type MailFormat = 'eml' | 'mbox'

export interface ExportOptions {
  /**
   * `json`, `jsonl` and `gzip` (the latter, compressed) are bundles: nothing of a draft is lost in them. `eml` is one draft as
   * a message, `mbox` many; what no message says (tags, metadata, history) is not in them. Default `gzip`.
   */
  readonly format?: BundleFormat | MailFormat
  /** These alone, also out of the trash. Default: all that are neither sent nor in the trash. */
  readonly draftIds?: readonly Umid[]
  /** The bytes of the attachments, of all versions; they are always in a message. Default false. */
  readonly attachments?: boolean
  /** The earlier versions. Default true. */
  readonly history?: boolean
  /** Ends it: who reads the bytes hears CANCELLED. */
  readonly signal?: AbortSignal
  /** Told after each page of drafts, and each file. */
  readonly onProgress?: (progress: ExportProgress) => void
}

export interface ExportProgress {
  readonly draftsDone: number
  readonly drafts: number
}

/** As much is read at once. */
const pageBytes = 128 * 1024

/** Null: it is not there, or in another account. */
export async function recordIn(db: Db, accountId: AccountId, id: Umid): Promise<DraftRecord | null> {
  try {
    const record = await draftRecord(db, id)
    return record.draft.accountId === accountId && record.draft.emptiedAt === null ? record : null
  } catch (error) {
    if (error instanceof EverdraftError && error.code === 'NOT_FOUND') return null
    throw error
  }
}

/** Whose drafts they are. */
export type ExportedAccount = Pick<StoredAccount, 'id' | 'owner'>

/** A draft as it is at the moment when its page is read; one that went meanwhile is left out. */
export interface ExportedRecord extends DraftRecord {
  readonly state: DraftState
  /** Of what it names, what is not here. */
  readonly missing: ReadonlySet<Sha256>
}

export async function* recordsOf(
  { store }: EngineParts,
  account: ExportedAccount,
  ids: readonly Umid[],
  { signal, onProgress }: ExportOptions,
): AsyncGenerator<ExportedRecord, void, undefined> {
  let next = 0
  while (next < ids.length) {
    checkSignal(signal)
    const page: ExportedRecord[] = []
    await store.read(async (db) => {
      let size = 0
      while (next < ids.length && size < pageBytes) {
        const record = await recordIn(db, account.id, ids[next] as Umid)
        next += 1
        if (record === null) continue
        const { content } = record.draft
        size += content.text.length + (content.html?.length ?? 0) + 1_000
        for (const { encoded } of record.history) size += encoded.length
        const state = await stateIn(db, record.draft, account)
        page.push({ ...record, state, missing: await missingBlobs(db, account.id, blobsOf(content)) })
      }
    })
    yield* page
    onProgress?.({ draftsDone: next, drafts: ids.length })
  }
}

export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new EverdraftError('CANCELLED', 'it was called off')
}
