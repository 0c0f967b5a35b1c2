import { ImapSyntaxError } from './scanner.ts'
import { inSequenceSet, parseSequenceSet } from './sequence-set.ts'
import type { View, ViewEntry } from './view.ts'

/**
 * The messages of a set of sequence numbers or UIDs. A sequence number beyond the mailbox is an error of the client; a UID
 * that is not there is simply not there (RFC 3501 §6.4.8).
 */
export function selectMessages(view: View, text: string, uid: boolean): readonly ViewEntry[] {
  const set = parseSequenceSet(text)
  const entries = view.entries()
  if (uid) {
    const inSet = inSequenceSet(set, entries.at(-1)?.uid ?? 0)
    return entries.filter((entry) => inSet(entry.uid))
  }
  for (const { from, to } of set) {
    for (const bound of [from, to]) {
      const number = bound === '*' ? view.count : bound
      if (number < 1 || number > view.count) throw new ImapSyntaxError('Invalid message set')
    }
  }
  const inSet = inSequenceSet(set, view.count)
  return entries.filter((_, index) => inSet(index + 1))
}
