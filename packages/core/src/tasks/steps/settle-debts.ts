import { isPayable, type Receipt, sameCopy } from '../../draft/draft-state.ts'
import type { FolderPath, Umid } from '../../ids.ts'
import { attemptById, noMessageId } from '../../storage/attempts.ts'
import { applyDraftEvent, ownedState } from '../../storage/draft-states.ts'
import { type MessagePlace, pendingImport } from '../../storage/imports.ts'
import { lastSendOf } from '../../storage/sends.ts'
import type { FolderState, MailboxSession } from '../../wire/mailbox.ts'
import type { ExecuteContext } from '../task.ts'
import { isReset } from './folder-reset.ts'
import { removeMessages } from './remove-messages.ts'
import { hasContentOf, isMessage } from './verify-copy.ts'

/** Copies whose identity was read since their folder was selected, and it still is. */
export interface ReadCopies {
  readonly folder: FolderState
  readonly copies: readonly Receipt[]
}

export type Settled =
  | 'settled'
  /** The server said that they are gone, and still shows some. */
  | 'left'
  /** The UIDs of the folder no longer mean what the receipts say: nothing was done. */
  | 'reset'

/**
 * Removes the copies that a draft owes, and nothing else: each one's identity is read under its UIDVALIDITY, in this
 * session, before it goes (hazards 7, 8, 10). While a folder is selected a UID cannot come to mean another message (RFC
 * 3501 §2.3.1.1), so what the upload has just read is not read again.
 */
export async function settleDebts(
  context: ExecuteContext,
  session: MailboxSession,
  draftId: Umid,
  read: ReadCopies | null = null,
): Promise<Settled> {
  const owned = await context.store.read((db) => ownedState(db, draftId))
  // Taken, and not yet seen in Sent: what became a debt meanwhile (a folder made anew) waits as the others do.
  if (owned.state.status === 'sent' && owned.state.debts.length > 0) {
    const send = await context.store.read((db) => lastSendOf(db, draftId))
    if (send?.state.phase === 'accepted' || send?.state.phase === 'filed') return 'settled'
  }
  // Nothing goes whose parts are not all here.
  const coming = await context.store.read((db) => pendingImport(db, draftId))
  const payable = owned.state.debts.filter(
    (debt) => debt.accountId === context.accountId && isPayable(debt, owned) && !isPlace(debt, coming),
  )
  let settled: Settled = 'settled'
  for (const [folder, owed] of Map.groupBy(payable, (debt) => debt.folder)) {
    const known = read?.folder.path === folder ? read : null
    const here = await settleInFolder(context, session, { draftId, folder, owed, read: known })
    if (here === 'reset') return here
    if (here === 'left') settled = here
  }
  return settled
}

async function settleInFolder(
  context: ExecuteContext,
  session: MailboxSession,
  {
    draftId,
    folder,
    owed,
    read,
  }: {
    readonly draftId: Umid
    readonly folder: FolderPath
    readonly owed: readonly Receipt[]
    readonly read: ReadCopies | null
  },
): Promise<Settled> {
  const state = read?.folder ?? (await session.select(folder))
  if (read === null && state !== null && (await isReset(context, state))) return 'reset'
  const valid = owed.filter((debt) => debt.uidValidity === state?.uidValidity)
  const unread = valid.filter((debt) => !read?.copies.some((copy) => sameCopy(copy, debt)))
  const identities = unread.length === 0 ? [] : await session.identities(unread.map((debt) => debt.uid))
  const ours: Receipt[] = []
  for (const debt of valid) {
    const identity = identities.find((one) => one.uid === debt.uid)
    const isRead = !unread.includes(debt) || (identity !== undefined && isMessage(identity, debt))
    if (isRead && (await isKnownByContent(context, session, debt))) ours.push(debt)
  }
  // The others are gone already, or their UID now means another message, which is not ours to touch.
  for (const debt of owed.filter((one) => !ours.includes(one))) await forget(context, draftId, debt)
  if (ours.length === 0 || state === null) return 'settled'
  const uids = ours.map((debt) => debt.uid)
  const removed = await removeMessages(session, state, uids)
  // On Gmail a draft that was sent became the sent mail: that is nothing we owe.
  const gone = ours.filter((debt) => removed.gone.includes(debt.uid) || removed.spared.includes(debt.uid))
  for (const debt of gone) {
    await forget(context, draftId, debt)
    context.signal.throwIfAborted()
  }
  return gone.length === ours.length ? 'settled' : 'left'
}

function isPlace(debt: Receipt, place: MessagePlace | null): boolean {
  return (
    place !== null && debt.folder === place.folder && debt.uid === place.uid && debt.uidValidity === place.uidValidity
  )
}

/** A message without a Message-ID could be any such message: it goes only if it still says what we hold of it. */
async function isKnownByContent(context: ExecuteContext, session: MailboxSession, debt: Receipt): Promise<boolean> {
  if (debt.messageId !== noMessageId) return true
  const attempt = await context.store.read((db) => attemptById(db, debt.attemptId))
  return attempt !== null && (await hasContentOf(context, session, debt.uid, attempt))
}

async function forget(context: ExecuteContext, draftId: Umid, debt: Receipt): Promise<void> {
  await context.write(async (write) => {
    await applyDraftEvent(write, draftId, { type: 'debt-gone', receipt: debt }, context.environment.now())
    write.emit({ type: 'copy-removed', accountId: context.accountId, draftId, folder: debt.folder, uid: debt.uid })
  })
}
