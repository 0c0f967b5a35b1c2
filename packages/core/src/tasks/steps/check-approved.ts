import { isApproved } from '../../draft/draft.ts'
import { EverdraftError } from '../../errors.ts'
import type { StoredDraft } from '../../storage/drafts.ts'

/** @throws {EverdraftError} APPROVAL_REQUIRED */
export function checkApproved(draft: StoredDraft): void {
  const { review, version } = draft
  if (!review.required || isApproved(draft)) return
  const last = review.approval === null ? 'nobody has approved it' : `approved is version ${review.approval.version}`
  throw new EverdraftError('APPROVAL_REQUIRED', `the draft is to be reviewed: it is at version ${version}, and ${last}`)
}
