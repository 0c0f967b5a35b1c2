import type { Mailbox } from './mailbox.ts'
import type { Uid } from './message.ts'
import type { MailStore } from './store.ts'

const hasUse = ({ specialUse }: Mailbox, ...uses: readonly string[]): boolean =>
  specialUse.some((use) => uses.includes(use))

/** UIDs in another mailbox of the messages that have the same octets as these. */
const sameIn = (target: Mailbox, source: Mailbox, uids: readonly Uid[]): readonly Uid[] => {
  const blobs = new Set(uids.flatMap((uid) => source.get(uid)?.blob ?? []))
  return target.messages().flatMap(({ uid, blob }) => (blobs.has(blob) ? [uid] : []))
}

/**
 * A store in which mailboxes are labels, as on Gmail: what comes into one is in the mailbox with `\All` too, and EXPUNGE takes
 * the label away and leaves it there. In `\Trash` and `\Junk` a message has no other label, and EXPUNGE ends it.
 */
export function createLabelStore(store: MailStore): MailStore {
  const allOf = (mailbox: Mailbox): Mailbox | undefined =>
    store.mailboxes(mailbox.user).find((each) => hasUse(each, '\\All'))

  function addToAll(mailbox: Mailbox, uids: readonly Uid[]): void {
    const all = allOf(mailbox)
    if (all === undefined || hasUse(mailbox, '\\All', '\\Trash', '\\Junk')) return
    const missing = uids.filter((uid) => sameIn(all, mailbox, [uid]).length === 0)
    if (missing.length > 0) store.copy(mailbox, missing, all)
  }
  function takeFromOthers(mailbox: Mailbox, uids: readonly Uid[]): void {
    for (const other of store.mailboxes(mailbox.user)) {
      if (other.id !== mailbox.id) store.expunge(other, sameIn(other, mailbox, uids))
    }
  }

  return {
    ...store,
    append: (mailbox, message, replacing) => {
      const outcome = store.append(mailbox, message, replacing)
      if (outcome.ok) addToAll(mailbox, [outcome.value])
      return outcome
    },
    copy: (source, uids, target) => {
      const outcome = store.copy(source, uids, target)
      if (outcome.ok) {
        const copied = outcome.value.map(({ to }) => to)
        if (hasUse(target, '\\Trash', '\\Junk')) takeFromOthers(target, copied)
        else addToAll(target, copied)
      }
      return outcome
    },
    move: (source, uids, target) => {
      const outcome = store.move(source, uids, target)
      if (outcome.ok) {
        const moved = outcome.value.map(({ to }) => to)
        if (hasUse(target, '\\Trash', '\\Junk')) takeFromOthers(target, moved)
        else addToAll(target, moved)
      }
      return outcome
    },
  }
}
