import type { AccountId, AttemptId, FolderPath, MessageId, Uid, UidValidity, Version } from '../ids.ts'
import type { DraftStatus } from './draft.ts'

/**
 * The state of a draft on the server. This file owns the machine: `transitions` lists every pair of event and
 * situation, `transition` is the only function that makes a next state, and docs/states.md is generated from both.
 */

/**
 * Proof that a message on the server is a copy that we stored: nothing is removed there without one (hazard 7).
 * `messageId` is what the server gave back, as some servers rewrite it.
 */
export interface Receipt {
  readonly accountId: AccountId
  readonly folder: FolderPath
  readonly uidValidity: UidValidity
  readonly uid: Uid
  readonly messageId: MessageId
  readonly version: Version
  readonly attemptId: AttemptId
}

/** Where the newest verified copy of a draft is. */
export type Copies =
  /** No copy that we know of. */
  | { readonly kind: 'local-only' }
  /** `name` is the head revision. `missingSince`: the name vanished, and nothing explains it yet. */
  | { readonly kind: 'synchronized'; readonly name: Receipt; readonly missingSince: number | null }
  /** The copy is of an older revision. Null: it vanished, so that Sent is looked at before the next upload. */
  | { readonly kind: 'stale-server'; readonly anchor: Receipt | null }

export interface DraftState {
  readonly status: DraftStatus
  readonly head: Version
  readonly copies: Copies
  /** Copies of ours that are to go from the server. */
  readonly debts: readonly Receipt[]
}

/** A draft's state, and the account that it belongs to now. */
export interface OwnedState {
  readonly accountId: AccountId
  readonly state: DraftState
}

export type DraftEvent =
  | { readonly type: 'saved'; readonly version: Version }
  /**
   * A copy was stored and verified: of the head, or of an older revision, as the user wrote on while it was on its way.
   * `replaced`: the server removed that copy in the same command.
   */
  | { readonly type: 'uploaded'; readonly receipt: Receipt; readonly replaced: Receipt | null }
  /** A copy of an attempt that had been given up showed up. */
  | { readonly type: 'late-copy'; readonly receipt: Receipt }
  /** A copy vanished while an upload is open that may itself have removed it. */
  | { readonly type: 'vanished-during-attempt' }
  | { readonly type: 'name-vanished'; readonly at: number }
  /** A complete round later the copy is still gone, and it is not in Sent. */
  | { readonly type: 'missing-confirmed' }
  /** The missing name was seen again. */
  | { readonly type: 'name-seen' }
  | { readonly type: 'anchor-vanished' }
  /** A debt was settled by us, or its copy is gone anyway. */
  | { readonly type: 'debt-gone'; readonly receipt: Receipt }
  /** What is still missing of a draft that was taken in with its text alone has come: the same copy, a new revision. */
  | { readonly type: 'completed'; readonly receipt: Receipt }
  /** Somebody's edit of our copy. */
  | { readonly type: 'successor-seen' }
  /** The UIDs of the folder no longer mean what they meant, or the folder is gone. */
  | { readonly type: 'folder-reset'; readonly accountId: AccountId; readonly folder: FolderPath }
  | { readonly type: 'discarded' }
  /** The draft belongs to another account from now on. */
  | { readonly type: 'moved' }
  /** Undo, a failed send, or taken back from the trash, then with a copy of the head that is known to be there. */
  | { readonly type: 'returned'; readonly verified: Receipt | null }
  /** Somebody has consented to send it; or what was about to go waits again. */
  | { readonly type: 'queued' }
  /** Its bytes are fixed, and about to go. */
  | { readonly type: 'sending' }
  /** A server has taken the mail for somebody. */
  | { readonly type: 'sent' }
  /** The copy in Sent was seen: the copies in Drafts may go. */
  | { readonly type: 'filed' }

/** The rows of the table: `uploaded` has two, by the revision that was stored. */
export type DraftEventType = Exclude<DraftEvent['type'], 'uploaded'> | 'uploaded-head' | 'uploaded-older'

type Standing = 'draft' | 'outbox' | 'unwanted'
export type Situation = `${Standing}/${Copies['kind']}`

/** What an event does; `effects` in `transition` carries each out. */
export type Rule =
  /** Nothing to do: the event says nothing new here. */
  | 'same'
  /** 409: what is not a draft is not edited. */
  | 'refuse'
  /** The head moves on. */
  | 'advance'
  /** The head moves on and the name becomes the anchor, so that no sync can resolve a deletion to this draft (hazard 1). */
  | 'break-name'
  /** The copy becomes the name; the older copy a debt. */
  | 'bind'
  /** The copy becomes the anchor if it is the newest; the older of the two a debt. */
  | 'anchor'
  /** The copy becomes a debt. */
  | 'owe'
  /** Decided again when the open attempt is resolved. */
  | 'defer'
  | 'mark-missing'
  | 'unmark-missing'
  /** Into the local trash, with its history. */
  | 'purge'
  /** The head moves on, and the copy is of the new head. */
  | 'complete'
  /** Known copies are forgotten; what is wanted is uploaded again. */
  | 'forget-copies'
  /** The anchor is gone; Sent is looked at before the next upload. */
  | 'lose-anchor'
  | 'settle-debt'
  /** The foreign edit becomes the newest revision; an approval is void. */
  | 'adopt'
  /** Both texts stay, as two drafts. */
  | 'fork'
  /** The send waits, with the reason shown. */
  | 'hold-send'
  /** A new draft, linked to this one. */
  | 'link-new'
  /** Into the trash; every copy becomes a debt. */
  | 'discard'
  /** The copies of the old account become debts; they are paid once the new account has its own. */
  | 'leave-account'
  /** A draft again; bound if a copy of the head was verified. */
  | 'return'
  /** Into the outbox; its copies stay. */
  | 'queue'
  /** About to go; its copies stay. */
  | 'send'
  /** A draft again, with the copies that it has. */
  | 'withdraw'
  /** Sent; its copies stay until the one in Sent was seen. */
  | 'deliver'
  /** Every copy becomes a debt. */
  | 'let-go'

type Row = Readonly<Record<Situation, Rule>>

function row(
  draft: readonly [Rule, Rule, Rule],
  outbox: readonly [Rule, Rule, Rule],
  unwanted: readonly [Rule, Rule, Rule],
): Row {
  return {
    'draft/local-only': draft[0],
    'draft/synchronized': draft[1],
    'draft/stale-server': draft[2],
    'outbox/local-only': outbox[0],
    'outbox/synchronized': outbox[1],
    'outbox/stale-server': outbox[2],
    'unwanted/local-only': unwanted[0],
    'unwanted/synchronized': unwanted[1],
    'unwanted/stale-server': unwanted[2],
  }
}

function all(rule: Rule): readonly [Rule, Rule, Rule] {
  return [rule, rule, rule]
}

/** The table. Columns of each triple: local-only, synchronized, stale-server. Unwanted: discarded, sent. */
// prettier-ignore
export const transitions: Readonly<Record<DraftEventType, Row>> = {
  //                             draft                                    queued, sending                            discarded, sent
  'saved':                   row(['advance', 'break-name', 'advance'],        all('refuse'),                             all('refuse')),
  'uploaded-head':           row(all('bind'),                                 all('bind'),                               all('owe')),
  'uploaded-older':          row(['anchor', 'owe', 'anchor'],                 ['anchor', 'owe', 'anchor'],               all('owe')),
  'late-copy':               row(all('owe'),                                  all('owe'),                                all('owe')),
  'vanished-during-attempt': row(all('defer'),                                all('defer'),                              all('defer')),
  'name-vanished':           row(['same', 'mark-missing', 'same'],            ['same', 'forget-copies', 'same'],         ['same', 'forget-copies', 'same']),
  'missing-confirmed':       row(['same', 'purge', 'same'],                   ['same', 'forget-copies', 'same'],         ['same', 'forget-copies', 'same']),
  'name-seen':               row(['same', 'unmark-missing', 'same'],          ['same', 'unmark-missing', 'same'],        ['same', 'unmark-missing', 'same']),
  'anchor-vanished':         row(['same', 'same', 'lose-anchor'],             ['same', 'same', 'lose-anchor'],           ['same', 'same', 'forget-copies']),
  'debt-gone':               row(all('settle-debt'),                          all('settle-debt'),                        all('settle-debt')),
  'completed':               row(all('complete'),                             all('complete'),                           all('complete')),
  'successor-seen':          row(['fork', 'adopt', 'fork'],                   all('hold-send'),                          all('link-new')),
  'folder-reset':            row(all('forget-copies'),                        all('forget-copies'),                      all('forget-copies')),
  'discarded':               row(all('discard'),                              all('refuse'),                             all('refuse')),
  'moved':                   row(all('leave-account'),                        all('refuse'),                             all('refuse')),
  'returned':                row(all('same'),                                 all('withdraw'),                           all('return')),
  'queued':                  row(all('queue'),                                all('queue'),                              all('refuse')),
  'sending':                 row(all('refuse'),                               all('send'),                               all('refuse')),
  'sent':                    row(all('refuse'),                               all('deliver'),                            all('same')),
  'filed':                   row(all('refuse'),                               all('refuse'),                             all('let-go')),
}

export function situationOf(state: Pick<DraftState, 'status' | 'copies'>): Situation {
  return `${standingOf(state.status)}/${state.copies.kind}`
}

function standingOf(status: DraftStatus): Standing {
  switch (status) {
    case 'draft':
      return 'draft'
    case 'queued':
    case 'sending':
      return 'outbox'
    case 'discarded':
    case 'sent':
      return 'unwanted'
  }
}

export type Transition =
  | { readonly rule: 'refuse' }
  | { readonly rule: Exclude<Rule, 'refuse'>; readonly next: DraftState }

/** The only function that makes a next state. Total: it never throws. */
export function transition(state: DraftState, event: DraftEvent): Transition {
  const rule: Rule = transitions[rowOf(state, event)][situationOf(state)]
  if (rule === 'refuse') return { rule }
  return { rule, next: carryOut(rule, state, event) }
}

function rowOf(state: DraftState, event: DraftEvent): DraftEventType {
  if (event.type !== 'uploaded') return event.type
  return event.receipt.version === state.head ? 'uploaded-head' : 'uploaded-older'
}

function carryOut(rule: Exclude<Rule, 'refuse'>, state: DraftState, event: DraftEvent): DraftState {
  const { copies } = state
  switch (rule) {
    // What a successor asks for (a revision, a fork, a hold, a link) is made beside the state, which itself stays.
    case 'same':
    case 'defer':
    case 'adopt':
    case 'fork':
    case 'hold-send':
    case 'link-new':
      return state
    case 'advance':
      return event.type === 'saved' ? { ...state, head: event.version } : state
    case 'break-name': {
      if (event.type !== 'saved' || copies.kind !== 'synchronized') return state
      // A name already missing is no anchor: nothing on the server could be replaced or quoted by CATENATE.
      const anchor = copies.missingSince === null ? copies.name : null
      return { ...state, head: event.version, copies: { kind: 'stale-server', anchor } }
    }
    case 'bind': {
      if (event.type !== 'uploaded') return state
      const older = newestCopy(copies)
      const bound: DraftState = { ...state, copies: { kind: 'synchronized', name: event.receipt, missingSince: null } }
      return owe(withoutDebt(bound, event.receipt), older, [event.receipt, event.replaced])
    }
    case 'anchor': {
      if (event.type !== 'uploaded') return state
      const older = newestCopy(copies)
      if (older !== null && older.version > event.receipt.version) return owe(state, event.receipt, [older])
      const anchored: DraftState = { ...state, copies: { kind: 'stale-server', anchor: event.receipt } }
      return owe(withoutDebt(anchored, event.receipt), older, [event.receipt, event.replaced])
    }
    case 'owe':
      if (event.type !== 'uploaded' && event.type !== 'late-copy') return state
      return owe(state, event.receipt, [newestCopy(copies)])
    case 'mark-missing':
      if (event.type !== 'name-vanished' || copies.kind !== 'synchronized') return state
      return { ...state, copies: { ...copies, missingSince: copies.missingSince ?? event.at } }
    case 'unmark-missing':
      return copies.kind === 'synchronized' ? { ...state, copies: { ...copies, missingSince: null } } : state
    case 'purge':
      // Only a copy that is marked missing is gone beyond doubt.
      if (copies.kind !== 'synchronized' || copies.missingSince === null) return state
      return { ...state, status: 'discarded', copies: { kind: 'local-only' } }
    case 'forget-copies': {
      const newest = newestCopy(copies)
      if (event.type !== 'folder-reset') return { ...state, copies: { kind: 'local-only' } }
      const gone = (receipt: Receipt): boolean =>
        receipt.accountId === event.accountId && receipt.folder === event.folder
      return {
        ...state,
        copies: newest !== null && gone(newest) ? { kind: 'local-only' } : copies,
        debts: state.debts.filter((debt) => !gone(debt)),
      }
    }
    case 'lose-anchor':
      return { ...state, copies: { kind: 'stale-server', anchor: null } }
    case 'complete': {
      if (event.type !== 'completed') return state
      const moved: DraftState = { ...state, head: event.receipt.version }
      // Where somebody has let go of the copy meanwhile, only the text moves on.
      if (copies.kind !== 'synchronized' || !sameCopy(copies.name, event.receipt)) return moved
      return { ...moved, copies: { ...copies, name: event.receipt } }
    }
    case 'settle-debt':
      return event.type === 'debt-gone' ? withoutDebt(state, event.receipt) : state
    case 'leave-account':
      return owe({ ...state, copies: { kind: 'local-only' } }, newestCopy(copies), [])
    case 'discard':
      return owe({ ...state, status: 'discarded', copies: { kind: 'local-only' } }, newestCopy(copies), [])
    case 'return': {
      if (event.type !== 'returned') return state
      const { verified } = event
      const returned: DraftState = {
        ...state,
        status: 'draft',
        copies:
          verified === null ? { kind: 'local-only' } : { kind: 'synchronized', name: verified, missingSince: null },
      }
      const settled = verified === null ? returned : withoutDebt(returned, verified)
      return owe(settled, newestCopy(copies), [verified])
    }
    case 'queue':
      return { ...state, status: 'queued' }
    case 'send':
      return { ...state, status: 'sending' }
    case 'withdraw':
      return { ...state, status: 'draft' }
    case 'deliver':
      return { ...state, status: 'sent' }
    case 'let-go':
      return owe({ ...state, copies: { kind: 'local-only' } }, newestCopy(copies), [])
  }
}

/** The newest verified copy: the name, or the anchor. */
export function newestCopy(copies: Copies): Receipt | null {
  switch (copies.kind) {
    case 'local-only':
      return null
    case 'synchronized':
      return copies.name
    case 'stale-server':
      return copies.anchor
  }
}

/** The same message on the server: the triple that RFC 3501 §2.3.1.1 promises to be one message for ever. */
export function sameCopy(a: Receipt | null, b: Receipt | null): boolean {
  if (a === null || b === null || a.accountId !== b.accountId || a.folder !== b.folder) return false
  return a.uidValidity === b.uidValidity && a.uid === b.uid
}

/** Adds a debt unless there is nothing to owe, it is owed already, or it is one of `kept`. */
function owe(state: DraftState, receipt: Receipt | null, kept: readonly (Receipt | null)[]): DraftState {
  if (receipt === null || [...kept, ...state.debts].some((other) => sameCopy(other, receipt))) return state
  return { ...state, debts: [...state.debts, receipt] }
}

function withoutDebt(state: DraftState, receipt: Receipt): DraftState {
  return { ...state, debts: state.debts.filter((debt) => !sameCopy(debt, receipt)) }
}

/**
 * May a debt be paid? What a moved draft left in its old account stays there until the new account has its copy: at no
 * moment the draft is nowhere.
 */
export function isPayable(debt: Receipt, { accountId, state }: OwnedState): boolean {
  if (debt.accountId === accountId || standingOf(state.status) === 'unwanted') return true
  return state.copies.kind === 'synchronized'
}

/** There is work for `draft_upload`: text to bring to the server, or copies to remove from it. */
export function needsUpload(state: DraftState): boolean {
  return state.debts.length > 0 || (isUploaded(state.status) && state.copies.kind !== 'synchronized')
}

/** What is about to go, or may have gone, is not brought to Drafts any more: it would be a ghost there (hazard 20). */
export function isUploaded(status: DraftStatus): boolean {
  return status === 'draft' || status === 'queued'
}
