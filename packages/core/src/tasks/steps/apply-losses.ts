import { newestCopy, sameCopy } from '../../draft/draft-state.ts'
import type { LastError } from '../../draft/draft.ts'
import type { MessageId, Umid } from '../../ids.ts'
import { setAccountError } from '../../storage/accounts.ts'
import { noMessageId } from '../../storage/attempts.ts'
import type { Db } from '../../storage/db.ts'
import { applyDraftEvent, type KnownCopy, loadDraftState } from '../../storage/draft-states.ts'
import type { Losses, SeenFolder } from '../../storage/folders.ts'
import { isOpenInComposer } from '../../storage/leases.ts'
import { isMassVanish, type ReconcilePlan, type Vanished } from '../../sync/reconcile-plan.ts'
import type { FolderState, MailboxSession } from '../../wire/mailbox.ts'
import type { ExecuteContext } from '../task.ts'
import { purge } from './purge.ts'
import { sentElsewhere } from './sent-elsewhere.ts'

interface Applied {
  /** A loss waits to be confirmed by another round. */
  readonly missing: boolean
  /** What the next round is to do with losses. */
  readonly losses: Exclude<Losses, 'confirmed'>
}

/** What a round over Drafts does with copies that are gone: `seen` is what the round before it saw, `known` what was to be there. */
export async function applyLosses(
  context: ExecuteContext,
  session: MailboxSession,
  round: {
    readonly folder: FolderState
    readonly seen: SeenFolder | null
    readonly known: readonly KnownCopy[]
    readonly plan: Extract<ReconcilePlan, { kind: 'compare' }>
  },
): Promise<Applied> {
  const { folder, seen, plan } = round
  const gone = plan.vanished.filter(({ as }) => as === 'name-vanished' || as === 'missing-confirmed')
  const isDoubtful = plan.massVanish || gone.some(({ as }) => as === 'missing-confirmed')
  const copies = gone.map(({ copy }) => copy)
  const sent = isDoubtful ? await sentElsewhere(context, session, folder.path, copies) : new Map<Umid, MessageId>()
  const losses = lossesOf(round, sent)
  const isHeld = losses === 'hold'
  const missing = await applyEach(context, session, plan.vanished, { isHeld, sent })
  if (isHeld) await sayThatLossesAreHeld(context, plan.vanished.length - sent.size)
  // They were sent, as it turned out, or somebody has said that they are to go.
  else if (seen !== null && seen.losses !== 'apply') await sayThatNoneAreHeld(context)
  return { missing, losses: isHeld ? 'hold' : 'apply' }
}

/** Once held, losses stay held until somebody has confirmed them, or nothing is missing any more that was not sent. */
function lossesOf(
  { seen, known, plan }: Pick<Parameters<typeof applyLosses>[2], 'seen' | 'known' | 'plan'>,
  sent: ReadonlyMap<Umid, MessageId>,
): Losses {
  if (seen?.losses === 'confirmed') return 'confirmed'
  const unexplained = plan.vanished.filter(({ copy }) => copy.role === 'name' && !sent.has(copy.draftId))
  const names = known.filter(({ role }) => role === 'name').length - sent.size
  if (isMassVanish({ names, gone: unexplained.length })) return 'hold'
  const isMissing = unexplained.some(({ as }) => as === 'name-vanished' || as === 'missing-confirmed')
  return seen?.losses === 'hold' && isMissing ? 'hold' : 'apply'
}

async function applyEach(
  context: ExecuteContext,
  session: MailboxSession,
  vanished: readonly Vanished[],
  { isHeld, sent }: { readonly isHeld: boolean; readonly sent: ReadonlyMap<Umid, MessageId> },
): Promise<boolean> {
  let missing = false
  for (const { copy, as } of vanished) {
    const { draftId, receipt } = copy
    const sentAs = sent.get(draftId) ?? null
    if (as === 'missing-confirmed') {
      // Not while somebody works on it here, nor where it was only moved within Drafts, or is being edited elsewhere.
      const isOpen = await context.store.read((db) => isOpenInComposer(db, draftId, context.environment.now()))
      if (isOpen || (isHeld && sentAs === null) || (await isInDrafts(session, copy))) continue
    }
    await context.write(async (write) => {
      // An upload that ended since the folder was read may have moved the copy on: then this loss says nothing.
      if (!(await isStillKnown(write.db, copy))) return
      const now = context.environment.now()
      if (as === 'debt-gone') {
        await applyDraftEvent(write, draftId, { type: as, receipt }, now)
      } else if (as === 'name-vanished') {
        missing = true
        await applyDraftEvent(write, draftId, { type: as, at: now }, now)
      } else if (as === 'missing-confirmed') {
        await purge(context, write, draftId, sentAs)
      } else {
        await applyDraftEvent(write, draftId, { type: as }, now)
      }
    })
  }
  return missing
}

async function isStillKnown(db: Db, { draftId, role, receipt }: KnownCopy): Promise<boolean> {
  const state = await loadDraftState(db, draftId)
  const kind = role === 'name' ? 'synchronized' : 'stale-server'
  if (role === 'debt') return state.debts.some((debt) => sameCopy(debt, receipt))
  return state.copies.kind === kind && sameCopy(newestCopy(state.copies), receipt)
}

/** Drafts is selected. */
async function isInDrafts(session: MailboxSession, { receipt }: KnownCopy): Promise<boolean> {
  return receipt.messageId !== noMessageId && (await session.findByMessageId(receipt.messageId)).length > 0
}

async function sayThatLossesAreHeld(context: ExecuteContext, count: number): Promise<void> {
  const error: LastError = {
    code: 'MASS_VANISH',
    message: `${count} copies, more than half of all, are gone from the server: no draft is purged until that is confirmed`,
    at: context.environment.now(),
  }
  await context.write(async ({ db, emit }) => {
    await setAccountError(db, context.accountId, error)
    emit({ type: 'losses-held', accountId: context.accountId, error })
  })
}

async function sayThatNoneAreHeld(context: ExecuteContext): Promise<void> {
  await context.write(({ db }) => setAccountError(db, context.accountId, null))
}
