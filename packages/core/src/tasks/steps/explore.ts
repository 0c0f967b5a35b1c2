import { type Copies, newestCopy, type Receipt, sameCopy } from '../../draft/draft-state.ts'
import { type Attempt, attemptsByMessageId, endAttempt, noMessageId } from '../../storage/attempts.ts'
import { applyDraftEvent, type KnownCopy, ownedState } from '../../storage/draft-states.ts'
import { vanishedDrafts } from '../../storage/imports.ts'
import type { VanishedDraft } from '../../sync/kinship.ts'
import { contentDigest, eventForCopy } from '../../sync/recognise.ts'
import type { FolderState, MailboxSession, MessageIdentity } from '../../wire/mailbox.ts'
import type { ExecuteContext, FollowUp } from '../task.ts'
import { takeIn } from './take-in.ts'
import { receiptFor } from './verify-copy.ts'

/** How long a draft that was purged is looked at for being what a newcomer comes from. */
const candidateMs = 30 * 24 * 3_600_000

/** Older ones are hardly what somebody edits now. */
const mostCandidates = 200

/**
 * Looks at messages that nobody has looked at: a copy of ours is recognised by Message-ID and content, all else is taken
 * in. `vanished`: copies that the same look at the folder did not find any more.
 */
export async function explore(
  context: ExecuteContext,
  session: MailboxSession,
  folder: FolderState,
  identities: readonly MessageIdentity[],
  vanished: readonly KnownCopy[],
): Promise<readonly FollowUp[]> {
  // Somebody is about to remove it.
  const looked = identities.filter((identity) => !identity.deleted)
  if (looked.length === 0) return []
  const ids = new Set(looked.map(({ messageId }) => messageId ?? noMessageId))
  const attempts = await context.store.read((db) => attemptsByMessageId(db, context.accountId, [...ids]))
  const gone = vanished.map(({ receipt }) => receipt)
  const predecessors = [...(await candidates(context, vanished))]
  const followUps: FollowUp[] = []
  for (const identity of looked) {
    context.signal.throwIfAborted()
    const known = attempts.get(identity.messageId ?? noMessageId) ?? []
    if (await recognise(context, session, { folder, identity, known, gone })) continue
    followUps.push(...(await takeIn(context, session, folder, identity, { gone, vanished: predecessors })))
  }
  return followUps
}

async function candidates(context: ExecuteContext, vanished: readonly KnownCopy[]): Promise<readonly VanishedDraft[]> {
  const names = vanished.filter(({ role }) => role === 'name').map(({ draftId }) => draftId)
  return await context.store.read((db) =>
    vanishedDrafts(db, context.accountId, {
      gone: names.slice(0, mostCandidates),
      trashedSince: context.environment.now() - candidateMs,
      limit: mostCandidates,
    }),
  )
}

/** A copy of ours, and the table is told so. */
async function recognise(
  context: ExecuteContext,
  session: MailboxSession,
  {
    folder,
    identity,
    known,
    gone,
  }: {
    readonly folder: FolderState
    readonly identity: MessageIdentity
    readonly known: readonly Attempt[]
    readonly gone: readonly Receipt[]
  },
): Promise<boolean> {
  if (known.length === 0) return false
  const raw = await session.fetchRaw(identity.uid)
  if (raw === null) return true
  const { createSha256 } = context.environment
  const digest = contentDigest(await context.format.parse(raw, createSha256), createSha256())
  const equal = known.filter((attempt) => attempt.digest === digest)
  for (const attempt of equal) {
    const receipt = { ...receiptFor(attempt, folder.uidValidity, identity), folder: folder.path }
    const isOurs = await context.write(async (write) => {
      const owned = await ownedState(write.db, attempt.draftId)
      // Two equal messages of another program are two messages: only one that has lost its own is this one.
      if (attempt.method === 'import' && hasCopy(owned.state.copies, gone)) return false
      const now = context.environment.now()
      const event = eventForCopy(owned, receipt, gone)
      if (event !== null) await applyDraftEvent(write, attempt.draftId, event, now)
      await endAttempt(write.db, attempt.id, { state: 'stored', now })
      return true
    })
    if (isOurs) return true
  }
  return false
}

function hasCopy(copies: Copies, gone: readonly Receipt[]): boolean {
  const copy = newestCopy(copies)
  const isMissing = copies.kind === 'synchronized' && copies.missingSince !== null
  return copy !== null && !isMissing && !gone.some((one) => sameCopy(one, copy))
}
