import { readingOf } from '../../correlation/reading.ts'
import type { DraftEvent, OwnedState, Receipt } from '../../draft/draft-state.ts'
import { type Attempt, attemptsByMessageId, endAttempt, noMessageId } from '../../storage/attempts.ts'
import { applyDraftEvent, type KnownCopy, ownedState } from '../../storage/draft-states.ts'
import { inOnePiece } from '../../storage/chunks.ts'
import { isPurged } from '../../storage/drafts.ts'
import { vanishedDrafts } from '../../storage/imports.ts'
import { isProbe } from '../../sync/account-probe.ts'
import type { VanishedDraft } from '../../sync/kinship.ts'
import { contentDigest, eventForCopy, isCopyThere } from '../../sync/recognise.ts'
import type { FolderState, MailboxSession, MessageIdentity } from '../../wire/mailbox.ts'
import type { ExecuteContext, FollowUp } from '../task.ts'
import { type SmallMessage, takeIn, takeInMany, wholeAtOnceBytes } from './take-in.ts'
import { receiptFor } from './verify-copy.ts'

/** How long a draft that was purged is looked at for being what a newcomer comes from. */
const candidateMs = 30 * 24 * 3_600_000

/** Who puts another message in the place of a draft does both in one go, and is offline for a moment at most. */
const recentMs = 3_600_000

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
  // Somebody is about to remove it; also a probe, of this device or another one.
  const looked = identities.filter((identity) => !identity.deleted && !isProbe(identity))
  if (looked.length === 0) return []
  const ids = new Set(looked.map(({ messageId }) => messageId ?? noMessageId))
  const attempts = await context.store.read((db) => attemptsByMessageId(db, context.accountId, [...ids]))
  const gone = vanished.map(({ receipt }) => receipt)
  const predecessors = [...(await candidates(context, vanished))]
  const followUps: FollowUp[] = []
  const options = { gone, vanished: predecessors }
  const knownAs = (identity: MessageIdentity): readonly Attempt[] =>
    attempts.get(identity.messageId ?? noMessageId) ?? []
  for await (const run of readAhead(session, runsOf(looked))) {
    context.signal.throwIfAborted()
    if (run.kind === 'large') {
      const { identity } = run
      const raw = knownAs(identity).length === 0 ? null : await session.fetchRaw(identity.uid)
      if (raw !== null && (await recognise(context, raw, { folder, identity, known: knownAs(identity), gone })))
        continue
      followUps.push(...(await takeIn(context, session, folder, identity, options)))
      continue
    }
    const strangers: SmallMessage[] = []
    for (const message of run.messages) {
      const { identity, bytes } = message
      const known = knownAs(identity)
      if (known.length > 0) {
        // In their order: what was there before says what this one is.
        followUps.push(...(await takeInMany(context, folder, strangers.splice(0), options)))
        if (await recognise(context, inOnePiece(bytes), { folder, identity, known, gone })) continue
      }
      strangers.push(message)
    }
    followUps.push(...(await takeInMany(context, folder, strangers, options)))
  }
  return followUps
}

/** What one command brings, and at most so much is on its way besides: small messages together, a large one alone. */
const togetherBytes = 1024 * 1024

/** A commit takes no more. */
const mostTogether = 100

type Run =
  | { readonly kind: 'large'; readonly identity: MessageIdentity }
  | { readonly kind: 'small'; readonly identities: readonly MessageIdentity[] }

type ReadRun =
  | Extract<Run, { kind: 'large' }>
  /** Without those that went meanwhile. */
  | { readonly kind: 'small'; readonly messages: readonly SmallMessage[] }

function runsOf(identities: readonly MessageIdentity[]): readonly Run[] {
  const runs: Run[] = []
  let together: MessageIdentity[] = []
  let bytes = 0
  const end = (): void => {
    if (together.length > 0) runs.push({ kind: 'small', identities: together })
    together = []
    bytes = 0
  }
  for (const identity of identities) {
    const isLarge = identity.size > wholeAtOnceBytes
    if (isLarge || together.length >= mostTogether || bytes + identity.size > togetherBytes) end()
    if (isLarge) {
      runs.push({ kind: 'large', identity })
    } else {
      together.push(identity)
      bytes += identity.size
    }
  }
  end()
  return runs
}

/** While one run is worked on, the next one comes. */
async function* readAhead(session: MailboxSession, runs: readonly Run[]): AsyncGenerator<ReadRun, void, undefined> {
  let coming: Promise<ReadRun> | null = null
  for (const [index, run] of runs.entries()) {
    const read = await (coming ?? readRun(session, run))
    const next = runs[index + 1]
    // Whoever works on a large one asks the server for more.
    coming = run.kind === 'large' || next === undefined ? null : readRun(session, next)
    // It may fail while nobody waits for it yet, or for good, if the one before it does.
    coming?.catch(() => {})
    yield read
  }
}

async function readRun(session: MailboxSession, run: Run): Promise<ReadRun> {
  if (run.kind === 'large') return run
  const raw = new Map((await session.fetchMany(run.identities.map(({ uid }) => uid))).map((one) => [one.uid, one]))
  const messages = run.identities.flatMap((identity) => {
    const bytes = raw.get(identity.uid)?.bytes
    return bytes === undefined ? [] : { identity, bytes }
  })
  return { kind: 'small', messages }
}

async function candidates(context: ExecuteContext, vanished: readonly KnownCopy[]): Promise<readonly VanishedDraft[]> {
  const names = vanished.filter(({ role }) => role === 'name').map(({ draftId }) => draftId)
  const now = context.environment.now()
  const found = await context.store.read((db) =>
    vanishedDrafts(db, context.accountId, {
      gone: names.slice(0, mostCandidates),
      trashedSince: now - candidateMs,
      limit: mostCandidates,
    }),
  )
  return found.map(({ draftId, content, goneAt }) => {
    const isRecent = goneAt === null || goneAt >= now - recentMs
    return { draftId, reading: readingOf(content), isRecent }
  })
}

/** A copy of ours, and the table is told so. */
async function recognise(
  context: ExecuteContext,
  raw: AsyncIterable<Uint8Array>,
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
  const { createSha256 } = context.environment
  const digest = contentDigest(await context.format.parse(raw, createSha256), createSha256())
  const equal = known.filter((attempt) => attempt.digest === digest)
  for (const attempt of equal) {
    const receipt = { ...receiptFor(attempt, folder.uidValidity, identity), folder: folder.path }
    const isOurs = await context.write(async (write) => {
      const owned = await ownedState(write.db, attempt.draftId)
      // Two equal messages of another program are two messages: only one that has lost its own is this one.
      if (attempt.method === 'import' && isCopyThere(owned.state.copies, gone)) return false
      const now = context.environment.now()
      const isBack = owned.state.status === 'discarded' && (await isPurged(write.db, attempt.draftId))
      const event = isBack && isHead(owned, receipt) ? back(receipt) : eventForCopy(owned, receipt, gone)
      if (event !== null) await applyDraftEvent(write, attempt.draftId, event, now)
      if (event?.type === 'returned') {
        const { accountId, draftId, version } = attempt
        write.emit({ type: 'draft-undiscarded', accountId, draftId, version })
      }
      await endAttempt(write.db, attempt.id, { state: 'stored', now })
      return true
    })
    if (isOurs) return true
  }
  return false
}

function isHead({ accountId, state }: OwnedState, receipt: Receipt): boolean {
  return accountId === receipt.accountId && state.head === receipt.version
}

/** Somebody has put it back from where they had moved it: it was in the trash for want of it. */
function back(verified: Receipt): DraftEvent {
  return { type: 'returned', verified }
}
