import { no, ok, userOf, type Call, type Reply, type SessionContext } from '../context.ts'
import { eventsFor, readNotifySettings, supportedEvents, UnsupportedEvent } from '../notify.ts'
import type { Mailbox } from '../../store/mailbox.ts'
import { ImapSyntaxError } from '../scanner.ts'
import { sendStatus, type StatusItem } from './mailboxes.ts'

/** What a client that does not have the mailbox selected needs to know of a change (RFC 5465 §5.2, §5.3). */
export function sendMailboxNews(context: SessionContext, mailbox: Mailbox): void {
  const items: readonly StatusItem[] = ['MESSAGES', 'UIDNEXT', 'UIDVALIDITY', 'UNSEEN']
  sendStatus(context, mailbox, context.condstore ? [...items, 'HIGHESTMODSEQ'] : items)
}

/** RFC 5465 §3. */
export function notify({ context, args }: Call): Reply {
  const word = args.word()
  if (word === 'NONE') {
    args.end()
    context.setNotify(undefined)
    return ok('Notify completed')
  }
  if (word !== 'SET') throw new ImapSyntaxError('Expected SET or NONE')
  try {
    const settings = readNotifySettings(args, context.capabilities)
    args.end()
    context.setNotify(settings)
    if (settings.status) {
      for (const mailbox of context.store.mailboxes(userOf(context))) {
        const events = eventsFor(settings, context.store, mailbox)
        if (events?.messages === true && mailbox !== context.view?.mailbox) sendMailboxNews(context, mailbox)
      }
    }
    return ok('Notify completed')
  } catch (error) {
    if (error instanceof UnsupportedEvent) return no(error.message, `BADEVENT (${supportedEvents})`)
    throw error
  }
}
