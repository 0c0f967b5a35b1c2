import { applyChanges, changedFields, type DraftChanges } from '../draft/content.ts'
import { type Author, type DraftPolicy, emptyContent } from '../draft/draft.ts'
import { type AccountId, type DeviceId, type TemplateId, type Umid, uuidv7, type Version } from '../ids.ts'
import { getAccount, pickAccount, touchAccount } from '../storage/accounts.ts'
import { insertDraft } from '../storage/drafts.ts'
import { insertRevision } from '../storage/revisions.ts'
import { getTemplate } from '../storage/templates.ts'
import { createToken } from '../sync/message-ids.ts'
import { uploadSoon } from './steps/commit-revision.ts'
import type { LocalTask } from './task.ts'

export interface DraftCreate {
  /** Null: picked by the sender's address, else the account used last. */
  readonly accountId: AccountId | null
  readonly fields: DraftChanges
  readonly templateId: TemplateId | null
  readonly policy: DraftPolicy
  readonly by: Author
  readonly device: DeviceId | null
}

/** A new draft, with its first revision. Undone by draft_discard. */
export const draftCreate: LocalTask<DraftCreate, { readonly id: Umid }> = {
  name: 'draft_create',
  async plan(context, input) {
    const { write, environment, now } = context
    const given = applyChanges(emptyContent, input.fields)
    const accountId = input.accountId ?? (await pickAccount(write.db, given.from?.address ?? null))
    const account = await getAccount(write.db, accountId)
    const base =
      input.templateId === null ? emptyContent : (await getTemplate(write.db, accountId, input.templateId)).content
    const content = applyChanges(base, input.fields)
    const withSender =
      content.from === null ? { ...content, from: { address: account.address, name: account.name } } : content
    const id = uuidv7(now, environment.random) as Umid
    const token = createToken(environment.random)
    await insertDraft(write.db, { id, accountId, token, policy: input.policy, content: withSender, now })
    const version = 1 as Version
    const revision = {
      version,
      content: withSender,
      savedAt: now,
      device: input.device ?? context.device,
      by: input.by,
      fieldsChanged: changedFields(emptyContent, withSender),
    }
    await insertRevision(write.db, id, revision, null)
    await touchAccount(write.db, accountId, now)
    write.emit({ type: 'draft-created', accountId, draftId: id, version })
    return { result: { id }, followUps: uploadSoon(context, { id, accountId, policy: input.policy }) }
  },
}
