import type { Owner } from '../access.ts'
import type { DraftContent } from '../draft/draft.ts'
import { missingAttachments } from '../draft/missing-attachments.ts'
import { validationError } from '../errors.ts'
import type { AccountId, Sha256, Version } from '../ids.ts'
import { blobsSince } from '../storage/blobs-since.ts'
import type { Db } from '../storage/db.ts'
import type { StoredDraft } from '../storage/drafts.ts'
import type { DraftState, DraftStateAttachment } from './envelope.ts'

/** Where the hour stands in a draft's metadata: so it is in every revision, and nothing of the outbox ever looks at it. */
export const scheduleKey = 'scheduledSendTime'

/** What of a draft is shown. */
export type ShownDraft = Pick<
  StoredDraft,
  'id' | 'accountId' | 'status' | 'content' | 'syncState' | 'policy' | 'updatedAt' | 'version' | 'scheduledSendAt'
>

/** The stored drafts of one account, as the draft manager shows them. */
export async function statesOf(
  db: Db,
  drafts: readonly ShownDraft[],
  account: { readonly id: AccountId; readonly owner: Owner },
): Promise<readonly DraftState[]> {
  const wanted = drafts.flatMap(({ content }) => content.attachments.map(({ sha256 }) => sha256))
  const since = await blobsSince(db, account.id, wanted)
  return drafts.map((draft) => stateOf(draft, account.owner, since))
}

export async function stateIn(
  db: Db,
  draft: ShownDraft,
  account: { readonly id: AccountId; readonly owner: Owner },
): Promise<DraftState> {
  const wanted = draft.content.attachments.map(({ sha256 }) => sha256)
  return stateOf(draft, account.owner, await blobsSince(db, account.id, wanted))
}

function stateOf(draft: ShownDraft, owner: Owner, since: ReadonlyMap<Sha256, number>): DraftState {
  const { content } = draft
  return {
    draftId: draft.id,
    accountId: draft.accountId,
    tenantId: owner.tenantId,
    userId: owner.userId,
    status: draft.status,
    subject: content.subject,
    body: content.text,
    bodyHtml: content.html,
    to: content.to,
    cc: content.cc,
    bcc: content.bcc,
    attachments: attachmentsOf(content, since),
    isDirty: draft.syncState !== 'synchronized' && draft.policy !== 'local-only',
    lastSavedAt: draft.updatedAt,
    lastModifiedAt: draft.updatedAt,
    version: draft.version,
    syncToken: syncTokenOf(draft),
    // Of a consent, where there is one.
    scheduledSendTime: draft.scheduledSendAt ?? scheduleOf(content),
    tags: content.tags,
    references: content.references,
  }
}

/** Without what a list leaves out. */
export function withoutBodies(state: DraftState): DraftState {
  return { ...state, body: '', bodyHtml: null }
}

/** The time tells apart what has one version twice: before a backup was put back, and after. */
export function syncTokenOf({ version, updatedAt }: { readonly version: Version; readonly updatedAt: number }): string {
  return `${version}.${updatedAt.toString(36)}`
}

export function scheduleOf({ metadata }: Pick<DraftContent, 'metadata'>): number | null {
  const at = metadata[scheduleKey]
  return typeof at === 'number' ? at : null
}

function attachmentsOf(content: DraftContent, since: ReadonlyMap<Sha256, number>): readonly DraftStateAttachment[] {
  const named = content.attachments.map(({ id, filename, contentType, size, sha256, contentId }) => {
    const uploadedAt = since.get(sha256) ?? null
    return {
      id,
      filename,
      mimeType: contentType,
      size,
      uploadedAt,
      contentId,
      blobUrl: null,
      missing: uploadedAt === null,
    }
  })
  const missed = missingAttachments(content).map(({ id, filename, contentType, size, contentId, url }) => {
    return { id, filename, mimeType: contentType, size, uploadedAt: null, contentId, blobUrl: url, missing: true }
  })
  return [...named, ...missed]
}

/** Bytes of a draft with its attachments: its text as UTF-8 in JSON, as it is stored, and each file once for each name. */
export function storageOf(content: DraftContent): number {
  const parts = content.unmodelled?.parts ?? []
  const files = [...content.attachments, ...parts].reduce((sum, { size }) => sum + size, 0)
  return textBytes(content) + files
}

/** The same, with the attachments that are still to come, as large as they are said to be. */
export function wholeSizeOf(content: DraftContent): number {
  return storageOf(content) + missingAttachments(content).reduce((sum, { size }) => sum + size, 0)
}

/** @throws {EverdraftError} VALIDATION_ERROR */
export function checkSize(content: DraftContent, maxDraftSize: number): void {
  const size = wholeSizeOf(content)
  if (size <= maxDraftSize) return
  throw validationError('draft', `has ${size} bytes with its attachments, and maxDraftSize is ${maxDraftSize}`)
}

export function textBytes(content: DraftContent): number {
  return encoder.encode(JSON.stringify(content)).length
}

const encoder = new TextEncoder()
