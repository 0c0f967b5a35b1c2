import type { World } from '../world/world.ts'
import type { Checker } from './checker.ts'
import { ask, type SendOnDisk, sendsOnDisk } from './stored.ts'

/**
 * At quiescence every consent is at its end, or says what it waits for (hazards 22, 30, 31): its time, or a word of the user
 * with the reason. And its draft is what it says, and what is said of where it is held until its hour.
 *
 * It catches: a send that fails and keeps no reason.
 */
export function everyConsentExplainsItself(world: World): Checker {
  const { disk, scheduler, provider } = world

  function judge({ id, phase, state }: SendOnDisk): string | null {
    const isLeft = state.recipients.some(({ status }) => status === 'pending' || status === 'temporary')
    switch (phase) {
      case 'cancelled':
        return null
      case 'failed':
      case 'parked':
      case 'unknown':
        return state.error === null ? `${id} is ${phase}, and says not why` : null
      case 'queued':
        return isDated(id) || state.held !== null ? null : `${id} is queued, and says not what it waits for`
      case 'cleaned':
        return !isLeft || isDated(id) || state.held !== null ? null : `${id} has recipients left, and no time`
      case 'accepted':
        // A server that is slow to file is waited for.
        return isDated(id) ? null : `${id} is accepted at rest`
      default:
        return `${id} is ${phase} at rest`
    }
  }

  /** Its next step has a time to come. */
  function isDated(id: string): boolean {
    const sql = "select 1 from task where key = ? and state = 'waiting' and run_at > ?"
    return ask(disk.database, sql, id, scheduler.now()).length > 0
  }

  const statusOf: Readonly<Record<string, string>> = {
    queued: 'queued',
    parked: 'queued',
    unknown: 'sending',
    accepted: 'sent',
    cleaned: 'sent',
  }

  /** A draft may have been sent anew, or edited, since a send of it ended without success. */
  function draftsAreElsewhere(sends: readonly SendOnDisk[]): readonly string[] {
    return sends.flatMap(({ id, draft_id: draftId, phase }) => {
      const [draft] = ask<{ readonly status: string }>(disk.database, 'select status from draft where id = ?', draftId)
      const expected = statusOf[phase]
      if (expected !== undefined)
        return draft?.status === expected ? [] : [`${id} is ${phase}, its draft ${draft?.status}`]
      const isOut = draft?.status === 'queued' || draft?.status === 'sending' || draft?.status === 'sent'
      const isOthers = sends.some((other) => other.draft_id === draftId && statusOf[other.phase] !== undefined)
      return isOut && !isOthers ? [`${id} is ${phase}, and its draft is still ${draft.status}`] : []
    })
  }

  /** A mail that the server was asked to hold leaves then, and not before (RFC 4865). */
  function heldAsSaid({ id, facts: { heldUntil } }: SendOnDisk): readonly string[] {
    if (heldUntil === null) return []
    const isHeld = provider.deliveries.some((one) => one.sendId === id && one.leavesAtMs === heldUntil)
    return isHeld ? [] : [`${id} is said to be held by the server until ${heldUntil}, and is not`]
  }

  return {
    invariant: '8: every consent ends, or says what it waits for',
    check() {
      const sends = sendsOnDisk(disk.database)
      return [...sends.flatMap((send) => judge(send) ?? []), ...sends.flatMap(heldAsSaid), ...draftsAreElsewhere(sends)]
    },
  }
}
