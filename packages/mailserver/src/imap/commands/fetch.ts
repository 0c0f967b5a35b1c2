import { hasFlag } from '../../store/message.ts'
import { no, ok, viewOf, type Call, type Reply, type SessionContext } from '../context.ts'
import { formatFetchItem, readFetchItems, UnknownEncoding, type FetchItem } from '../fetch-item.ts'
import type { Piece } from '../format.ts'
import { selectMessages } from '../message-set.ts'
import { sendVanishedEarlier } from '../resync.ts'
import { ImapSyntaxError, type Scanner } from '../scanner.ts'
import { parseSequenceSet } from '../sequence-set.ts'
import type { View, ViewEntry } from '../view.ts'

type Modifiers = { readonly changedSince: number | undefined; readonly vanished: boolean }

/** ` (CHANGEDSINCE n VANISHED)` (RFC 7162 §3.1.4.1, §3.2.6). */
function readModifiers(context: SessionContext, args: Scanner, uid: boolean): Modifiers {
  if (!context.capabilities.has('CONDSTORE') || !args.skip(' ')) return { changedSince: undefined, vanished: false }
  let changedSince: number | undefined
  let vanished = false
  args.list(() => {
    const name = args.word()
    if (name === 'CHANGEDSINCE') {
      args.space()
      changedSince = args.number()
    } else if (name === 'VANISHED' && context.capabilities.has('QRESYNC')) vanished = true
    else throw new ImapSyntaxError(`Unknown FETCH modifier ${name}`)
  })
  if (vanished && !context.qresync) throw new ImapSyntaxError('QRESYNC is not enabled')
  if (vanished && (!uid || changedSince === undefined)) {
    throw new ImapSyntaxError('VANISHED needs UID FETCH and CHANGEDSINCE')
  }
  return { changedSince, vanished }
}

const isRead = ({ kind }: FetchItem): boolean => kind === 'section' || kind === 'binary' || kind === 'binary-size'

/** What is asked, and what comes with it unasked. */
function withImplied(asked: readonly FetchItem[], uid: boolean, modifiers: Modifiers): readonly FetchItem[] {
  const has = (kind: FetchItem['kind']): boolean => asked.some((item) => item.kind === kind)
  const items = [...asked]
  if (uid && !has('uid')) items.unshift({ kind: 'uid' })
  if (modifiers.changedSince !== undefined && !has('modseq')) items.push({ kind: 'modseq' })
  return items
}

/** One FETCH response, without what has an unknown transfer encoding. */
export function sendFetch(
  context: SessionContext,
  view: View,
  sequence: number,
  entry: ViewEntry,
  items: readonly FetchItem[],
): typeof UnknownEncoding | undefined {
  const expunged = view.mailbox.get(entry.uid) === undefined
  const line: Piece[] = []
  let outcome: typeof UnknownEncoding | undefined
  let separator = ''
  for (const item of items) {
    const formatted = formatFetchItem(item, entry, view, expunged, context.store)
    if (formatted === UnknownEncoding) {
      outcome = UnknownEncoding
      continue
    }
    line.push(separator, ...formatted)
    separator = ' '
  }
  context.untagged(`${sequence} FETCH (`, ...line, ')')
  return outcome
}

/** RFC 3501 §6.4.5. */
export function fetch({ context, args, uid }: Call): Reply {
  const view = viewOf(context)
  const set = args.sequenceText()
  args.space()
  const asked = readFetchItems(args, context.capabilities)
  const modifiers = readModifiers(context, args, uid)
  args.end()
  const { changedSince } = modifiers
  const items = withImplied(asked, uid, modifiers)
  if (items.some(({ kind }) => kind === 'modseq')) context.useCondstore()
  const chosen = selectMessages(view, set, uid)
  const entries =
    changedSince === undefined
      ? chosen
      : chosen.filter(({ uid: each, message }) => (view.mailbox.get(each) ?? message).modseq > changedSince)
  if (modifiers.vanished) sendVanishedEarlier(context, view.mailbox, changedSince ?? 0, parseSequenceSet(set))
  const marksSeen = !view.readOnly && items.some((item) => 'marksSeen' in item && item.marksSeen)

  if (marksSeen) {
    const unseen = entries
      .flatMap(({ uid: each }) => view.mailbox.get(each) ?? [])
      .filter((message) => !hasFlag(message, '\\Seen'))
    context.store.setFlags(
      view.mailbox,
      unseen.map((message) => ({ uid: message.uid, flags: [...message.flags, '\\Seen'] })),
    )
  }
  let anyExpunged = false
  let anyUnknown = false
  for (const { uid: each, message: before } of entries) {
    const expunged = view.mailbox.get(each) === undefined
    const sequence = view.sequenceOf(each)
    if (sequence === undefined) continue
    // The flags that this response tells are the newest: they need not be told again.
    const asksFlags = items.some(({ kind }) => kind === 'flags')
    const becameSeen = marksSeen && !expunged && !hasFlag(before, '\\Seen')
    if (asksFlags || becameSeen) view.markSeen(each)
    const entry = view.at(sequence)
    if (entry === undefined) continue
    if (expunged && items.some(isRead)) anyExpunged = true
    const told: readonly FetchItem[] = becameSeen && !asksFlags ? [{ kind: 'flags' }, ...items] : items
    if (sendFetch(context, view, sequence, entry, told) === UnknownEncoding) anyUnknown = true
  }
  if (anyUnknown) return no('A part has an unknown transfer encoding', 'UNKNOWN-CTE')
  return anyExpunged ? ok('Some messages were already expunged', 'EXPUNGEISSUED') : ok('Fetch completed')
}
