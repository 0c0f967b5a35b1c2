import type { MessageId, Umid } from '../../ids.ts'
import { applyDraftEvent, loadDraftState } from '../../storage/draft-states.ts'
import { setPurged } from '../../storage/drafts.ts'
import { isOpenInComposer } from '../../storage/leases.ts'
import type { Write } from '../../storage/store.ts'
import type { ExecuteContext } from '../task.ts'

type PurgeContext = Pick<ExecuteContext, 'accountId' | 'environment'>

/**
 * A draft whose copy is gone for good: into the local trash, with its history. `sentAs`: the mail in Sent that it became; null where
 * none is known.
 */
export async function purge(
  { accountId, environment }: PurgeContext,
  write: Write,
  draftId: Umid,
  sentAs: MessageId | null,
): Promise<void> {
  const event = { type: 'missing-confirmed' } as const
  const { before, after } = await applyDraftEvent(write, draftId, event, environment.now())
  if (before.status === 'discarded' || after.status !== 'discarded') return
  await setPurged(write.db, draftId, sentAs)
  write.emit({ type: 'draft-purged', accountId, draftId, sentAs })
}

/** A draft that somebody has sent from elsewhere, whatever is held: what it became lies in Sent. */
export async function purgeSent(context: PurgeContext, write: Write, draftId: Umid): Promise<void> {
  const { status, copies } = await loadDraftState(write.db, draftId)
  if (status !== 'draft' || copies.kind !== 'synchronized' || copies.missingSince === null) return
  if (await isOpenInComposer(write.db, draftId, context.environment.now())) return
  await purge(context, write, draftId, null)
}
