import { arrivesWithinMs } from '../correlation/correlation.ts'
import { outcomeChanges } from '../correlation/outcome-plan.ts'
import type { AccountId, Uid, Umid } from '../ids.ts'
import type { Outcome } from '../responder/outcome.ts'
import type { Db } from '../storage/db.ts'
import { setCorrelated } from '../storage/email-outcomes.ts'
import { draftsTouchedSince, newestCursor } from '../storage/events.ts'
import { seenFolder } from '../storage/folders.ts'
import type { MessagePlace } from '../storage/imports.ts'
import {
  explainedMails,
  isUnclear,
  missingDrafts,
  outcomeLook,
  outcomesOfDrafts,
  outcomeSights,
  setOutcomeSight,
  setWeighed,
  type Sight,
  unclearDrafts,
  unclearOutcomes,
  type UnclearSince,
} from '../storage/outcome-traces.ts'
import { dropSentMail, type KeptSentMail, keptSentMails } from '../storage/sent-mails.ts'
import { type Chain, chainsOf, tracesOf, whereaboutsOf } from './steps/draft-traces.ts'
import { learnServerIds } from './steps/learn-server-ids.ts'
import { lookIntoSent, unclearSince } from './steps/look-into-sent.ts'
import { forget, type OutcomeMemory, recall, remember, type RememberedDraft } from './steps/outcome-memory.ts'
import { purgeSent } from './steps/purge.ts'
import { readSent } from './steps/read-sent.ts'
import { done, type ExecuteContext, type WireTask } from './task.ts'

/**
 * Looks into Sent for what became of drafts that programs wrote: they may have gone from any mail program. Asked after each round
 * over Drafts and after each mail of ours; where nothing has happened since, it looks at nothing but the folder.
 */
export const outcomeCorrelate: WireTask = {
  name: 'outcome_correlate',
  lane: 'mailbox',
  // Nobody waits for it.
  priority: 6,
  async execute(context) {
    const { accountId, store, environment } = context
    const since = unclearSince(context)
    const { oldest, before } = await store.read(async (db) => ({
      oldest: (await unclearDrafts(db, accountId, since, 1))[0],
      before: await seenFolder(db, accountId, 'sent'),
    }))
    if (oldest === undefined) {
      forget(context)
      return done()
    }
    const session = await context.session()
    await readSent(context, session, oldest.createdAt)
    const now = environment.now()
    try {
      const news = await whatIsNew(context, recall(context, now), since)
      const { memory } = news
      remember(context, memory, now)
      const { chains, sights } = await store.read(async (db) => {
        const found = await chainsOf(db, idsOf(news.outcomes))
        return { chains: found, sights: await outcomeSights(db, idsOf(news.outcomes)) }
      })
      const learnt = await learnServerIds(context, session, { chains, sights })
      const time = { seenAt: before?.seenAt ?? 0, now }
      const changed = await takeNote(context, news, { chains, sights: new Map([...sights, ...learnt]), time })
      const { isDue, waitMs } = await whenToWeigh(context, memory, {
        isChanged: changed.size > 0 || news.unneeded.length > 0,
        now,
      })
      if (isDue) await weigh(context, memory, { changed, unneeded: news.unneeded, now })
      return done(...(waitMs === null ? [] : [lookIntoSent(accountId, waitMs)]))
    } catch (error) {
      // What was begun with is not what is stored.
      forget(context)
      throw error
    }
  },
}

interface News {
  /** With the mails that are new, and without what is clear by now. */
  readonly memory: OutcomeMemory
  /** Of unclear drafts with which something happened. */
  readonly outcomes: readonly Outcome[]
  /** Mails of which nothing is to be found out any more. */
  readonly unneeded: readonly MessagePlace[]
}

/** What happened since the memory is from; of an empty one all there is. */
async function whatIsNew(context: ExecuteContext, recalled: OutcomeMemory, since: UnclearSince): Promise<News> {
  const { accountId, store } = context
  return await store.read(async (db) => {
    const sent = await seenFolder(db, accountId, 'sent')
    const missing = await missingDrafts(db, accountId)
    const touched = await touchedDrafts(db, context, recalled, missing)
    const old = touched === null ? emptied(context) : recalled
    const memory: OutcomeMemory = { ...old, missing, cursor: await newestCursor(db), nextSent: sent?.uidNext ?? null }
    const outcomes =
      touched === null ? await unclearOutcomes(db, accountId, since) : await outcomesOfDrafts(db, accountId, touched)
    const cleared = clear(memory, outcomes, since)
    const unclear = outcomes.filter((one) => isUnclear(one, since))
    const asked = new Set(idsOf(unclear))
    const explained = await takeMails(db, memory, { accountId, asked, from: old.nextSent })
    return { memory, outcomes: unclear, unneeded: [...cleared, ...explained] }
  })
}

function idsOf(outcomes: readonly Outcome[]): readonly Umid[] {
  return outcomes.map(({ messageId }) => messageId)
}

function emptied(context: ExecuteContext): OutcomeMemory {
  forget(context)
  return recall(context, context.environment.now())
}

/** Null: nothing is remembered, or it cannot be said. */
async function touchedDrafts(
  db: Db,
  { accountId }: ExecuteContext,
  { cursor, rootOf, missing: before }: OutcomeMemory,
  missing: ReadonlySet<Umid>,
): Promise<readonly Umid[] | null> {
  if (cursor === null) return null
  const told = await draftsTouchedSince(db, accountId, cursor)
  if (told === null) return null
  const lost = [...missing].filter((draftId) => !before.has(draftId))
  const found = [...before].filter((draftId) => !missing.has(draftId))
  return [...new Set([...told, ...lost, ...found].map((draftId) => rootOf.get(draftId) ?? draftId))]
}

/** Takes out of the memory what became clear, or too old. @returns where the mails are that explain it */
function clear(memory: OutcomeMemory, changed: readonly Outcome[], since: UnclearSince): readonly MessagePlace[] {
  const { drafts, sent, mails, correlator } = memory
  const unneeded: MessagePlace[] = []
  const look = (draftId: Umid, outcome: Outcome): void => {
    if (!drafts.has(draftId) || isUnclear(outcome, since)) return
    forgetDraft(memory, draftId)
    const explained = outcome.sent?.messageId ?? ''
    correlator.removeMail(explained)
    unneeded.push(...(mails.get(explained)?.places ?? []))
  }
  for (const outcome of changed) look(outcome.messageId, outcome)
  for (const draftId of sent) look(draftId, (drafts.get(draftId) as RememberedDraft).outcome)
  for (const [draftId, { outcome }] of drafts) {
    if (outcome.createdAt >= since.madeAt) break
    look(draftId, outcome)
  }
  return unneeded
}

function forgetDraft({ drafts, sent, gone, rootOf, correlator }: OutcomeMemory, draftId: Umid): void {
  for (const link of drafts.get(draftId)?.chain.links ?? []) rootOf.delete(link.draftId)
  for (const known of [drafts, sent, gone]) known.delete(draftId)
  correlator.removeDraft(draftId)
}

/** Mails that were read since. @returns where those are that are explained by a draft that is clear */
async function takeMails(
  db: Db,
  { drafts, mails, correlator }: OutcomeMemory,
  of: { readonly accountId: AccountId; readonly asked: ReadonlySet<Umid>; readonly from: Uid | null },
): Promise<readonly MessagePlace[]> {
  const kept = await keptSentMails(db, of.accountId, of.from ?? undefined)
  const explained = await explainedMails(db, of.accountId, kept.map(keyOf))
  const unneeded: MessagePlace[] = []
  for (const one of kept) {
    const { place, mail } = one
    const key = keyOf(one)
    const known = mails.get(key)
    const draftId = explained.get(key)
    const isClear = draftId !== undefined && !drafts.has(draftId) && !of.asked.has(draftId)
    if (isClear) unneeded.push(place)
    else if (known === undefined) correlator.putMail({ key, ...mail })
    mails.set(key, { mail: { key, ...mail }, places: [...(known?.places ?? []), place] })
  }
  return unneeded
}

interface Traced {
  readonly chains: readonly Chain[]
  readonly sights: ReadonlyMap<Umid, Sight>
  readonly time: { readonly seenAt: number; readonly now: number }
}

/**
 * Where each of them is, since when it is gone, and what it may be known again by.
 * @returns of those that are gone and were there, or the other way round, what is to be stored
 */
async function takeNote(
  context: ExecuteContext,
  { memory, outcomes }: News,
  { chains, sights, time }: Traced,
): Promise<ReadonlyMap<Umid, Sight>> {
  const { correlator, rootOf, there } = memory
  const outcomeOf = new Map(outcomes.map((outcome) => [outcome.messageId, outcome]))
  const changed = new Map<Umid, Sight>()
  for (const chain of chains) {
    const { draftId, links } = chain
    const sight = sights.get(draftId) ?? null
    const found = whereaboutsOf(chain, sight, time)
    const outcome = outcomeOf.get(draftId) as Outcome
    note(memory, { outcome, chain, whereabouts: found.kind === 'there' ? there : found })
    for (const link of links) rootOf.set(link.draftId, draftId)
    const goneAt = found.kind === 'there' ? null : found.kind === 'gone' ? found.goneAt : found.at
    if (goneAt === (sight?.goneAt ?? null)) continue
    const seenAt = found.kind === 'gone' ? found.seenAt : (goneAt ?? time.now)
    changed.set(draftId, { seenAt, goneAt, copies: sight?.copies ?? [] })
  }
  const seen = { whereabouts: whereaboutsIn(memory, chains), sights: new Map([...sights, ...changed]) }
  const traces = await context.store.read((db) => tracesOf(context, db, chains, seen))
  for (const trace of traces) correlator.putDraft(trace)
  return changed
}

function note({ drafts, sent, gone }: OutcomeMemory, draft: RememberedDraft): void {
  const { draftId } = draft.chain
  drafts.set(draftId, draft)
  for (const [known, isOne] of [
    [sent, draft.outcome.sent !== null],
    [gone, draft.whereabouts.kind !== 'there'],
  ] as const) {
    if (isOne) known.add(draftId)
    else known.delete(draftId)
  }
}

function whereaboutsIn({ drafts, there }: OutcomeMemory, chains: readonly Chain[]) {
  return new Map(chains.map(({ draftId }) => [draftId, drafts.get(draftId)?.whereabouts ?? there]))
}

async function whenToWeigh(
  { accountId, store }: ExecuteContext,
  { drafts, gone }: OutcomeMemory,
  { isChanged, now }: { readonly isChanged: boolean; readonly now: number },
): Promise<{
  readonly isDue: boolean
  /** Until it is clear of one that nothing went in its place. */ readonly waitMs: number | null
}> {
  const last = await store.read((db) => outcomeLook(db, accountId))
  let isDecided = false
  let next: number | null = null
  for (const draftId of gone) {
    const { whereabouts } = drafts.get(draftId) as RememberedDraft
    if (whereabouts.kind === 'there') continue
    const at = (whereabouts.kind === 'gone' ? whereabouts.goneAt : whereabouts.at) + arrivesWithinMs
    if (at > last.weighedAt && at <= now) isDecided = true
    if (at > now) next = Math.min(at, next ?? at)
  }
  return { isDue: last.isDue || isChanged || isDecided, waitMs: next === null ? null : next - now }
}

async function weigh(
  context: ExecuteContext,
  memory: OutcomeMemory,
  found: {
    readonly changed: ReadonlyMap<Umid, Sight>
    readonly unneeded: readonly MessagePlace[]
    readonly now: number
  },
): Promise<void> {
  const { accountId } = context
  const { correlator, drafts, mails } = memory
  const { correlations, unrelated } = correlator.weigh(found.now)
  const concerned = correlations.flatMap(({ draftId }) => drafts.get(draftId) ?? [])
  const sent = correlations.flatMap(({ pairing }) => mails.get(pairing?.key ?? '')?.mail ?? [])
  const changes = outcomeChanges(
    concerned.map(({ outcome }) => outcome),
    correlations,
    sent,
  )
  const wasSent = new Set(correlations.flatMap(({ draftId, pairing }) => (pairing === null ? [] : [draftId])))
  const gone = concerned
    .filter(({ chain }) => wasSent.has(chain.draftId))
    .flatMap(({ chain }) => chain.links.filter(({ missingSince }) => missingSince !== null))
  const unneeded = [...found.unneeded, ...unrelated.flatMap((key) => mails.get(key)?.places ?? [])]
  // One transaction: after a crash before it all is weighed again.
  await context.write(async (write) => {
    for (const [draftId, sight] of found.changed) await setOutcomeSight(write.db, accountId, draftId, sight)
    for (const { id, sent: one, verdict } of changes) await setCorrelated(write, id, { sent: one, verdict })
    for (const { draftId } of gone) await purgeSent(context, write, draftId)
    for (const place of unneeded) await dropSentMail(write.db, place)
    await setWeighed(write.db, accountId, found.now)
  })
  const said = new Map(changes.map((change) => [change.id, change]))
  for (const one of concerned) {
    const change = said.get(one.outcome.id)
    if (change === undefined) continue
    const { sent: mail, verdict } = change
    note(memory, { ...one, outcome: { ...one.outcome, sent: mail, verdict } })
  }
  forgetMails(memory, unneeded)
}

function forgetMails({ correlator, mails }: OutcomeMemory, places: readonly MessagePlace[]): void {
  const gone = new Set(places)
  for (const [key, { places: known }] of mails) {
    if (!known.some((place) => gone.has(place))) continue
    correlator.removeMail(key)
    mails.delete(key)
  }
}

/** What was filed twice is one mail. */
function keyOf({ place, mail }: { readonly place: MessagePlace; readonly mail: KeptSentMail }): string {
  return mail.messageId ?? `${place.uidValidity}/${place.uid}`
}
