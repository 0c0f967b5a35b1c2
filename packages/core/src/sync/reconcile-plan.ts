import type { Receipt } from '../draft/draft-state.ts'
import type { KnownCopy } from '../storage/draft-states.ts'
import type { SeenFolder } from '../storage/folders.ts'
import type { Uid, Umid } from '../ids.ts'
import type { FolderChanges, FolderState } from '../wire/mailbox.ts'
import { isInUidSet } from '../wire/uid-set.ts'

export interface ReconcileQuestion {
  /** What the last complete round saw; null before the first. */
  readonly seen: SeenFolder | null
  readonly folder: FolderState
  /** All UIDs in the folder now, ascending. */
  readonly uids: readonly Uid[]
  readonly known: readonly KnownCopy[]
  /** Drafts with an upload whose end is not known. */
  readonly attempting: ReadonlySet<Umid>
}

export type ReconcilePlan =
  /** The UIDs no longer mean what they meant: everything is looked at afresh, nothing is deleted. */
  | { readonly kind: 'reset'; readonly reason: ResetReason }
  | {
      readonly kind: 'compare'
      readonly vanished: readonly Vanished[]
      /** Names that were missing and are there again. */
      readonly seenAgain: readonly KnownCopy[]
      /** UIDs that nobody has looked at yet. */
      readonly unexplored: readonly Uid[]
      /** Copies whose identity is read along with the unexplored: one that is another message means a reset. */
      readonly probes: readonly KnownCopy[]
      /** Many are gone at once: unless Sent says where they went, nothing is purged before somebody was asked. */
      readonly massVanish: boolean
    }

type ResetReason = 'uidvalidity-changed' | 'uidnext-went-back' | 'other-folder'

export interface Vanished {
  readonly copy: KnownCopy
  readonly as: 'vanished-during-attempt' | 'name-vanished' | 'missing-confirmed' | 'anchor-vanished' | 'debt-gone'
}

/**
 * All UIDs in the folder, ascending. Where the server told only what has changed, from what the last round saw and what we
 * have stored since: a change that we do not know of is among those that it told.
 */
export function presentUids(look: FolderChanges, seen: SeenFolder | null, known: readonly KnownCopy[]): readonly Uid[] {
  if (look.kind === 'full') return look.uids
  const before = [...(seen?.others ?? []), ...known.map((copy) => copy.receipt.uid)]
  const now = [...look.changed, ...look.added].map(({ uid }) => uid)
  const left = before.filter((uid) => !isInUidSet(look.vanished, uid))
  return [...new Set([...left, ...now])].toSorted((a, b) => a - b)
}

/** Compares what we know of a folder with what it holds: never mirrors it (hazard 1). */
export function reconcilePlan(question: ReconcileQuestion): ReconcilePlan {
  const { seen, known } = question
  const reason = resetReason({ ...question, known: known.map((copy) => copy.receipt) })
  if (reason !== null) return { kind: 'reset', reason }
  const present = new Set(question.uids)
  const gone = known.filter((copy) => !present.has(copy.receipt.uid))
  const names = known.filter((copy) => copy.role === 'name')
  const goneNames = gone.filter((copy) => copy.role === 'name')
  const massVanish = isMassVanish({ names: names.length, gone: goneNames.length })
  const ours = new Set(known.map((copy) => copy.receipt.uid))
  // Not by UIDNEXT: on a server that was restored from a backup an old copy of ours is back below it.
  const unexplored = question.uids.filter((uid) => !ours.has(uid) && !seen?.others.has(uid))
  return {
    kind: 'compare',
    vanished: gone.map((copy) => ({ copy, as: nameTheLoss(copy, question.attempting) })),
    seenAgain: names.filter((copy) => copy.missingSince !== null && present.has(copy.receipt.uid)),
    unexplored,
    probes: unexplored.length === 0 ? [] : newestOf(known.filter((copy) => present.has(copy.receipt.uid))),
    massVanish,
  }
}

/** More than half of ten or more names are gone. */
export function isMassVanish({ names, gone }: { readonly names: number; readonly gone: number }): boolean {
  return names >= 10 && gone > names / 2
}

/** The newest of some copies of one UIDVALIDITY; the others tell no more. */
type NewestCopy = Pick<Receipt, 'uidValidity' | 'uid'>

/** Why the UIDs of the folder no longer mean what we know of them; null: they do, as far as can be seen. */
export function resetReason({
  seen,
  folder,
  known,
}: Pick<ReconcileQuestion, 'seen' | 'folder'> & { readonly known: readonly NewestCopy[] }): ResetReason | null {
  if (known.some((copy) => copy.uidValidity !== folder.uidValidity)) return 'uidvalidity-changed'
  const newest = known.reduce((highest, copy) => Math.max(highest, copy.uid), 0)
  if (folder.uidNext !== null && folder.uidNext <= newest) return 'uidnext-went-back'
  if (seen === null) return null
  if (seen.path !== folder.path) return 'other-folder'
  if (seen.uidValidity !== folder.uidValidity) return 'uidvalidity-changed'
  // A server restored from a backup gives out UIDs again under the same UIDVALIDITY.
  if (folder.uidNext !== null && folder.uidNext < seen.uidNext) return 'uidnext-went-back'
  return null
}

/** UIDs that are given out a second time are the latest ones: a few of them tell. */
function newestOf(copies: readonly KnownCopy[]): readonly KnownCopy[] {
  return copies.toSorted((a, b) => b.receipt.uid - a.receipt.uid).slice(0, 20)
}

function nameTheLoss(copy: KnownCopy, attempting: ReadonlySet<Umid>): Vanished['as'] {
  if (copy.role === 'debt') return 'debt-gone'
  if (attempting.has(copy.draftId)) return 'vanished-during-attempt'
  if (copy.role === 'anchor') return 'anchor-vanished'
  return copy.missingSince === null ? 'name-vanished' : 'missing-confirmed'
}
