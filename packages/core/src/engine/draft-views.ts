import type { Draft, DraftListItem, DraftSyncView, LastError, Pending } from '../draft/draft.ts'
import { type DraftState, isUploaded, newestCopy } from '../draft/draft-state.ts'
import { EverdraftError } from '../errors.ts'
import type { Umid } from '../ids.ts'
import { lastStoredUploads, type Upload } from '../storage/attempts.ts'
import { type PendingImport, pendingImportsOf } from '../storage/imports.ts'
import { loadDraftStates } from '../storage/draft-states.ts'
import { getDraft, type StoredDraft } from '../storage/drafts.ts'
import type { Db } from '../storage/db.ts'
import { type StoredTask, tasksByKey } from '../storage/tasks.ts'
import { isWanted } from '../tasks/task.ts'

/**
 * Drafts as users see them: the stored draft, overlaid with what the queue says of it. How an upload goes is never
 * written into the draft itself.
 */
export async function draftViews(
  db: Db,
  drafts: readonly StoredDraft[],
  /** Where the caller has just read them. */
  known: ReadonlyMap<Umid, DraftState> | null = null,
): Promise<readonly Draft[]> {
  const ids = drafts.map((draft) => draft.id)
  const states = known ?? (await loadDraftStates(db, ids))
  const tasks = await tasksByKey(db, 'draft_upload', ids)
  // What was never on a server has no upload to tell of.
  const uploaded = drafts.filter((draft) => draft.syncState !== 'local-only' || !isWanted(draft.status))
  const attempts = await lastStoredUploads(
    db,
    uploaded.map((draft) => draft.id),
  )
  // A save parts a draft from what is on its way here: one that is being written has nothing to ask for.
  const imported = drafts.filter((draft) => draft.syncState === 'synchronized' || !isWanted(draft.status))
  const imports = await pendingImportsOf(
    db,
    imported.map((draft) => draft.id),
  )
  return drafts.map((draft) => draftView(draft, { states, tasks, attempts, imports }))
}

/** @throws {EverdraftError} NOT_FOUND */
export async function viewIn(db: Db, id: Umid): Promise<Draft> {
  return await viewOf(db, await getDraft(db, id), null)
}

/** @throws {EverdraftError} NOT_FOUND for one that was emptied */
export async function viewOf(db: Db, stored: StoredDraft, known: ReadonlyMap<Umid, DraftState> | null): Promise<Draft> {
  const [draft] = await draftViews(db, [stored], known)
  if (draft === undefined || stored.emptiedAt !== null) {
    throw new EverdraftError('NOT_FOUND', `there is no draft ${stored.id}`)
  }
  return draft
}

export function withoutText(draft: Draft): DraftListItem {
  const { text: _text, html: _html, ...item } = draft
  return item
}

interface Overlays {
  readonly states: ReadonlyMap<Umid, DraftState>
  readonly tasks: ReadonlyMap<string, readonly StoredTask[]>
  readonly attempts: ReadonlyMap<Umid, Upload>
  readonly imports: ReadonlyMap<Umid, PendingImport>
}

function draftView(draft: StoredDraft, overlays: Overlays): Draft {
  const { id, accountId, status, version, policy, review, scheduledSendAt, succeeds, createdAt, updatedAt } = draft
  const { unmodelled: _unmodelled, ...fields } = draft.content
  return {
    ...fields,
    id,
    accountId,
    status,
    version,
    sync: syncView(draft, overlays),
    policy,
    review,
    scheduledSendAt,
    succeeds,
    createdAt,
    updatedAt,
  }
}

function syncView(draft: StoredDraft, { states, tasks, attempts, imports }: Overlays): DraftSyncView {
  const state = states.get(draft.id)
  const rows = tasks.get(draft.id) ?? []
  const copy = state === undefined ? null : newestCopy(state.copies)
  const attempt = attempts.get(draft.id)
  return {
    state: draft.syncState,
    folder: copy?.folder ?? null,
    uid: copy?.uid ?? null,
    uidValidity: copy?.uidValidity ?? null,
    uploadedVersion: copy?.version ?? null,
    messageId: copy?.messageId ?? null,
    pending: importing(draft, imports.get(draft.id)) ?? pendingOf(draft, state, rows),
    lastError: lastErrorOf(rows),
    lastUpload:
      attempt === undefined
        ? null
        : { method: attempt.method, bytesSent: attempt.bytesSent, at: attempt.endedAt ?? attempt.createdAt },
  }
}

function importing(draft: StoredDraft, pending: PendingImport | undefined): Pending | null {
  return pending === undefined ? null : { reason: 'importing', since: draft.createdAt, bytes: pending.size }
}

function pendingOf(draft: StoredDraft, state: DraftState | undefined, rows: readonly StoredTask[]): Pending | null {
  const bytes = messageBytes(draft)
  const since = draft.updatedAt
  if (isUploaded(draft.status)) {
    if (draft.syncState === 'synchronized' || draft.policy === 'local-only') return null
    return { reason: reasonOf(rows), since, bytes }
  }
  return state !== undefined && state.debts.length > 0 ? { reason: 'removing-copies', since, bytes: 0 } : null
}

function reasonOf(rows: readonly StoredTask[]): Pending['reason'] {
  if (rows.some((row) => row.state === 'running')) return 'uploading'
  if (rows.some((row) => row.state === 'parked' || row.state === 'failed')) return 'parked'
  if (rows.some((row) => row.connectFailures > 0)) return 'offline'
  return rows.some((row) => row.attempts > 0) ? 'backing-off' : 'waiting'
}

function lastErrorOf(rows: readonly StoredTask[]): LastError | null {
  const errors = rows.flatMap((row) => row.lastError ?? [])
  return errors.toSorted((a, b) => b.at - a.at)[0] ?? null
}

/** About as many as the message will have: base64 makes four of three, and a line end of every 76. */
function messageBytes({ content }: StoredDraft): number {
  const encoded = content.attachments.reduce((sum, { size }) => sum + Math.ceil((Math.ceil(size / 3) * 4 * 78) / 76), 0)
  return encoded + content.text.length + (content.html?.length ?? 0) + 1_000
}
