import type { Umid } from '../../ids.ts'
import { applyDraftEvent, loadDraftState } from '../../storage/draft-states.ts'
import { setPurged } from '../../storage/drafts.ts'
import { isOpenInComposer } from '../../storage/leases.ts'
import type { Write } from '../../storage/store.ts'
import type { ExecuteContext } from '../task.ts'

/**
 * A draft that somebody has sent from elsewhere, and whose copy is gone: it goes to the local trash, as what it became lies in Sent.
 * Else it would be missing for ever, and ten of them look like a folder that was emptied by mistake.
 */
export async function purgeSent(
  { accountId, environment }: Pick<ExecuteContext, 'accountId' | 'environment'>,
  write: Write,
  draftId: Umid,
): Promise<void> {
  const now = environment.now()
  const { status, copies } = await loadDraftState(write.db, draftId)
  if (status !== 'draft' || copies.kind !== 'synchronized' || copies.missingSince === null) return
  if (await isOpenInComposer(write.db, draftId, now)) return
  const { after } = await applyDraftEvent(write, draftId, { type: 'missing-confirmed' }, now)
  if (after.status !== 'discarded') return
  await setPurged(write.db, draftId)
  write.emit({ type: 'draft-purged', accountId, draftId })
}
