import type { Mailbox } from '../store/mailbox.ts'
import type { MailboxId } from '../store/message.ts'
import type { MailStore } from '../store/store.ts'
import { eventsFor, type NotifySettings } from './notify.ts'

/** Watches the mailboxes that a client has not selected and wants to hear of (RFC 5465). */
export type Watcher = {
  set(user: string, settings: NotifySettings | undefined): void
  /** Mailboxes may have come since. */
  refresh(): void
}

type Seen = { readonly uidNext: number; readonly count: number }

const seenOf = (mailbox: Mailbox): Seen => ({ uidNext: mailbox.uidNext, count: mailbox.messages().length })

/** `tell` is called once for each change that a client wants to hear of. */
export function createWatcher(store: MailStore, tell: (mailbox: Mailbox) => void): Watcher {
  const watched = new Map<MailboxId, () => void>()
  let current: { readonly user: string; readonly settings: NotifySettings } | undefined

  function watch(mailbox: Mailbox): void {
    let before = seenOf(mailbox)
    const unsubscribe = mailbox.subscribe((event) => {
      if (event === 'deleted') {
        stop(mailbox.id)
        return
      }
      const now = seenOf(mailbox)
      const moved = event === 'uid-validity-reset' || now.uidNext !== before.uidNext || now.count !== before.count
      before = now
      // Looked up anew each time: a subscription or a name may have changed.
      const events = current === undefined ? undefined : eventsFor(current.settings, store, mailbox)
      if (events !== undefined && (moved ? events.messages : events.flags)) tell(mailbox)
    })
    watched.set(mailbox.id, unsubscribe)
  }
  function stop(id: MailboxId): void {
    watched.get(id)?.()
    watched.delete(id)
  }
  function refresh(): void {
    if (current === undefined) return
    for (const mailbox of store.mailboxes(current.user)) if (!watched.has(mailbox.id)) watch(mailbox)
  }

  return {
    set: (user, settings) => {
      for (const id of watched.keys()) stop(id)
      current = settings === undefined ? undefined : { user, settings }
      refresh()
    },
    refresh,
  }
}
