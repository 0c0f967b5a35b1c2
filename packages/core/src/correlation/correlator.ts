import type { Umid } from '../ids.ts'
import { compared, type Correlation, verdictWithout } from './correlation.ts'
import { createDraftIndex, keysIn, keysOfAnswered } from './draft-index.ts'
import type { DraftTrace, SentMail } from './evidence.ts'
import { isAnswered, type Likelihood, likelihoodsOf, type ReadMail, readMail, vanishedWithinMs } from './pairing.ts'
import { type Pair, pairUp } from './pair-up.ts'

/**
 * What is known of drafts and sent mails, kept from one look to the next: what comes new is weighed against what it may have to do
 * with, and all else stays as it was said. The answers are those of asking about all at once.
 */
export interface Correlator {
  /** New, or otherwise than it was. */
  putDraft(trace: DraftTrace): void
  removeDraft(draftId: Umid): void
  /** New. */
  putMail(mail: SentMail): void
  removeMail(key: string): void
  /** `lookedAt`: when Sent was looked at last, in epoch milliseconds; not before the last time. */
  weigh(lookedAt: number): Weighed
}

interface Weighed {
  /** Of all drafts of which it may be another than before, in the order in which they came. */
  readonly correlations: readonly Correlation[]
  /** Mails that none of the drafts has anything to do with: nobody need be asked about them again. */
  readonly unrelated: readonly string[]
}

interface KnownMail {
  readonly read: ReadMail
  readonly keys: readonly string[]
  /** Of which drafts it may have been made. */
  likelihoods: readonly Likelihood[]
  /** Whose mail it answers, whatever it was made of. */
  answered: readonly Umid[]
}

export function createCorrelator(): Correlator {
  const index = createDraftIndex()
  const mails = new Map<string, KnownMail>()
  const mailsBy = new Map<string, Set<string>>()
  /** Of a draft the mails that it may have become, and those that answer what it was to answer. */
  const mailsOf = new Map<Umid, Set<string>>()
  const answersOf = new Map<Umid, Set<string>>()
  const pairs = new Map<Umid, Pair>()
  const explained = new Map<string, Umid>()
  /** Only time says what became of them. */
  const undecided = new Set<Umid>()
  const changedDrafts = new Set<Umid>()
  const changedMails = new Set<string>()
  let weighedAt = -Infinity

  /** What may have to do with a draft is weighed anew with it. */
  function touch(keys: ReadonlySet<string>): void {
    for (const key of keys) for (const mail of mailsBy.get(key) ?? []) changedMails.add(mail)
  }

  function forgetDraft(draftId: Umid): void {
    mailsOf.delete(draftId)
    answersOf.delete(draftId)
    unpair(draftId)
    undecided.delete(draftId)
    changedDrafts.delete(draftId)
  }

  function unpair(draftId: Umid): void {
    const pair = pairs.get(draftId)
    if (pair === undefined) return
    pairs.delete(draftId)
    if (pair !== 'ambiguous') explained.delete(pair.mail.mail.key)
  }

  /** @returns the drafts that it had or has to do with */
  function setLikelihoods(key: string, mail: KnownMail, likelihoods: readonly Likelihood[]): void {
    for (const { draftId } of mail.likelihoods) {
      mailsOf.get(draftId)?.delete(key)
      changedDrafts.add(draftId)
    }
    for (const { draftId } of likelihoods) {
      addTo(mailsOf, draftId, key)
      changedDrafts.add(draftId)
    }
    mail.likelihoods = likelihoods
  }

  function setAnswered(key: string, mail: KnownMail, answered: readonly Umid[]): readonly Umid[] {
    const before = mail.answered
    for (const draftId of before) answersOf.get(draftId)?.delete(key)
    for (const draftId of answered) addTo(answersOf, draftId, key)
    mail.answered = answered
    return [...before, ...answered]
  }

  /** All that hangs together with what has changed. */
  function component(): { readonly drafts: Set<Umid>; readonly keys: Set<string> } {
    const drafts = new Set(changedDrafts)
    const keys = new Set(changedMails)
    const open: ({ readonly draftId: Umid } | { readonly key: string })[] = [
      ...[...drafts].map((draftId) => ({ draftId })),
      ...[...keys].map((key) => ({ key })),
    ]
    for (let one = open.pop(); one !== undefined; one = open.pop()) {
      if ('key' in one) {
        for (const { draftId } of mails.get(one.key)?.likelihoods ?? []) {
          if (!drafts.has(draftId)) open.push({ draftId })
          drafts.add(draftId)
        }
      } else {
        for (const key of mailsOf.get(one.draftId) ?? []) {
          if (!keys.has(key)) open.push({ key })
          keys.add(key)
        }
      }
    }
    return { drafts, keys }
  }

  function answeredBy({ read }: KnownMail): readonly Umid[] {
    const { parent } = read.reading
    // It does not say what it answers, and it is known where it comes from.
    if (parent === null && explained.has(read.mail.key)) return []
    const found = index.foundBy(keysOfAnswered(read.reading)).filter((draft) => isAnswered(draft, read))
    const ids = found.map(({ trace }) => trace)
    // Else the newest that it may be.
    const newest = parent === null ? ids.toSorted((a, b) => b.createdAt - a.createdAt).slice(0, 1) : ids
    return newest.map(({ draftId }) => draftId)
  }

  function correlationOf(draftId: Umid, lookedAt: number): Correlation | null {
    const draft = index.get(draftId)
    if (draft === undefined) return null
    undecided.delete(draftId)
    const pair = pairs.get(draftId)
    if (pair === 'ambiguous') return { draftId, pairing: null, verdict: 'unknown' }
    if (pair === undefined) {
      const isAnsweredOtherwise = (answersOf.get(draftId)?.size ?? 0) > 0
      const verdict = isAnsweredOtherwise ? 'replied-without-draft' : verdictWithout(draft, lookedAt)
      if (verdict === 'unknown') undecided.add(draftId)
      return { draftId, pairing: null, verdict }
    }
    const pairing = compared(draft, pair.mail, pair.likelihood)
    return { draftId, pairing, verdict: pairing.changed.length === 0 ? 'sent-unchanged' : 'sent-edited' }
  }

  return {
    putDraft(trace) {
      touch(index.put(trace))
      changedDrafts.add(trace.draftId)
    },
    removeDraft(draftId) {
      touch(index.remove(draftId))
      for (const key of mailsOf.get(draftId) ?? []) changedMails.add(key)
      forgetDraft(draftId)
    },
    putMail(mail) {
      const read = readMail(mail)
      const keys = keysIn(read)
      mails.set(mail.key, { read, keys, likelihoods: [], answered: [] })
      for (const key of keys) addTo(mailsBy, key, mail.key)
      changedMails.add(mail.key)
    },
    removeMail(key) {
      const mail = mails.get(key)
      if (mail === undefined) return
      setLikelihoods(key, mail, [])
      for (const draftId of setAnswered(key, mail, [])) changedDrafts.add(draftId)
      for (const one of mail.keys) removeFrom(mailsBy, one, key)
      mails.delete(key)
      changedMails.delete(key)
    },
    weigh(lookedAt) {
      // Of a draft that is still there so long after, less is said.
      for (const [key, { read }] of mails) {
        const boundary = read.mail.sentAt + vanishedWithinMs
        if (boundary >= weighedAt && boundary < lookedAt) changedMails.add(key)
      }
      weighedAt = lookedAt
      const unrelated: string[] = []
      for (const key of changedMails) {
        const mail = mails.get(key) as KnownMail
        const candidates = index.candidates(mail.read)
        if (candidates.length === 0) unrelated.push(key)
        setLikelihoods(key, mail, likelihoodsOf(candidates, mail.read))
      }
      const { drafts, keys } = component()
      for (const draftId of drafts) unpair(draftId)
      const known = [...keys].map((key) => mails.get(key) as KnownMail)
      const found = pairUp(
        known.map(({ read }) => read),
        known.flatMap(({ likelihoods }) => likelihoods),
      )
      for (const [draftId, pair] of found) {
        pairs.set(draftId, pair)
        if (pair !== 'ambiguous') explained.set(pair.mail.mail.key, draftId)
      }
      const concerned = new Set([...drafts, ...undecided])
      for (const mail of known) {
        for (const draftId of setAnswered(mail.read.mail.key, mail, answeredBy(mail))) concerned.add(draftId)
      }
      changedDrafts.clear()
      changedMails.clear()
      const ids = index.inOrder(concerned).map(({ trace }) => trace.draftId)
      return { correlations: ids.flatMap((id) => correlationOf(id, lookedAt) ?? []), unrelated }
    },
  }
}

function addTo<Key, Value>(sets: Map<Key, Set<Value>>, key: Key, value: Value): void {
  const known = sets.get(key)
  if (known === undefined) sets.set(key, new Set([value]))
  else known.add(value)
}

function removeFrom<Key, Value>(sets: Map<Key, Set<Value>>, key: Key, value: Value): void {
  const known = sets.get(key)
  known?.delete(value)
  if (known?.size === 0) sets.delete(key)
}
