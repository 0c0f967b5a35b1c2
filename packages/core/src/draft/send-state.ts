import type { Version } from '../ids.ts'
import type { DraftStatus } from './draft.ts'

/**
 * The state of one consent to send. This file owns the machine: `sendTransitions` lists every pair of event and phase,
 * `sendTransition` is the only function that makes a next state, and docs/states.md is generated from both.
 *
 * Each phase is durable before the next begins, so that a step which the machine refuses is not taken on the wire. One rule
 * stands above the others: from `dotting` nothing leads back to the wire for those in flight but an answer of the server, proof that
 * there was no dot, or a word of the user (hazards 21 and 24).
 */
export type SendPhase =
  /** Waits for its time: an undo window, a chosen hour, a back-off. Or for the user, where something holds it. */
  | 'queued'
  /** Drafts was pulled and Sent was looked at: nothing speaks against it. */
  | 'checked'
  /** The exact bytes are fixed, with Date and Message-ID (hazard 40). */
  | 'frozen'
  /** The server has accepted recipients; bytes flow. */
  | 'transmitting'
  /** The final dot may have been sent. */
  | 'dotting'
  /** The server has answered 250 for somebody. From here on the draft is sent, whatever comes. */
  | FilingPhase
  | 'cancelled'
  | 'failed'
  /** The server may have taken it, or not, and nothing says which. */
  | 'unknown'
  /** Waits for the user to mend something. */
  | 'parked'

/** After the first acceptance: no copy in Sent yet, filed there, seen there, and the copies in Drafts are gone. */
type FilingPhase = 'accepted' | 'filed' | 'verified' | 'cleaned'

export const sendPhases: readonly SendPhase[] = [
  'queued',
  'checked',
  'frozen',
  'transmitting',
  'dotting',
  'accepted',
  'filed',
  'verified',
  'cleaned',
  'cancelled',
  'failed',
  'unknown',
  'parked',
]

/** A reply of the server, or a reason of ours, that the user can read; no secret and no user text is in it. */
export interface SendReason {
  readonly code: string
  readonly message: string
}

export type RecipientStatus =
  /** Still to be sent to. */
  | 'pending'
  /** In the transmission that runs. */
  | 'in-flight'
  | 'accepted'
  /** For good. */
  | 'refused'
  /** For now: to be sent to again. */
  | 'temporary'
  /** Was accepted, and came back. */
  | 'bounced'
  /** Was in flight when the dot may have been sent. */
  | 'unknown'
  /** Given up by the user before the server had accepted it. */
  | 'cancelled'

export interface SendRecipient {
  readonly address: string
  readonly status: RecipientStatus
  readonly reason: SendReason | null
}

export interface SendState {
  readonly phase: SendPhase
  /** The revision that was consented to (hazard 33). */
  readonly version: Version
  readonly recipients: readonly SendRecipient[]
  /** Not before that time, in milliseconds. */
  readonly dueAt: number
  /** Why it waits for the user: a successor, a copy in Sent, a restored backup. Null: only for its time. */
  readonly held: SendReason | null
  /** How far the copy in Sent is, while those who are left are sent to; null: nobody was accepted yet. */
  readonly filing: FilingPhase | null
  /** Transmissions that the server has answered, or may have; being offline is none (hazard 29). */
  readonly attempts: number
  /** The last thing that went wrong. */
  readonly error: SendReason | null
  /** When the first recipient was accepted, in milliseconds. */
  readonly sentAt: number | null
}

/** What RCPT was answered. */
interface RecipientVerdict {
  readonly address: string
  readonly kind: 'accepted' | 'refused' | 'temporary'
  readonly reason: SendReason
}

export type SendEvent =
  /** Its time has come. */
  | { readonly type: 'released' }
  /** It goes at another hour: the server does not hold it until then. */
  | { readonly type: 'postponed'; readonly until: number }
  /** Not without a word of the user: a successor in Drafts, a restored backup. After an acceptance it is about those who are left. */
  | { readonly type: 'held'; readonly reason: SendReason }
  /** The user says go. */
  | { readonly type: 'unheld' }
  /** The bytes are fixed and stored. */
  | { readonly type: 'froze' }
  /** The server's answers to RCPT, stored before DATA. `retryAt`: for those whom it will not have now. */
  | { readonly type: 'opened'; readonly verdicts: readonly RecipientVerdict[]; readonly retryAt: number }
  /** Stored before the final dot. */
  | { readonly type: 'dot-marked' }
  /** 250 to the dot. */
  | { readonly type: 'answered-ok'; readonly at: number }
  /** 4xx: to MAIL, to DATA, or to the dot. */
  | { readonly type: 'answered-temporary'; readonly reason: SendReason; readonly retryAt: number }
  /** 5xx: to MAIL, to DATA, or to the dot. */
  | { readonly type: 'answered-refused'; readonly reason: SendReason }
  /** No connection, or one that ended before the dot: nobody has it. */
  | { readonly type: 'lost-before-dot'; readonly reason: SendReason; readonly retryAt: number }
  /** Nobody knows. */
  | { readonly type: 'lost-after-dot'; readonly reason: SendReason }
  /** The process began again in that state. */
  | { readonly type: 'recovered' }
  /** Those who are left were tried for long enough. */
  | { readonly type: 'given-up'; readonly reason: SendReason }
  /** Something that only the user can mend: a login, a missing attachment, a size. */
  | { readonly type: 'blocked'; readonly reason: SendReason }
  /** Undo, or cancel what is left. */
  | { readonly type: 'cancelled' }
  /** A copy in Sent, or an id at the provider, says that it was taken. */
  | { readonly type: 'found-sent'; readonly at: number }
  /** A report of failure for a recipient. */
  | { readonly type: 'bounced'; readonly address: string; readonly reason: SendReason; readonly at: number }
  /** A report of delay or of success for a recipient: whoever writes it has had the mail. */
  | { readonly type: 'reported'; readonly address: string; readonly reason: SendReason; readonly at: number }
  /** The user says that those unknown have it. */
  | { readonly type: 'resolved-sent'; readonly at: number }
  /** The user wants it sent again to those unknown, whatever became of the first. */
  | { readonly type: 'resolved-send-again' }
  /** The user wants it tried now. */
  | { readonly type: 'retried' }
  | { readonly type: 'filed' }
  | { readonly type: 'copy-verified' }
  | { readonly type: 'copies-cleaned' }

export type SendEventType = SendEvent['type']

/** What an event does; `carryOut` does each. */
export type SendRule =
  /** The event says nothing new here. */
  | 'same'
  /** 409; and where a step on the wire asked for leave, it is not taken. */
  | 'refuse'
  | 'check'
  /** To the wire again for those who are left, with the frozen bytes. */
  | 'resume'
  | 'hold'
  | 'unhold'
  /** Off the wire, until another hour. */
  | 'postpone'
  | 'freeze'
  /** Recipients have their verdicts; those accepted are in flight, if there are any. */
  | 'open'
  | 'mark-dot'
  /** Those in flight are accepted. */
  | 'accept'
  /** Those in flight wait for another attempt. */
  | 'retry-later'
  /** Those in flight are refused. */
  | 'reject'
  /** Those who are left are refused. */
  | 'give-up'
  /** Those in flight are as they were, and it costs no attempt. */
  | 'take-back'
  /** Those in flight are unknown. */
  | 'doubt'
  | 'park'
  /** The error is shown; nothing else changes. */
  | 'note'
  /** A draft again. */
  | 'cancel'
  /** Only those who are left; the draft stays sent. */
  | 'cancel-rest'
  /** Those unknown are accepted. */
  | 'settle-sent'
  /** Those unknown are to be sent to again. */
  | 'settle-again'
  /** The recipient has it no more; a report also proves that the mail was taken. */
  | 'bounce'
  /** What is said of the recipient is shown; it also proves that the mail was taken. */
  | 'report'
  /** From the start, under the same id (hazard 32). */
  | 'requeue'
  /** At once, instead of at its time. */
  | 'hurry'
  | 'file'
  | 'verify'
  | 'clean'

type Row = Readonly<Record<SendPhase, SendRule>>
type Triple = readonly [SendRule, SendRule, SendRule]
type Four = readonly [SendRule, SendRule, SendRule, SendRule]

function row(before: Triple, wire: readonly [SendRule, SendRule], filing: Four, end: Four): Row {
  return {
    queued: before[0],
    checked: before[1],
    frozen: before[2],
    transmitting: wire[0],
    dotting: wire[1],
    accepted: filing[0],
    filed: filing[1],
    verified: filing[2],
    cleaned: filing[3],
    cancelled: end[0],
    failed: end[1],
    unknown: end[2],
    parked: end[3],
  }
}

function three(rule: SendRule): Triple {
  return [rule, rule, rule]
}

function four(rule: SendRule): Four {
  return [rule, rule, rule, rule]
}

/** The table. Columns as in `sendPhases`. */
// prettier-ignore
export const sendTransitions: Readonly<Record<SendEventType, Row>> = {
  //                         queued, checked, frozen                 transmitting, dotting             accepted, filed, verified, cleaned         cancelled, failed, unknown, parked
  'released':            row(['check', 'same', 'same'],              ['same', 'same'],                 four('resume'),                             four('same')),
  'held':                row(three('hold'),                          ['refuse', 'refuse'],             four('hold'),                               four('same')),
  'postponed':           row(['same', 'postpone', 'postpone'],          ['refuse', 'refuse'],             four('same'),                               four('same')),
  'unheld':              row(['unhold', 'same', 'same'],             ['same', 'same'],                 four('unhold'),                             four('same')),
  'froze':               row(['refuse', 'freeze', 'same'],           ['refuse', 'refuse'],             four('refuse'),                             four('refuse')),
  'opened':              row(['refuse', 'refuse', 'open'],           ['refuse', 'refuse'],             four('refuse'),                             four('refuse')),
  'dot-marked':          row(three('refuse'),                        ['mark-dot', 'refuse'],           four('refuse'),                             four('refuse')),
  'answered-ok':         row(three('refuse'),                        ['refuse', 'accept'],             four('refuse'),                             four('refuse')),
  'answered-temporary':  row(['refuse', 'refuse', 'retry-later'],    ['retry-later', 'retry-later'],   four('refuse'),                             four('refuse')),
  'answered-refused':    row(['refuse', 'refuse', 'reject'],         ['reject', 'reject'],             four('refuse'),                             four('refuse')),
  'lost-before-dot':     row(three('take-back'),                     ['take-back', 'take-back'],       four('same'),                               four('same')),
  'lost-after-dot':      row(three('refuse'),                        ['refuse', 'doubt'],              four('same'),                               four('same')),
  'recovered':           row(three('same'),                          ['take-back', 'doubt'],           four('same'),                               four('same')),
  'given-up':            row(three('give-up'),                       ['refuse', 'refuse'],             four('give-up'),                            four('same')),
  'blocked':             row(three('park'),                          ['park', 'doubt'],                four('note'),                               ['same', 'same', 'note', 'note']),
  'cancelled':           row(three('cancel'),                        ['refuse', 'refuse'],             four('cancel-rest'),                        ['same', 'same', 'refuse', 'cancel']),
  'found-sent':          row(three('hold'),                          ['same', 'same'],                 four('settle-sent'),                        ['same', 'same', 'settle-sent', 'same']),
  'bounced':             row(three('bounce'),                        ['bounce', 'bounce'],             four('bounce'),                             ['same', 'same', 'bounce', 'same']),
  'reported':            row(three('report'),                        ['report', 'report'],             four('report'),                             ['same', 'same', 'report', 'same']),
  'resolved-sent':       row(three('refuse'),                        ['refuse', 'refuse'],             four('settle-sent'),                        ['refuse', 'refuse', 'settle-sent', 'refuse']),
  'resolved-send-again': row(three('refuse'),                        ['refuse', 'refuse'],             four('settle-again'),                       ['refuse', 'refuse', 'settle-again', 'refuse']),
  'retried':             row(['hurry', 'same', 'same'],              ['same', 'same'],                 four('hurry'),                              ['refuse', 'requeue', 'refuse', 'requeue']),
  'filed':               row(three('refuse'),                        ['refuse', 'refuse'],             ['file', 'same', 'same', 'same'],           four('refuse')),
  'copy-verified':       row(three('refuse'),                        ['refuse', 'refuse'],             ['verify', 'verify', 'same', 'same'],       four('refuse')),
  'copies-cleaned':      row(three('refuse'),                        ['refuse', 'refuse'],             ['refuse', 'refuse', 'clean', 'same'],      four('refuse')),
}

export type SendTransition =
  | { readonly rule: 'refuse' }
  | { readonly rule: Exclude<SendRule, 'refuse'>; readonly next: SendState }

/** A consent that was just given. `addresses`: each once; `dueAt`: the end of the undo window, or the chosen hour. */
export function newSend(version: Version, addresses: readonly string[], dueAt: number): SendState {
  return {
    phase: 'queued',
    version,
    recipients: addresses.map((address) => ({ address, status: 'pending', reason: null })),
    dueAt,
    held: null,
    filing: null,
    attempts: 0,
    error: null,
    sentAt: null,
  }
}

/** The only function that makes a next state. Total: it never throws. */
export function sendTransition(state: SendState, event: SendEvent): SendTransition {
  const rule = sendTransitions[event.type][state.phase]
  if (rule === 'refuse' || !hasObject(rule, state, event)) return { rule: 'refuse' }
  return { rule, next: carryOut(rule, state, event) }
}

/** What the user asks for must be about somebody: else it is too late for it. */
function hasObject(rule: SendRule, state: SendState, event: SendEvent): boolean {
  const isAsked = event.type === 'cancelled' || event.type === 'retried' || event.type.startsWith('resolved')
  if (!isAsked) return true
  if (rule === 'cancel-rest' || rule === 'hurry') return hasAny(state, isLeft)
  if (rule === 'settle-sent' || rule === 'settle-again') return hasAny(state, isUnknown)
  return true
}

const foundInSent: SendReason = {
  code: 'FOUND_IN_SENT',
  message: 'A message with the mark of this draft is in Sent already',
}

const interrupted: SendReason = {
  code: 'INTERRUPTED',
  message: 'The program ended before the answer of the server was stored',
}

function carryOut(rule: Exclude<SendRule, 'refuse'>, state: SendState, event: SendEvent): SendState {
  const reason = 'reason' in event ? event.reason : null
  switch (rule) {
    case 'same':
      return state
    case 'check':
      return state.held === null ? { ...state, phase: 'checked' } : state
    case 'resume':
      return state.held === null && hasAny(state, isLeft) ? { ...state, phase: 'frozen' } : state
    case 'hold':
      // Nobody is left: nothing is to be held.
      return hasAny(state, isLeft) ? { ...atRest(state), held: reason ?? foundInSent } : state
    case 'unhold':
      return { ...state, held: null }
    case 'postpone':
      return { ...atRest(state), dueAt: 'until' in event ? event.until : state.dueAt }
    case 'freeze':
      return { ...state, phase: 'frozen' }
    case 'open':
      return event.type === 'opened' ? open(state, event) : state
    case 'mark-dot':
      return { ...state, phase: 'dotting' }
    case 'accept':
      return accepted(attempted(change(state, isInFlight, 'accepted', null)), timeOf(event))
    case 'retry-later': {
      const tried = attempted(change(state, candidates(state), 'temporary', reason))
      return settled({ ...tried, dueAt: 'retryAt' in event ? event.retryAt : state.dueAt, error: reason })
    }
    case 'reject':
      return settled({ ...attempted(change(state, candidates(state), 'refused', reason)), error: reason })
    case 'give-up':
      return hasAny(state, isLeft) ? settled({ ...change(state, isLeft, 'refused', reason), error: reason }) : state
    case 'take-back': {
      const back = atRest(change(state, isInFlight, 'pending', null))
      return event.type === 'lost-before-dot' ? { ...back, dueAt: event.retryAt, error: reason } : back
    }
    case 'doubt': {
      const doubt = reason ?? interrupted
      const unknown = attempted(change(state, isInFlight, 'unknown', doubt))
      return { ...unknown, phase: state.filing ?? 'unknown', error: doubt }
    }
    case 'park': {
      const back = change(state, isInFlight, 'pending', null)
      if (state.filing !== null) return { ...back, phase: state.filing, held: reason, error: reason }
      return { ...back, phase: 'parked', error: reason }
    }
    case 'note':
      return { ...state, error: reason }
    case 'cancel': {
      const given = change(state, isLeft, 'cancelled', null)
      return { ...given, phase: state.filing ?? 'cancelled', held: null }
    }
    case 'cancel-rest':
      return { ...change(state, isLeft, 'cancelled', null), held: null }
    case 'settle-sent':
      return hasAny(state, isUnknown) ? accepted(change(state, isUnknown, 'accepted', null), timeOf(event)) : state
    case 'settle-again':
      return { ...atRest(change(state, isUnknown, 'pending', null)), dueAt: 0, held: null }
    case 'bounce':
      return event.type === 'bounced' ? heard(state, event, 'bounced') : state
    case 'report':
      return event.type === 'reported' ? heard(state, event, 'accepted') : state
    case 'requeue': {
      const again = change(state, ({ status }) => status === 'refused' || isWaiting(status), 'pending', null)
      return { ...atRest(again), dueAt: 0, held: null, error: null }
    }
    case 'hurry':
      return { ...state, dueAt: 0, held: null }
    case 'file':
      return { ...state, phase: 'filed', filing: 'filed' }
    case 'verify':
      return { ...state, phase: 'verified', filing: 'verified' }
    case 'clean':
      return { ...state, phase: 'cleaned', filing: 'cleaned' }
  }
}

type Choice = (recipient: SendRecipient) => boolean

const isInFlight: Choice = ({ status }) => status === 'in-flight'
const isUnknown: Choice = ({ status }) => status === 'unknown'
const isLeft: Choice = ({ status }) => isWaiting(status)

function isWaiting(status: RecipientStatus): boolean {
  return status === 'pending' || status === 'temporary'
}

function hasAny(state: SendState, choice: Choice): boolean {
  return state.recipients.some(choice)
}

/** Whom an answer is about: those in flight; before RCPT all who are left. */
function candidates(state: SendState): Choice {
  return state.phase === 'frozen' ? isLeft : isInFlight
}

function change(state: SendState, choice: Choice, status: RecipientStatus, reason: SendReason | null): SendState {
  const recipients = state.recipients.map((one) => (choice(one) ? { ...one, status, reason } : one))
  return { ...state, recipients }
}

function attempted(state: SendState): SendState {
  return { ...state, attempts: state.attempts + 1 }
}

/** Off the wire, to wait. */
function atRest(state: SendState): SendState {
  return { ...state, phase: state.filing ?? 'queued' }
}

/** After an answer: there is somebody left, or it has failed. */
function settled(state: SendState): SendState {
  if (state.filing !== null || hasAny(state, isLeft)) return atRest(state)
  return { ...state, phase: 'failed' }
}

function accepted(state: SendState, at: number): SendState {
  const filing = state.filing ?? 'accepted'
  return { ...state, phase: filing, filing, sentAt: state.sentAt ?? at, error: null }
}

function timeOf(event: SendEvent): number {
  return 'at' in event ? event.at : 0
}

function open(state: SendState, { verdicts, retryAt }: Extract<SendEvent, { readonly type: 'opened' }>): SendState {
  const byAddress = new Map(verdicts.map((verdict) => [verdict.address, verdict]))
  const recipients = state.recipients.map((one): SendRecipient => {
    const verdict = byAddress.get(one.address)
    if (verdict === undefined || !isLeft(one)) return one
    const status = verdict.kind === 'accepted' ? 'in-flight' : verdict.kind
    return { ...one, status, reason: verdict.kind === 'accepted' ? null : verdict.reason }
  })
  // Who was accepted goes on at once, should the connection end now; only who was put off waits.
  const isPutOff = recipients.some(({ status }) => status === 'temporary')
  const opened: SendState = { ...state, recipients, dueAt: isPutOff ? retryAt : state.dueAt }
  if (hasAny(opened, isInFlight)) return { ...opened, phase: 'transmitting' }
  const reason = recipients.findLast((one) => byAddress.has(one.address))?.reason ?? null
  return settled({ ...attempted(opened), error: reason })
}

function heard(
  state: SendState,
  { address, reason, at }: Extract<SendEvent, { readonly type: 'bounced' | 'reported' }>,
  status: 'bounced' | 'accepted',
): SendState {
  const isMeant: Choice = (one) => one.address === address && (one.status === 'accepted' || one.status === 'unknown')
  const meant = state.recipients.find(isMeant)
  if (meant === undefined) return state
  const told = change(state, isMeant, status, reason)
  if (meant.status !== 'unknown') return told
  // One answer is for all who were in flight together, and before any acceptance there was but one transmission that nobody
  // knows of. After one there may have been several: a report is about its own.
  if (state.phase === 'unknown') return accepted(change(told, isUnknown, 'accepted', null), at)
  return hasAny(told, isUnknown) ? told : { ...told, error: null }
}

export type SendStatus = 'queued' | 'sending' | 'sent' | 'failed' | 'cancelled' | 'unknown'

/** As callers see it. */
export function sendStatusOf({ phase, filing }: Pick<SendState, 'phase' | 'filing'>): SendStatus {
  if (filing !== null) return 'sent'
  switch (phase) {
    case 'queued':
    case 'checked':
    case 'parked':
      return 'queued'
    case 'frozen':
    case 'transmitting':
    case 'dotting':
      return 'sending'
    case 'accepted':
    case 'filed':
    case 'verified':
    case 'cleaned':
      return 'sent'
    case 'cancelled':
    case 'failed':
    case 'unknown':
      return phase
  }
}

/** What the draft is meanwhile: an unknown one stays `sending`, so that nobody edits what may be sent. */
export function draftStatusOf(state: Pick<SendState, 'phase' | 'filing'>): DraftStatus {
  const status = sendStatusOf(state)
  if (status === 'unknown') return 'sending'
  return status === 'failed' || status === 'cancelled' ? 'draft' : status
}

/** What is to be done, so that nothing is forgotten (hazards 22 and 30): a state that asks for nothing is at its end. */
export interface SendWork {
  /** `released` at that time, in milliseconds; null: not by time. */
  readonly releaseAt: number | null
  /** A step on the wire is next. */
  readonly wire: boolean
  /** The copy in Sent, then the copies in Drafts. */
  readonly filing: boolean
  /** Evidence is looked for. */
  readonly evidence: boolean
  /** The user has something to decide. */
  readonly user: boolean
}

export function workOf(state: SendState): SendWork {
  const { phase, held } = state
  const isOnWire = phase === 'checked' || phase === 'frozen' || phase === 'transmitting' || phase === 'dotting'
  const isFiling = phase === 'accepted' || phase === 'filed' || phase === 'verified' || phase === 'cleaned'
  const waits = (phase === 'queued' || isFiling) && hasAny(state, isLeft)
  const doubted = !isOnWire && hasAny(state, isUnknown)
  return {
    releaseAt: waits && held === null ? state.dueAt : null,
    wire: isOnWire,
    filing: isFiling && phase !== 'cleaned',
    evidence: doubted,
    user: phase === 'parked' || doubted || (waits && held !== null),
  }
}
