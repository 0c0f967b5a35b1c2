import { type Correlator, createCorrelator } from '../../correlation/correlator.ts'
import type { SentMail, Whereabouts } from '../../correlation/evidence.ts'
import type { AccountId, EventCursor, Uid, Umid } from '../../ids.ts'
import type { Outcome } from '../../responder/outcome.ts'
import type { MessagePlace } from '../../storage/imports.ts'
import type { Store } from '../../storage/store.ts'
import type { ExecuteContext } from '../task.ts'
import type { Chain } from './draft-traces.ts'

/**
 * What one look into Sent leaves to the next: who is weighed against whom, for one account. It is worth the time of reading it all
 * anew, and nothing else: where it is lost, it is read again.
 */
export interface OutcomeMemory {
  readonly correlator: Correlator
  /** What of the account is unclear, what was made first before the others. */
  readonly drafts: Map<Umid, RememberedDraft>
  /** Of these the ones that became a mail, as far as is known, and the ones that are not in Drafts. */
  readonly sent: Set<Umid>
  readonly gone: Set<Umid>
  /** Of a draft that another program has made of one of these, that one. */
  readonly rootOf: Map<Umid, Umid>
  readonly mails: Map<string, { readonly mail: SentMail; readonly places: readonly MessagePlace[] }>
  readonly missing: ReadonlySet<Umid>
  /** All that was told until then is known; null: nothing is. */
  readonly cursor: EventCursor | null
  /** Where to go on among the mails that are kept; null: at the first. */
  readonly nextSent: Uid | null
  /** Of a draft that is there: it was seen when Drafts was looked at last. */
  readonly there: Whereabouts
}

export interface RememberedDraft {
  readonly outcome: Outcome
  readonly chain: Chain
  readonly whereabouts: Whereabouts
}

interface Remembered {
  readonly memory: OutcomeMemory
  readonly since: number
  readonly lookedAt: number
}

const memories = new WeakMap<Store, Map<AccountId, Remembered>>()

/** Then it is read anew, whatever is remembered. */
const longestMs = 6 * 3_600_000

/** Of all accounts together: what is remembered longest goes first. */
const mostDrafts = 30_000

/** Of the account, or an empty one. Where another process may have changed something meanwhile nothing is remembered. */
export function recall({ store, accountId }: ExecuteContext, now: number): OutcomeMemory {
  const known = memories.get(store)?.get(accountId)
  const isGood = known !== undefined && now >= known.lookedAt && now - known.since < longestMs
  if (store.changeMark() === null || !isGood) return emptyMemory(now, { store, accountId })
  return known.memory
}

export function forget({ store, accountId }: Pick<ExecuteContext, 'store' | 'accountId'>): void {
  memories.get(store)?.delete(accountId)
}

export function remember({ store, accountId }: ExecuteContext, memory: OutcomeMemory, now: number): void {
  if (store.changeMark() === null) return
  const all = memories.get(store) ?? new Map<AccountId, Remembered>()
  memories.set(store, all)
  const known = all.get(accountId)
  all.delete(accountId)
  all.set(accountId, { memory, since: known?.since ?? now, lookedAt: now })
  let drafts = [...all.values()].reduce((sum, one) => sum + one.memory.drafts.size, 0)
  for (const [oldest, one] of all) {
    if (drafts <= mostDrafts || oldest === accountId) break
    drafts -= one.memory.drafts.size
    all.delete(oldest)
  }
}

function emptyMemory(now: number, of: Pick<ExecuteContext, 'store' | 'accountId'>): OutcomeMemory {
  forget(of)
  return {
    correlator: createCorrelator(),
    drafts: new Map(),
    sent: new Set(),
    gone: new Set(),
    rootOf: new Map(),
    mails: new Map(),
    missing: new Set(),
    cursor: null,
    nextSent: null,
    there: {
      kind: 'there',
      get seenAt() {
        return memories.get(of.store)?.get(of.accountId)?.lookedAt ?? now
      },
    },
  }
}
