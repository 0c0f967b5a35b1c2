import { arrivesWithinMs } from '../correlation/correlation.ts'
import { createCorrelator } from '../correlation/correlator.ts'
import type { SentMail, Whereabouts } from '../correlation/evidence.ts'
import { outcomeChanges } from '../correlation/outcome-plan.ts'
import type { Umid } from '../ids.ts'
import { setCorrelated } from '../storage/email-outcomes.ts'
import { seenFolder } from '../storage/folders.ts'
import type { MessagePlace } from '../storage/imports.ts'
import {
  explainedMails,
  outcomeLook,
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
    const drafts = await store.read((db) => unclearDrafts(db, accountId, since))
    const [oldest] = drafts
    if (oldest === undefined) return done()
    const before = await store.read((db) => seenFolder(db, accountId, 'sent'))
    const session = await context.session()
    await readSent(context, session, oldest.createdAt)
    const now = environment.now()
    const ids = drafts.map(({ draftId }) => draftId)
    const look = await lookAtDrafts(context, ids, { seenAt: before?.seenAt ?? 0, now })
    await learnServerIds(context, session, look)
    if (look.isDue) await weigh(context, look, { since, now })
    return done(...(look.waitMs === null ? [] : [lookIntoSent(accountId, look.waitMs)]))
  },
}

interface Look {
  readonly chains: readonly Chain[]
  readonly whereabouts: ReadonlyMap<Umid, Whereabouts>
  readonly sights: ReadonlyMap<Umid, Sight>
  /** Of those that are gone and were there, or the other way round: to be stored. */
  readonly changed: ReadonlyMap<Umid, Sight>
  /** Something is there to be weighed that was not. */
  readonly isDue: boolean
  /** Until it is clear of one that is gone that nothing went in its place; null: there is none. */
  readonly waitMs: number | null
}

/** Where each of the drafts is, and since when it is gone. */
async function lookAtDrafts(
  context: ExecuteContext,
  ids: readonly Umid[],
  time: { readonly seenAt: number; readonly now: number },
): Promise<Look> {
  const { accountId, store } = context
  const { chains, known, last } = await store.read(async (db) => ({
    chains: await chainsOf(db, ids),
    known: await outcomeSights(db, accountId),
    last: await outcomeLook(db, accountId),
  }))
  const whereabouts = new Map<Umid, Whereabouts>()
  const changed = new Map<Umid, Sight>()
  for (const chain of chains) {
    const { draftId } = chain
    const sight = known.get(draftId) ?? null
    const found = whereaboutsOf(chain, sight, time)
    whereabouts.set(draftId, found)
    const goneAt = found.kind === 'there' ? null : found.kind === 'gone' ? found.goneAt : found.at
    if (goneAt === (sight?.goneAt ?? null)) continue
    const seenAt = found.kind === 'gone' ? found.seenAt : (goneAt ?? time.now)
    changed.set(draftId, { seenAt, goneAt, copies: sight?.copies ?? [] })
  }
  const sights = new Map([...known, ...changed])
  const decidedAt = [...sights].flatMap(([draftId, { goneAt }]) =>
    goneAt === null || !whereabouts.has(draftId) ? [] : [goneAt + arrivesWithinMs],
  )
  const isDecided = decidedAt.some((at) => at > last.weighedAt && at <= time.now)
  const later = decidedAt.filter((at) => at > time.now)
  return {
    chains,
    whereabouts,
    sights,
    changed,
    isDue: last.isDue || changed.size > 0 || isDecided,
    waitMs: later.length === 0 ? null : later.reduce((soonest, at) => Math.min(soonest, at)) - time.now,
  }
}

async function weigh(
  context: ExecuteContext,
  look: Look,
  { since, now }: { readonly since: UnclearSince; readonly now: number },
): Promise<void> {
  const { accountId, store } = context
  const { outcomes, traces, kept, explained } = await store.read(async (db) => {
    const mails = await keptSentMails(db, accountId)
    return {
      outcomes: await unclearOutcomes(db, accountId, since),
      traces: await tracesOf(context, db, look.chains, look),
      kept: mails,
      explained: await explainedMails(db, accountId, mails.map(keyOf)),
    }
  })
  const asked = new Set(outcomes.map(({ messageId }) => messageId))
  const places = new Map<string, MessagePlace[]>()
  const sent: SentMail[] = []
  const unneeded: MessagePlace[] = []
  for (const one of kept) {
    const { place, mail } = one
    const key = keyOf(one)
    const copies = places.get(key)
    const draftId = explained.get(key)
    if (draftId !== undefined && !asked.has(draftId)) unneeded.push(place)
    else if (copies === undefined) sent.push({ key, ...mail })
    places.set(key, [...(copies ?? []), place])
  }
  const correlator = createCorrelator()
  for (const trace of traces) correlator.putDraft(trace)
  for (const mail of sent) correlator.putMail(mail)
  const { correlations, unrelated } = correlator.weigh(now)
  unneeded.push(...unrelated.flatMap((key) => places.get(key) ?? []))
  const changes = outcomeChanges(outcomes, correlations, sent)
  const wasSent = new Set(correlations.flatMap(({ draftId, pairing }) => (pairing === null ? [] : [draftId])))
  const gone = look.chains
    .filter(({ draftId }) => wasSent.has(draftId))
    .flatMap(({ links }) => links.filter(({ missingSince }) => missingSince !== null).map(({ draftId }) => draftId))
  // One transaction: after a crash before it all is weighed again.
  await context.write(async (write) => {
    for (const [draftId, sight] of look.changed) await setOutcomeSight(write.db, accountId, draftId, sight)
    for (const { id, sent: one, verdict } of changes) await setCorrelated(write, id, { sent: one, verdict })
    for (const draftId of gone) await purgeSent(context, write, draftId)
    for (const place of unneeded) await dropSentMail(write.db, place)
    await setWeighed(write.db, accountId, now)
  })
}

/** What was filed twice is one mail. */
function keyOf({ place, mail }: { readonly place: MessagePlace; readonly mail: KeptSentMail }): string {
  return mail.messageId ?? `${place.uidValidity}/${place.uid}`
}
