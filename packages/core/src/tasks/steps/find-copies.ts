import { accountProbe } from '../../storage/account-probes.ts'
import type { Uid } from '../../ids.ts'
import { attemptById, type Attempt } from '../../storage/attempts.ts'
import { knownCopies } from '../../storage/draft-states.ts'
import type { FolderState, MailboxSession, MessageIdentity } from '../../wire/mailbox.ts'
import type { ExecuteContext } from '../task.ts'
import { hasContentOf } from './verify-copy.ts'

/**
 * What there is of an attempt in the selected folder: messages with its Message-ID and its content. Where the server is
 * known to change Message-IDs (hazard 28), those that came since the attempt began are compared by content alone; `uncertain`
 * where that does not tell.
 */
export async function findCopies(
  context: ExecuteContext,
  session: MailboxSession,
  folder: FolderState,
  attempt: Attempt,
): Promise<readonly MessageIdentity[] | 'uncertain'> {
  const sameUids = folder.uidValidity === attempt.uidValidity
  const since = sameUids && attempt.uidNext !== null ? await session.identitiesFrom(attempt.uidNext) : null
  const named = (since ?? (await session.findByMessageId(attempt.messageId))).filter(
    (identity) => identity.messageId === attempt.messageId,
  )
  // Ours only if it also says the same: some programs keep our Message-ID while they edit.
  const found = await withContentOf(context, session, named, attempt)
  const probe = await context.store.read((db) => accountProbe(db, context.accountId))
  const survival = probe?.survival ?? null
  if (found.length > 0 || survival === null || survival.messageId === 'kept') return found
  if (since === null) return 'uncertain'
  const { known, takenIn } = await knownSince(context, folder, attempt)
  const candidates = since.filter(
    (identity) =>
      !known.has(identity.uid) &&
      !identity.deleted &&
      isAbout(identity.size, attempt.size) &&
      (!survival.privateHeaders || identity.everdraftId === attempt.draftId),
  )
  const alike = await withContentOf(context, session, candidates, attempt)
  if (alike.some(({ uid }) => takenIn.has(uid))) return 'uncertain'
  // Without our headers two equal messages may be anybody's: to bind the wrong one would be to remove it some day.
  return alike.length > 1 && !survival.privateHeaders ? 'uncertain' : alike
}

interface KnownSince {
  /** Copies that are bound for good: none of them is the attempt's. */
  readonly known: ReadonlySet<Uid>
  /** Messages that were taken in since the attempt began, as nobody could tell whose they are. */
  readonly takenIn: ReadonlySet<Uid>
}

async function knownSince(
  { store, accountId }: ExecuteContext,
  folder: FolderState,
  attempt: Attempt,
): Promise<KnownSince> {
  const known = new Set<Uid>()
  const takenIn = new Set<Uid>()
  await store.read(async (db) => {
    for (const { receipt } of await knownCopies(db, accountId, folder.path)) {
      if (receipt.uidValidity !== folder.uidValidity || receipt.uid < (attempt.uidNext ?? 0)) continue
      const of = await attemptById(db, receipt.attemptId)
      const isLater = of?.method === 'import' && of.createdAt >= attempt.createdAt
      const kind = isLater ? takenIn : known
      kind.add(receipt.uid)
    }
  })
  return { known, takenIn }
}

async function withContentOf(
  context: ExecuteContext,
  session: MailboxSession,
  identities: readonly MessageIdentity[],
  attempt: Attempt,
): Promise<readonly MessageIdentity[]> {
  const found: MessageIdentity[] = []
  for (const identity of identities) {
    if (await hasContentOf(context, session, identity.uid, attempt)) found.push(identity)
  }
  return found
}

/** A server that changes the header changes little of the size; what is of another size need not be read. */
function isAbout(size: number, expected: number): boolean {
  return Math.abs(size - expected) <= 4 * 1024 + expected / 10
}
