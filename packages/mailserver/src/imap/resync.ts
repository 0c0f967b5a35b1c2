import type { Mailbox } from '../store/mailbox.ts'
import type { SessionContext } from './context.ts'
import { formatFlags } from './flags.ts'
import { ImapSyntaxError, type Scanner } from './scanner.ts'
import { formatSequence, inSequenceSet, parseSequenceSet, type SequenceSet } from './sequence-set.ts'
import type { View } from './view.ts'

/** What a client of QRESYNC knows of a mailbox (RFC 7162 §3.2.5). */
export type Resync = {
  readonly uidValidity: number
  readonly modseq: number
  /** Undefined: all. */
  readonly knownUids: SequenceSet | undefined
}

type SelectParameters = { readonly condstore: boolean; readonly resync: Resync | undefined }

/** ` (CONDSTORE)` or ` (QRESYNC (…))` behind the mailbox of a SELECT (RFC 7162 §3.1.8, §3.2.5). */
export function readSelectParameters(context: SessionContext, args: Scanner): SelectParameters {
  if (!context.capabilities.has('CONDSTORE') || !args.skip(' ')) return { condstore: false, resync: undefined }
  let resync: Resync | undefined
  const names = args.list(() => {
    const name = args.word()
    if (name === 'QRESYNC' && context.capabilities.has('QRESYNC')) {
      if (!context.qresync) throw new ImapSyntaxError('QRESYNC is not enabled')
      args.space()
      resync = readResync(args)
    } else if (name !== 'CONDSTORE') throw new ImapSyntaxError(`Unknown SELECT parameter ${name}`)
    return name
  })
  return { condstore: names.length > 0, resync }
}

function readResync(args: Scanner): Resync {
  args.expect('(')
  const uidValidity = args.number()
  args.space()
  const modseq = args.number()
  let knownUids: SequenceSet | undefined
  let more = args.skip(' ')
  if (more && args.peek() !== '(') {
    knownUids = parseSequenceSet(args.sequenceText())
    more = args.skip(' ')
  }
  if (more) {
    // Sequence numbers and their UIDs help a server that has forgotten what vanished. This one has not.
    args.expect('(')
    args.sequenceText()
    args.space()
    args.sequenceText()
    args.expect(')')
  }
  args.expect(')')
  return { uidValidity, modseq, knownUids }
}

/** `* VANISHED (EARLIER) …` for those of these UIDs that went after the modseq (RFC 7162 §3.2.10). */
export function sendVanishedEarlier(
  context: SessionContext,
  mailbox: Mailbox,
  modseq: number,
  uids: SequenceSet | undefined,
): void {
  const asked = uids === undefined ? () => true : inSequenceSet(uids, mailbox.uidNext - 1)
  const gone = mailbox.vanishedSince(modseq).filter((uid) => asked(uid))
  if (gone.length > 0) context.untagged(`VANISHED (EARLIER) ${formatSequence(gone)}`)
}

/** What has happened in a mailbox since the client was there last; nothing if its UIDs are void. */
export function sendChangesSince(context: SessionContext, view: View, resync: Resync): void {
  const { mailbox } = view
  if (mailbox.uidValidity !== resync.uidValidity) return
  const { modseq, knownUids } = resync
  sendVanishedEarlier(context, mailbox, modseq, knownUids)
  const asked = knownUids === undefined ? () => true : inSequenceSet(knownUids, mailbox.uidNext - 1)
  for (const [index, { uid, message }] of view.entries().entries()) {
    if (message.modseq <= modseq || !asked(uid)) continue
    context.untagged(`${index + 1} FETCH (UID ${uid} FLAGS ${formatFlags(message, view)} MODSEQ (${message.modseq}))`)
  }
}
