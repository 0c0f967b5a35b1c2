import { isPayable, type Receipt } from '../../draft/draft-state.ts'
import type { FolderPath, Uid, Umid } from '../../ids.ts'
import { applyDraftEvent, knownCopies, ownedState } from '../../storage/draft-states.ts'
import { type CommandOutcome, type MailboxSession, WireError } from '../../wire/mailbox.ts'
import type { ExecuteContext } from '../task.ts'

/**
 * Removes the copies that a draft owes, and nothing else: each one's identity is read again under its UIDVALIDITY, in
 * this session, before it goes (hazards 7, 8, 10).
 */
export async function settleDebts(context: ExecuteContext, session: MailboxSession, draftId: Umid): Promise<void> {
  const owned = await context.store.read((db) => ownedState(db, draftId))
  const payable = owned.state.debts.filter((debt) => debt.accountId === context.accountId && isPayable(debt, owned))
  for (const [folder, owed] of Map.groupBy(payable, (debt) => debt.folder)) {
    await settleInFolder(context, session, { draftId, folder, owed })
  }
}

async function settleInFolder(
  context: ExecuteContext,
  session: MailboxSession,
  { draftId, folder, owed }: { readonly draftId: Umid; readonly folder: FolderPath; readonly owed: readonly Receipt[] },
): Promise<void> {
  const state = await session.select(folder)
  const valid = owed.filter((debt) => debt.uidValidity === state?.uidValidity)
  const identities = valid.length === 0 ? [] : await session.identities(valid.map((debt) => debt.uid))
  const ours = valid.filter((debt) =>
    identities.some((identity) => identity.uid === debt.uid && identity.messageId === debt.messageId),
  )
  // The others are gone already, or their UID now means another message, which is not ours to touch.
  for (const debt of owed.filter((one) => !ours.includes(one))) await forget(context, draftId, debt)
  if (ours.length === 0) return
  const uids = ours.map((debt) => debt.uid)
  expectOk(await session.markDeleted(uids))
  if (session.capabilities.uidPlus) expectOk(await session.expungeUids(uids))
  else await expungeWithoutUidPlus(context, session, folder)
  // Some servers answer OK to a STORE right after an APPEND and do nothing: only what is seen to be done is settled.
  const left = new Set(await session.uids())
  const marked = session.capabilities.uidPlus ? new Set<Uid>() : new Set(await session.deletedUids())
  for (const debt of ours) {
    if (left.has(debt.uid) && !marked.has(debt.uid)) continue
    await forget(context, draftId, debt)
    context.signal.throwIfAborted()
  }
}

/** EXPUNGE takes every message that is marked: it is only sent when all of them are debts of ours (hazard 6). */
async function expungeWithoutUidPlus(
  context: ExecuteContext,
  session: MailboxSession,
  folder: FolderPath,
): Promise<void> {
  const known = await context.store.read((db) => knownCopies(db, context.accountId, folder))
  const owed = new Set(known.filter((copy) => copy.role === 'debt').map((copy) => copy.receipt.uid))
  const marked = await session.deletedUids()
  if (marked.every((uid) => owed.has(uid))) expectOk(await session.expungeAllDeleted())
}

async function forget(context: ExecuteContext, draftId: Umid, debt: Receipt): Promise<void> {
  await context.write(async (write) => {
    await applyDraftEvent(write, draftId, { type: 'debt-gone', receipt: debt }, context.environment.now())
    write.emit({ type: 'copy-removed', accountId: context.accountId, draftId, folder: debt.folder, uid: debt.uid })
  })
}

function expectOk(outcome: CommandOutcome): void {
  if (outcome.kind === 'refused')
    throw new WireError('REFUSED', `the server did not remove an old copy: ${outcome.text}`)
}
