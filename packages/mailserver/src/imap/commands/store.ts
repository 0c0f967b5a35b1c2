import { no, ok, viewOf, type Call, type Reply, type SessionContext } from '../context.ts'
import { readFlag } from '../flags.ts'
import { selectMessages } from '../message-set.ts'
import { ImapSyntaxError, type Scanner } from '../scanner.ts'
import { formatSequence } from '../sequence-set.ts'
import type { View } from '../view.ts'
import type { Uid } from '../../store/message.ts'
import type { FlagChange } from '../../store/store.ts'

function readFlags(context: SessionContext, args: Scanner): readonly string[] {
  if (args.peek() === '(') return args.list(() => readFlag(args, context.quirks))
  const flags = [readFlag(args, context.quirks)]
  while (args.skip(' ')) flags.push(readFlag(args, context.quirks))
  return flags
}

const lower = (flags: readonly string[]): ReadonlySet<string> => new Set(flags.map((flag) => flag.toLowerCase()))

function combined(sign: string, old: readonly string[], given: readonly string[]): readonly string[] {
  switch (sign) {
    case '+':
      return [...old, ...given]
    case '-':
      return old.filter((flag) => !lower(given).has(flag.toLowerCase()))
    default:
      return given
  }
}

const sameFlags = (a: readonly string[], b: readonly string[]): boolean => {
  const left = lower(a)
  const right = lower(b)
  return left.size === right.size && [...left].every((flag) => right.has(flag))
}

/** `(UNCHANGEDSINCE n) ` (RFC 7162 §3.1.3). */
function readUnchangedSince(context: SessionContext, args: Scanner): number | undefined {
  if (!context.capabilities.has('CONDSTORE') || args.peek() !== '(') return undefined
  let modseq: number | undefined
  args.list(() => {
    const name = args.word()
    if (name !== 'UNCHANGEDSINCE') throw new ImapSyntaxError(`Unknown STORE modifier ${name}`)
    args.space()
    modseq = args.number()
  })
  args.space()
  return modseq
}

function sendModseq(context: SessionContext, view: View, of: Uid, uid: boolean): void {
  const message = view.mailbox.get(of)
  const sequence = view.sequenceOf(of)
  if (message === undefined || sequence === undefined) return
  context.untagged(`${sequence} FETCH (${uid || context.qresync ? `UID ${of} ` : ''}MODSEQ (${message.modseq}))`)
}

/** RFC 3501 §6.4.6. The FETCH responses come with the updates behind the command: one for each message that changed. */
export function store({ context, args, uid }: Call): Reply {
  const view = viewOf(context)
  const set = args.sequenceText()
  args.space()
  const unchangedSince = readUnchangedSince(context, args)
  if (unchangedSince !== undefined) context.useCondstore()
  const item = /^([+-]?)FLAGS(\.SILENT)?$/u.exec(args.takeWhile(/[A-Za-z.+-]/u).toUpperCase())
  if (item === null) throw new ImapSyntaxError('Expected FLAGS')
  args.space()
  const given = readFlags(context, args)
  args.end()
  if (view.readOnly) return no('Mailbox is read-only')

  const modified: number[] = []
  const changes = selectMessages(view, set, uid).flatMap((entry): readonly FlagChange[] => {
    const message = view.mailbox.get(entry.uid)
    if (message === undefined) return []
    if (unchangedSince !== undefined && message.modseq > unchangedSince) {
      modified.push(uid ? entry.uid : (view.sequenceOf(entry.uid) ?? 0))
      return []
    }
    const flags = combined(item[1] ?? '', message.flags, given)
    return sameFlags(flags, message.flags) ? [] : [{ uid: message.uid, flags }]
  })
  // A message whose flags somebody else has changed meanwhile is news even to a silent client.
  const silent = item[2] !== undefined ? changes.filter((change) => upToDate(view, change.uid)) : []
  context.store.setFlags(view.mailbox, changes)
  for (const change of silent) {
    view.markSeen(change.uid)
    // What it has set itself a client knows, but not the modseq that this has now (RFC 7162 §3.1.3).
    if (context.condstore) sendModseq(context, view, change.uid, uid)
  }
  return modified.length === 0
    ? ok('Store completed')
    : ok('Some messages have changed meanwhile', `MODIFIED ${formatSequence(modified)}`)
}

function upToDate(view: ReturnType<typeof viewOf>, uid: FlagChange['uid']): boolean {
  const sequence = view.sequenceOf(uid)
  return sequence !== undefined && view.at(sequence)?.message === view.mailbox.get(uid)
}
