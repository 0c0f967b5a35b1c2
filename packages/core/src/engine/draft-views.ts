import type { Draft, DraftListItem, DraftSyncView, LastError, Pending } from '../draft/draft.ts'
import { type DraftState, isUploaded, newestCopy } from '../draft/draft-state.ts'
import { EverdraftError } from '../errors.ts'
import type { Umid } from '../ids.ts'
import type { Queued } from '../queue/queue.ts'
import { lastStoredUploads, type Upload } from '../storage/attempts.ts'
import type { Answered } from '../storage/direct.ts'
import { type PendingImport, pendingImportsOf } from '../storage/imports.ts'
import { loadDraftState, loadDraftStates, onlyHere } from '../storage/draft-states.ts'
import { getDraft, rememberedDraft, type StoredDraft } from '../storage/drafts.ts'
import type { Db } from '../storage/db.ts'
import { type TaskFace, tasksByKey } from '../storage/tasks.ts'
import type { Created } from '../tasks/draft-create.ts'
import { isWanted } from '../tasks/task.ts'

/**
 * Drafts as users see them: the stored draft, overlaid with what the queue says of it. How an upload goes is never
 * written into the draft itself.
 */
export async function draftViews(db: Db, drafts: readonly StoredDraft[]): Promise<readonly Draft[]> {
  const ids = drafts.map((draft) => draft.id)
  const states = await loadDraftStates(db, ids)
  const tasks = await tasksByKey(db, 'draft_upload', ids)
  const uploads = await lastStoredUploads(
    db,
    drafts.filter(mayBeUploaded).map((draft) => draft.id),
  )
  const imports = await pendingImportsOf(
    db,
    drafts.filter(mayBeImported).map((draft) => draft.id),
  )
  return drafts.map((draft) =>
    draftView(draft, {
      state: states.get(draft.id),
      tasks: tasks.get(draft.id) ?? [],
      upload: uploads.get(draft.id),
      pending: imports.get(draft.id),
    }),
  )
}

/** What was never on a server has no upload to tell of. */
function mayBeUploaded({ syncState, status }: StoredDraft): boolean {
  return syncState !== 'local-only' || !isWanted(status)
}

/** A save parts a draft from what is on its way here: one that is being written has nothing to ask for. */
function mayBeImported({ syncState, status }: StoredDraft): boolean {
  return syncState === 'synchronized' || !isWanted(status)
}

/** @throws {EverdraftError} NOT_FOUND */
export async function viewIn(db: Db, id: Umid): Promise<Draft> {
  return await viewOf(db, await getDraft(db, id), { state: null, tasks: null })
}

/** In the transaction that has made it, and queued what follows. @throws {EverdraftError} NOT_FOUND for one that was emptied since */
export function viewOfCreated(db: Db, { id, isNew }: Created, queued: readonly Queued[]): Answered<Draft> {
  const draft = isNew ? rememberedDraft(db, id) : null
  if (draft === null) return viewIn(db, id)
  return viewOf(db, draft, { state: onlyHere(draft), tasks: queuedUpload(queued, id) ?? [] })
}

/** Null: none was asked for. */
export function queuedUpload(queued: readonly Queued[], id: Umid): readonly TaskFace[] | null {
  const upload = queued.find(({ followUp }) => followUp.task === 'draft_upload' && followUp.key === id)
  return upload?.tasks ?? null
}

/** What the caller has just read or written of a draft; null: it is read here. */
interface Known {
  readonly state: DraftState | null
  readonly tasks: readonly TaskFace[] | null
}

/** @throws {EverdraftError} NOT_FOUND for one that was emptied */
export function viewOf(db: Db, stored: StoredDraft, known: Known): Answered<Draft> {
  return viewOfKnown(stored, known) ?? viewAsked(db, stored, known)
}

/** Null: there is something to be asked for. */
function viewOfKnown(stored: StoredDraft, { state, tasks }: Known): Draft | null {
  if (stored.emptiedAt !== null || state === null || tasks === null) return null
  if (mayBeUploaded(stored) || mayBeImported(stored)) return null
  return draftView(stored, { state, tasks, upload: undefined, pending: undefined })
}

async function viewAsked(db: Db, stored: StoredDraft, known: Known): Promise<Draft> {
  const { id } = stored
  if (stored.emptiedAt !== null) throw new EverdraftError('NOT_FOUND', `there is no draft ${id}`)
  const state = known.state ?? (await loadDraftState(db, id))
  const tasks = known.tasks ?? (await tasksByKey(db, 'draft_upload', [id])).get(id) ?? []
  const upload = mayBeUploaded(stored) ? (await lastStoredUploads(db, [id])).get(id) : undefined
  const pending = mayBeImported(stored) ? (await pendingImportsOf(db, [id])).get(id) : undefined
  return draftView(stored, { state, tasks, upload, pending })
}

export function withoutText(draft: Draft): DraftListItem {
  const { text: _text, html: _html, ...item } = draft
  return item
}

interface Overlay {
  readonly state: DraftState | undefined
  readonly tasks: readonly TaskFace[]
  readonly upload: Upload | undefined
  readonly pending: PendingImport | undefined
}

function draftView(draft: StoredDraft, overlay: Overlay): Draft {
  const { id, accountId, status, version, policy, review, scheduledSendAt, succeeds, createdAt, updatedAt } = draft
  // Each by its name: a spread that leaves one out takes longer than the rest of a view.
  const { from, to, cc, bcc, subject, text, html, inReplyTo, references, attachments, metadata, tags } = draft.content
  return {
    from,
    to,
    cc,
    bcc,
    subject,
    text,
    html,
    inReplyTo,
    references,
    attachments,
    metadata,
    tags,
    id,
    accountId,
    status,
    version,
    sync: syncView(draft, overlay),
    policy,
    review,
    scheduledSendAt,
    succeeds,
    createdAt,
    updatedAt,
  }
}

function syncView(draft: StoredDraft, { state, tasks, upload, pending }: Overlay): DraftSyncView {
  const copy = state === undefined ? null : newestCopy(state.copies)
  return {
    state: draft.syncState,
    folder: copy?.folder ?? null,
    uid: copy?.uid ?? null,
    uidValidity: copy?.uidValidity ?? null,
    uploadedVersion: copy?.version ?? null,
    messageId: copy?.messageId ?? null,
    pending: importing(draft, pending) ?? pendingOf(draft, state, tasks),
    lastError: lastErrorOf(tasks),
    lastUpload:
      upload === undefined
        ? null
        : { method: upload.method, bytesSent: upload.bytesSent, at: upload.endedAt ?? upload.createdAt },
  }
}

function importing(draft: StoredDraft, pending: PendingImport | undefined): Pending | null {
  return pending === undefined ? null : { reason: 'importing', since: draft.createdAt, bytes: pending.size }
}

function pendingOf(draft: StoredDraft, state: DraftState | undefined, rows: readonly TaskFace[]): Pending | null {
  const bytes = messageBytes(draft)
  const since = draft.updatedAt
  if (isUploaded(draft.status)) {
    if (draft.syncState === 'synchronized' || draft.policy === 'local-only') return null
    return { reason: reasonOf(rows), since, bytes }
  }
  return state !== undefined && state.debts.length > 0 ? { reason: 'removing-copies', since, bytes: 0 } : null
}

function reasonOf(rows: readonly TaskFace[]): Pending['reason'] {
  if (rows.some((row) => row.state === 'running')) return 'uploading'
  if (rows.some((row) => row.state === 'parked' || row.state === 'failed')) return 'parked'
  if (rows.some((row) => row.connectFailures > 0)) return 'offline'
  return rows.some((row) => row.attempts > 0) ? 'backing-off' : 'waiting'
}

function lastErrorOf(rows: readonly TaskFace[]): LastError | null {
  const errors = rows.flatMap((row) => row.lastError ?? [])
  return errors.toSorted((a, b) => b.at - a.at)[0] ?? null
}

/** About as many as the message will have: base64 makes four of three, and a line end of every 76. */
function messageBytes({ content }: StoredDraft): number {
  const encoded = content.attachments.reduce((sum, { size }) => sum + Math.ceil((Math.ceil(size / 3) * 4 * 78) / 76), 0)
  return encoded + content.text.length + (content.html?.length ?? 0) + 1_000
}
