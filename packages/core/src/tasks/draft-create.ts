import type { Owner } from '../access.ts'
import { applyChanges, type DraftChanges } from '../draft/content.ts'
import { type Attachment, type Author, type DraftContent, type DraftPolicy, emptyContent } from '../draft/draft.ts'
import type { AccountId, DeviceId, TemplateId, Umid } from '../ids.ts'
import { getAccount, pickAccount, touchAccount } from '../storage/accounts.ts'
import { type Blob, referBlob } from '../storage/blobs.ts'
import { draftOfRequest, rememberDraftRequest } from '../storage/draft-requests.ts'
import type { RepeatableRequest } from '../storage/repeatable-request.ts'
import { getTemplate } from '../storage/templates.ts'
import { beginDraft } from './steps/begin-draft.ts'
import { uploadSoon } from './steps/commit-revision.ts'
import type { LocalTask } from './task.ts'

export interface DraftCreate {
  /** Default: a new one. Whoever gives one has seen, in this transaction, that no draft has it. */
  readonly id?: Umid
  /** Null: picked by the sender's address, else by the template, else by who was written to from it last, else the account used last. */
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

export interface Created {
  readonly id: Umid
  /** False: the same request has made it before. */
  readonly isNew: boolean
}

/** A new draft, with its first revision. Undone by draft_discard. */
export const draftCreate: LocalTask<DraftCreate, Created> = {
  name: 'draft_create',
  async plan(context, input) {
    const { write, environment, now } = context
    const known = input.request === null ? null : await draftOfRequest(write.db, input.request, now)
    if (known !== null) return { result: { id: known, isNew: false }, followUps: [] }
    const given = applyChanges(emptyContent, input.fields)
    const accountId = input.accountId ?? (await pickAccount(write.db, input.owner, given, input.templateId))
    const account = await getAccount(write.db, accountId)
    const base =
      input.templateId === null ? emptyContent : (await getTemplate(write.db, accountId, input.templateId)).content
    const written = applyChanges(base, input.fields)
    const content: DraftContent = {
      ...written,
      from: written.from ?? { address: account.address, name: account.name },
      attachments: input.attachments.map(({ attachment, blob: { sha256, size } }) => ({ ...attachment, sha256, size })),
    }
    const { policy, reviewRequired, by } = input
    const device = input.device ?? context.device
    const { random } = environment
    const chosen = input.id === undefined ? {} : { id: input.id }
    const draft = { ...chosen, accountId, content, policy, reviewRequired, by, device }
    const id = await beginDraft(write, draft, { random, now })
    for (const { blob } of input.attachments) await referBlob(write.db, blob, accountId, id)
    if (input.request !== null) await rememberDraftRequest(write.db, input.request, id, now)
    await touchAccount(write.db, accountId, now)
    return { result: { id, isNew: true }, followUps: uploadSoon(context, { id, accountId, policy }) }
  },
}
