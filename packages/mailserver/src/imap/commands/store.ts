import { no, ok, viewOf, type Call, type Reply } from '../context.ts'
import { readFlag } from '../flags.ts'
import { selectMessages } from '../message-set.ts'
import { ImapSyntaxError, type Scanner } from '../scanner.ts'
import type { FlagChange } from '../../store/store.ts'

function readFlags(args: Scanner): readonly string[] {
  if (args.peek() === '(') return args.list(() => readFlag(args))
  const flags = [readFlag(args)]
  while (args.skip(' ')) flags.push(readFlag(args))
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

/** RFC 3501 §6.4.6. The FETCH responses come with the updates behind the command: one for each message that changed. */
export function store({ context, args, uid }: Call): Reply {
  const view = viewOf(context)
  const set = args.sequenceText()
  args.space()
  const item = /^([+-]?)FLAGS(\.SILENT)?$/u.exec(args.takeWhile(/[A-Za-z.+-]/u).toUpperCase())
  if (item === null) throw new ImapSyntaxError('Expected FLAGS')
  args.space()
  const given = readFlags(args)
  args.end()
  if (view.readOnly) return no('Mailbox is read-only')

  const changes = selectMessages(view, set, uid).flatMap((entry): readonly FlagChange[] => {
    const message = view.mailbox.get(entry.uid)
    if (message === undefined) return []
    const flags = combined(item[1] ?? '', message.flags, given)
    return sameFlags(flags, message.flags) ? [] : [{ uid: message.uid, flags }]
  })
  // A message whose flags somebody else has changed meanwhile is news even to a silent client.
  const silent = item[2] !== undefined ? changes.filter((change) => upToDate(view, change.uid)) : []
  context.store.setFlags(view.mailbox, changes)
  for (const change of silent) view.markSeen(change.uid)
  return ok('Store completed')
}

function upToDate(view: ReturnType<typeof viewOf>, uid: FlagChange['uid']): boolean {
  const sequence = view.sequenceOf(uid)
  return sequence !== undefined && view.at(sequence)?.message === view.mailbox.get(uid)
}
