import type { RetentionPolicy } from '../draft/retention.ts'
import type { Environment } from '../environment.ts'
import { dropUnreferredBlobs, sweepBlobs } from '../storage/blobs.ts'
import { dropDraftSavesBefore } from '../storage/draft-saves.ts'
import { isDamage } from '../storage/recent-saves.ts'
import { dropEventsBefore } from '../storage/events.ts'
import { compactDraft, draftsToCompact, emptyTrashed, expiredTrash } from '../storage/housekeeping.ts'
import { dropConversationsBefore } from '../storage/conversations.ts'
import { dropInboxMarksBefore } from '../storage/inbox-marks.ts'
import { dropMailAnswersBefore } from '../storage/mail-answers.ts'
import { dropOldDownloads } from '../storage/imports.ts'
import { dropExpiredLeases } from '../storage/leases.ts'
import { dropDraftRequestsBefore } from '../storage/draft-requests.ts'
import { requestsKeptMs } from '../storage/repeatable-request.ts'
import { dropRequestsBefore } from '../storage/send-requests.ts'
import { dropSentMailsBefore } from '../storage/sent-mails.ts'
import { dropSendsBefore } from '../storage/sends.ts'
import { dropOldStaged } from '../storage/staged-imports.ts'
import type { Store } from '../storage/store.ts'
import { dropTaskLogBefore } from '../storage/task-steps.ts'
import { dropDeliveriesBefore, dropPreviousSecretsBefore } from '../storage/webhooks.ts'
import type { HousekeepingReport } from './api.ts'

export interface HousekeepingPolicy {
  readonly history: RetentionPolicy
  /** How long a discarded draft can be taken back. Default 30 days. */
  readonly trashMs: number
  /** How long events, the timelines of tasks, the deliveries to webhooks and the begun saves of clients are kept. Default 30 days. */
  readonly logMs: number
  /** How long the record of a send is kept once nothing is left to be done. Default 365 days. */
  readonly sendMs: number
}

/** How long what has come of a message waits for the rest. */
const downloadMs = 7 * 24 * 3_600_000
/** No bundle is read for longer. */
const stagedMs = 24 * 3_600_000

/** Drafts that are older are not looked for in Sent. */
const sentMailMs = 91 * 24 * 3_600_000

/** How long a mail that was answered is known by more than its UID. */
const inboxMarkMs = 30 * 24 * 3_600_000

/** Small transactions, so that no save waits for long. */
const batch = 50

/** Thins out old history, empties the old trash, and collects attachments that nothing names any more. */
export async function housekeep(
  store: Store,
  environment: Environment,
  policy: HousekeepingPolicy,
): Promise<HousekeepingReport> {
  const now = environment.now()
  let revisionsDropped = 0
  let after = ''
  for (;;) {
    const from = after
    const ids = await store.read((db) =>
      draftsToCompact(db, { changedSince: now - policy.history.hourlyMs * 2, after: from, limit: batch }),
    )
    for (const id of ids) {
      try {
        revisionsDropped += await store.write(({ db }) => compactDraft(db, id, { now, policy: policy.history }))
      } catch (error) {
        if (!isDamage(error)) throw error
      }
    }
    after = ids.at(-1) ?? ''
    if (ids.length < batch) break
  }
  let draftsEmptied = 0
  for (;;) {
    const ids = await store.read((db) => expiredTrash(db, now - policy.trashMs, batch))
    for (const id of ids) await store.write(({ db }) => emptyTrashed(db, id, now))
    draftsEmptied += ids.length
    if (ids.length < batch) break
  }
  const blobsCollected = await store.write(async ({ db }) => {
    await dropExpiredLeases(db, now)
    await dropEventsBefore(db, now - policy.logMs)
    await dropSendsBefore(db, now - policy.sendMs)
    await dropDraftRequestsBefore(db, now - requestsKeptMs)
    await dropRequestsBefore(db, now - requestsKeptMs)
    await dropTaskLogBefore(db, now - policy.logMs)
    await dropDeliveriesBefore(db, now - policy.logMs)
    await dropPreviousSecretsBefore(db, now)
    await dropDraftSavesBefore(db, now - policy.logMs)
    await dropOldDownloads(db, now - downloadMs)
    await dropOldStaged(db, now - stagedMs)
    await dropInboxMarksBefore(db, now - inboxMarkMs)
    await dropMailAnswersBefore(db, now - inboxMarkMs)
    await dropSentMailsBefore(db, now - sentMailMs)
    await dropConversationsBefore(db, now - policy.sendMs)
    return await dropUnreferredBlobs(db)
  })
  await sweepBlobs(store)
  return { revisionsDropped, draftsEmptied, blobsCollected }
}
