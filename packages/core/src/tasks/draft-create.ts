import type { Owner } from '../access.ts'
import { applyChanges, changedFields, type DraftChanges } from '../draft/content.ts'
import { type Attachment, type Author, type DraftContent, type DraftPolicy, emptyContent } from '../draft/draft.ts'
import { type AccountId, type DeviceId, type TemplateId, type Umid, uuidv7, type Version } from '../ids.ts'
import { getAccount, pickAccount, touchAccount } from '../storage/accounts.ts'
import { type Blob, referBlob } from '../storage/blobs.ts'
import { draftOfRequest, rememberDraftRequest } from '../storage/draft-requests.ts'
import { insertDraft } from '../storage/drafts.ts'
import type { RepeatableRequest } from '../storage/repeatable-request.ts'
import { insertRevision } from '../storage/revisions.ts'
import { getTemplate } from '../storage/templates.ts'
import { createToken } from '../sync/message-ids.ts'
import { uploadSoon } from './steps/commit-revision.ts'
import type { LocalTask } from './task.ts'

export interface DraftCreate {
  /** Null: picked by the sender's address, else by who was written to from it last, else the account used last. */
  readonly accountId: AccountId | null
  /** Among whose accounts it is picked; null: among all. */
  readonly owner: Owner | null
  readonly fields: DraftChanges
  /** What the draft begins with; only where `accountId` is given, as their bytes are in that account. */
  readonly attachments: readonly NewAttachment[]
  readonly templateId: TemplateId | null
  readonly policy: DraftPolicy
  readonly reviewRequired: boolean
  readonly by: Author
  readonly device: DeviceId | null
  /** Null: a draft each time. */
  readonly request: RepeatableRequest | null
}

/** An attachment whose bytes were streamed into the store, and are held by nothing yet. */
export interface NewAttachment {
  readonly attachment: Omit<Attachment, 'size' | 'sha256'>
  readonly blob: Blob & { readonly id: number }
}

/** A new draft, with its first revision. Undone by draft_discard. */
export const draftCreate: LocalTask<DraftCreate, { readonly id: Umid }> = {
  name: 'draft_create',
  async plan(context, input) {
    const { write, environment, now } = context
    const known = input.request === null ? null : await draftOfRequest(write.db, input.request, now)
    if (known !== null) return { result: { id: known }, followUps: [] }
    const given = applyChanges(emptyContent, input.fields)
    const accountId = input.accountId ?? (await pickAccount(write.db, input.owner, given))
    const account = await getAccount(write.db, accountId)
    const base =
      input.templateId === null ? emptyContent : (await getTemplate(write.db, accountId, input.templateId)).content
    const written = applyChanges(base, input.fields)
    const content: DraftContent = {
      ...written,
      from: written.from ?? { address: account.address, name: account.name },
      attachments: input.attachments.map(({ attachment, blob: { sha256, size } }) => ({ ...attachment, sha256, size })),
    }
    const id = uuidv7(now, environment.random) as Umid
    const token = createToken(environment.random)
    const { policy, reviewRequired } = input
    await insertDraft(write.db, { id, accountId, token, policy, reviewRequired, content, now })
    for (const { blob } of input.attachments) await referBlob(write.db, blob, accountId, id)
    const version = 1 as Version
    const revision = {
      version,
      content,
      savedAt: now,
      device: input.device ?? context.device,
      by: input.by,
      fieldsChanged: changedFields(emptyContent, content),
    }
    await insertRevision(write.db, id, revision, null)
    if (input.request !== null) await rememberDraftRequest(write.db, input.request, id, now)
    await touchAccount(write.db, accountId, now)
    write.emit({ type: 'draft-created', accountId, draftId: id, version })
    return { result: { id }, followUps: uploadSoon(context, { id, accountId, policy }) }
  },
}
