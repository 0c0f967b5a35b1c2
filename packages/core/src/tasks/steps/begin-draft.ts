import { changedFields } from '../../draft/content.ts'
import { type Author, type DraftContent, type DraftPolicy, emptyContent } from '../../draft/draft.ts'
import type { Environment } from '../../environment.ts'
import { type AccountId, type DeviceId, type Umid, uuidv7, type Version } from '../../ids.ts'
import { insertDraft, rememberDraft } from '../../storage/drafts.ts'
import { insertRevisions } from '../../storage/revisions.ts'
import type { Write } from '../../storage/store.ts'
import { createToken } from '../../sync/message-ids.ts'

export interface DraftToBegin {
  /** Default: a new one. Whoever gives one has seen, in this transaction, that no draft has it. */
  readonly id?: Umid
  readonly accountId: AccountId
  readonly content: DraftContent
  readonly policy: DraftPolicy
  readonly reviewRequired: boolean
  readonly by: Author
  readonly device: DeviceId
}

/** A draft with its first revision, in the transaction of the caller. What it holds of attachments is the caller's affair. */
export async function beginDraft(
  { db, emit }: Write,
  draft: DraftToBegin,
  { random, now }: Pick<Environment, 'random'> & { readonly now: number },
): Promise<Umid> {
  const { accountId, content, policy, reviewRequired, by, device } = draft
  const id = draft.id ?? (uuidv7(now, random) as Umid)
  const token = createToken(random)
  const inserted = { id, accountId, token, policy, reviewRequired, content, now }
  const bytes = await insertDraft(db, inserted)
  rememberDraft(db, inserted)
  const version = 1 as Version
  const fieldsChanged = changedFields(emptyContent, content)
  await insertRevisions(db, id, [{ version, content, savedAt: now, device, by, fieldsChanged, bytes }], null)
  emit({ type: 'draft-created', accountId, draftId: id, version })
  return id
}
