import type { CapabilitySet } from '../capabilities.ts'
import type { Mailbox } from '../store/mailbox.ts'
import { isChildOf } from '../store/names.ts'
import type { MailStore } from '../store/store.ts'
import { readFetchItems, type FetchItem } from './fetch-item.ts'
import { ImapSyntaxError, type Scanner } from './scanner.ts'

/** What a client wants to hear of without asking (RFC 5465). */
export type NotifySettings = {
  /** Send STATUS of all other mailboxes at once. */
  readonly status: boolean
  readonly selected: NotifyEvents | undefined
  /** The first whose filter a mailbox passes decides. */
  readonly groups: readonly { readonly filter: MailboxFilter; readonly events: NotifyEvents }[]
}

export type NotifyEvents = {
  readonly messages: boolean
  readonly flags: boolean
  /** What is told of a new message in the selected mailbox. */
  readonly fetch: readonly FetchItem[]
}

type MailboxFilter =
  | { readonly kind: 'personal' | 'inboxes' | 'subscribed' }
  | { readonly kind: 'subtree' | 'mailboxes'; readonly names: readonly string[] }

export const supportedEvents = 'MessageNew MessageExpunge FlagChange'

/** An event that this server cannot tell of: BADEVENT (RFC 5465 §5). */
export class UnsupportedEvent extends Error {
  readonly code = 'unsupported-event'

  constructor(event: string) {
    super(`Unsupported event ${event}`)
    this.name = 'UnsupportedEvent'
  }
}

/** What stands behind `NOTIFY SET`. */
export function readNotifySettings(args: Scanner, capabilities: CapabilitySet): NotifySettings {
  let status = false
  let selected: NotifyEvents | undefined
  const groups: { filter: MailboxFilter; events: NotifyEvents }[] = []
  args.space()
  if (args.peek() !== '(') {
    if (args.word() !== 'STATUS') throw new ImapSyntaxError('Expected STATUS or an event group')
    status = true
    args.space()
  }
  do {
    args.expect('(')
    const filter = readFilter(args)
    args.space()
    const events = readEvents(args, capabilities)
    args.expect(')')
    if (filter !== 'selected') groups.push({ filter, events })
    else if (selected === undefined) selected = events
    else throw new ImapSyntaxError('The selected mailbox is named twice')
  } while (args.skip(' '))
  return { status, selected, groups }
}

function readFilter(args: Scanner): MailboxFilter | 'selected' {
  const name = args.word()
  switch (name) {
    case 'SELECTED':
    case 'SELECTED-DELAYED':
      return 'selected'
    case 'PERSONAL':
      return { kind: 'personal' }
    case 'INBOXES':
      return { kind: 'inboxes' }
    case 'SUBSCRIBED':
      return { kind: 'subscribed' }
    case 'SUBTREE':
    case 'MAILBOXES': {
      args.space()
      const names = args.peek() === '(' ? args.list(() => args.mailbox()) : [args.mailbox()]
      return { kind: name === 'SUBTREE' ? 'subtree' : 'mailboxes', names }
    }
    default:
      throw new ImapSyntaxError(`Unknown mailbox filter ${name}`)
  }
}

function readEvents(args: Scanner, capabilities: CapabilitySet): NotifyEvents {
  if (args.peek() !== '(') {
    if (args.word() !== 'NONE') throw new ImapSyntaxError('Expected events')
    return { messages: false, flags: false, fetch: [] }
  }
  const named = new Set<string>()
  let fetch: readonly FetchItem[] = []
  args.expect('(')
  do {
    if (args.peek() === '(' && named.has('MESSAGENEW')) fetch = readFetchItems(args, capabilities)
    else {
      const event = args.word()
      if (!supportedEvents.toUpperCase().split(' ').includes(event)) throw new UnsupportedEvent(event)
      named.add(event)
    }
  } while (args.skip(' '))
  args.expect(')')
  // RFC 5465 §5: the two go together, and FlagChange does not go without them.
  if (named.has('MESSAGENEW') !== named.has('MESSAGEEXPUNGE')) {
    throw new ImapSyntaxError('MessageNew and MessageExpunge go together')
  }
  if (named.has('FLAGCHANGE') && !named.has('MESSAGENEW')) throw new ImapSyntaxError('FlagChange needs MessageNew')
  return { messages: named.has('MESSAGENEW'), flags: named.has('FLAGCHANGE'), fetch }
}

function passes(store: MailStore, mailbox: Mailbox, filter: MailboxFilter): boolean {
  switch (filter.kind) {
    case 'personal':
      return true
    case 'inboxes':
      return mailbox.name === 'INBOX'
    case 'subscribed':
      return store.subscriptions(mailbox.user).has(mailbox.name)
    case 'mailboxes':
      return filter.names.includes(mailbox.name)
    case 'subtree':
      return filter.names.some((name) => mailbox.name === name || isChildOf(mailbox.name, name))
  }
}

/** What is to be told of a mailbox that is not selected. */
export const eventsFor = (settings: NotifySettings, store: MailStore, mailbox: Mailbox): NotifyEvents | undefined =>
  settings.groups.find(({ filter }) => passes(store, mailbox, filter))?.events
