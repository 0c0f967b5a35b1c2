import { hasFlag } from '../../store/message.ts'
import type { CopiedUid } from '../../store/store.ts'
import { no, ok, userOf, viewOf, type Call, type Reply, type SessionContext } from '../context.ts'
import { selectMessages } from '../message-set.ts'
import type { View } from '../view.ts'
import { formatSequence, inSequenceSet, parseSequenceSet } from '../sequence-set.ts'

const copyUid = (uidValidity: number, copied: readonly CopiedUid[]): string =>
  `COPYUID ${uidValidity} ${formatSequence(copied.map(({ from }) => from))} ${formatSequence(copied.map(({ to }) => to))}`

function transfer({ context, args, uid }: Call, moving: boolean): Reply {
  const view = viewOf(context)
  const set = args.sequenceText()
  args.space()
  const name = args.mailbox()
  args.end()
  const entries = selectMessages(view, set, uid)
  const target = context.store.find(userOf(context), name)
  if (target === undefined) return no('Mailbox does not exist', 'TRYCREATE')
  if (moving && view.readOnly) return no('Mailbox is read-only')
  const uids = entries.map((entry) => entry.uid)
  if (uids.length === 0) return ok('No messages found')
  // All or nothing (RFC 3501 §6.4.7): what another session has expunged cannot be copied any more.
  if (uids.some((each) => view.mailbox.get(each) === undefined)) {
    return no('Some of the requested messages no longer exist', 'EXPUNGEISSUED')
  }
  const { store, capabilities } = context
  const outcome = moving ? store.move(view.mailbox, uids, target) : store.copy(view.mailbox, uids, target)
  if (!outcome.ok) return no('Quota exceeded', 'OVERQUOTA')
  const code = capabilities.has('UIDPLUS') ? copyUid(target.uidValidity, outcome.value) : undefined
  if (!moving) return ok('Copy completed', code)
  // Before the EXPUNGE responses, while the source UIDs still mean something (RFC 6851 §4.3).
  if (code !== undefined) context.untagged(`OK [${code}] Moved UIDs`)
  return ok('Move completed', newModseq(context, view))
}

/** A client of QRESYNC that loses messages learns up to where it knows the mailbox now (RFC 7162 §3.2.9). */
const newModseq = ({ qresync }: SessionContext, { mailbox }: View): string | undefined =>
  qresync ? `HIGHESTMODSEQ ${mailbox.modseq}` : undefined

/** RFC 3501 §6.4.7. */
export const copy = (call: Call): Reply => transfer(call, false)

/** RFC 6851. */
export const move = (call: Call): Reply => transfer(call, true)

/** RFC 3501 §6.4.3; UID EXPUNGE: RFC 4315 §2.1. The EXPUNGE responses come with the updates behind the command. */
export function expunge({ context, args, uid }: Call): Reply {
  const view = viewOf(context)
  let inSet: ((value: number) => boolean) | undefined
  if (uid) {
    inSet = inSequenceSet(parseSequenceSet(args.sequenceText()), view.entries().at(-1)?.uid ?? 0)
  }
  args.end()
  if (view.readOnly) return no('Mailbox is read-only')
  const doomed = view.mailbox
    .messages()
    .filter((message) => (inSet?.(message.uid) ?? true) && hasFlag(message, '\\Deleted'))
  context.store.expunge(
    view.mailbox,
    doomed.map((message) => message.uid),
  )
  return ok('Expunge completed', doomed.length === 0 ? undefined : newModseq(context, view))
}
