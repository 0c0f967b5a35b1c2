import { sendStatusOf, workOf } from '../draft/send-state.ts'
import { EverdraftError, validationError } from '../errors.ts'
import type { SendId, Umid } from '../ids.ts'
import type { Db } from '../storage/db.ts'
import { getAccount } from '../storage/accounts.ts'
import { sendOfRequest } from '../storage/send-requests.ts'
import { getSend, journalOf, listSends, type StoredSend } from '../storage/sends.ts'
import { type StoredTask, tasksByKey } from '../storage/tasks.ts'
import { localTasks } from '../tasks/registry.ts'
import type { LocalTask } from '../tasks/task.ts'
import type { Drafts, SendRecord, Sends } from './api.ts'
import { checkPage } from './paging.ts'
import type { EngineParts } from './parts.ts'

/** Further ahead nobody plans, and numbers of milliseconds are mistaken for seconds, or the other way round. */
const longestAheadMs = 10 * 365 * 24 * 3_600_000

export function createSend({ run, environment, submission }: EngineParts): Drafts['send'] {
  return async (draftId: Umid, options = {}) => {
    const {
      baseVersion = null,
      undoMs = 0,
      sendAt = null,
      holdAtServer = false,
      confirm = false,
      request = null,
    } = options
    checkTime('undo_ms', undoMs, longestAheadMs)
    if (sendAt !== null) checkTime('send_at', sendAt, environment.now() + longestAheadMs)
    if (submission === null)
      throw new EverdraftError('NO_SUBMISSION', 'this engine was given no way to send: submission is missing')
    const input = {
      draftId,
      baseVersion,
      // Times are stored as whole milliseconds; a part of one more is never too early.
      undoMs: Math.ceil(undoMs),
      sendAt: sendAt === null ? null : Math.ceil(sendAt),
      holdAtServer,
      confirm,
      request,
    }
    return await run(localTasks.outbox_queue, input, async (db, { send, isNew }) =>
      // Nothing of the queue has failed for it yet.
      isNew ? recordOf(send, []) : await recordIn(db, send.id),
    )
  }
}

export function createSends({ store, run, submissions, environment }: EngineParts): Sends {
  async function change<Input extends { readonly sendId: SendId }>(
    task: LocalTask<Input, unknown>,
    input: Input,
  ): Promise<SendRecord> {
    return await run(task, input, (db) => recordIn(db, input.sendId))
  }

  return {
    get: (id) => store.read((db) => recordIn(db, id)),
    ofRequest: (request) =>
      store.read(async (db) => {
        const id = await sendOfRequest(db, request, environment.now())
        return id === null ? null : await recordIn(db, id)
      }),
    async list(filter = {}) {
      const page = checkPage(filter)
      const { owner = null, accountId = null, draftId = null, status = null } = filter
      return await store.read(async (db) => {
        const { items, total } = await listSends(db, { owner, accountId, draftId, status, ...page })
        return { items: await records(db, items), total, ...page }
      })
    },
    cancel: (sendId) => change(localTasks.outbox_cancel, { sendId }),
    async retry(sendId) {
      const { accountId } = await store.read((db) => getSend(db, sendId))
      submissions.allow(accountId)
      return await change(localTasks.outbox_retry, { sendId })
    },
    async release(accountId) {
      submissions.allow(accountId)
      await store.read((db) => getAccount(db, accountId))
      return await run(localTasks.outbox_release, { accountId }, async (_db, released) => released)
    },
    async resolve(sendId, as) {
      if (as !== 'sent' && as !== 'send_again') throw validationError('as', 'must be sent or send_again')
      return await change(localTasks.outbox_resolve, { sendId, as })
    },
  }
}

function checkTime(path: string, value: number, latest: number): void {
  if (!Number.isFinite(value) || value < 0) throw validationError(path, 'must be a number of milliseconds, 0 or more')
  if (value > latest) throw validationError(path, 'is more than ten years ahead')
}

/** @throws {EverdraftError} NOT_FOUND */
async function recordIn(db: Db, id: SendId): Promise<SendRecord> {
  const [record] = await records(db, [await getSend(db, id)])
  if (record === undefined) throw new EverdraftError('NOT_FOUND', `there is no send ${id}`)
  return record
}

/** The stored sends, overlaid with what the queue says of them. */
async function records(db: Db, sends: readonly StoredSend[]): Promise<readonly SendRecord[]> {
  const ids = sends.map(({ id }) => id)
  const tasks = await tasksByKey(db, 'outbox_send', ids)
  return sends.map((send) => recordOf(send, tasks.get(send.id) ?? []))
}

function recordOf(send: StoredSend, rows: readonly StoredTask[]): SendRecord {
  const { id, accountId, draftId, messageId, sender, subject, createdAt, state, facts } = send
  const waiting = rows.find((row) => row.state === 'waiting' && row.lastError !== null)
  const failure = waiting?.lastError ?? null
  return {
    id,
    accountId,
    draftId,
    version: state.version,
    messageId,
    from: sender,
    recipients: state.recipients,
    subject,
    status: sendStatusOf(state),
    phase: state.phase,
    // A run that failed is the newer trouble: one that changed the state has left no failure.
    error: state.held ?? (failure === null ? state.error : { code: failure.code, message: failure.message }),
    isHeld: state.held !== null || state.phase === 'parked',
    attempts: state.attempts,
    nextAttemptAt: workOf(state).releaseAt ?? waiting?.runAt ?? null,
    queueId: facts.queueId,
    createdAt,
    sentAt: state.sentAt,
    heldUntil: facts.heldUntil,
    verifiedAt: facts.verifiedAt,
    events: journalOf(send),
  }
}
