import type { Capability } from '../../capabilities.ts'
import { no, ok, userOf, type Call, type Reply, type SessionContext } from '../context.ts'
import { hasFlag, type StoredMessage } from '../../store/message.ts'
import type { Mailbox } from '../../store/mailbox.ts'
import type { StoreRefusal } from '../../store/store.ts'
import { flagLines } from '../flags.ts'
import { astring } from '../format.ts'
import { encodeMailboxName } from '../modified-utf7.ts'
import { mailboxId } from '../object-id.ts'
import { readSelectParameters, sendChangesSince } from '../resync.ts'
import { ImapSyntaxError, type Scanner } from '../scanner.ts'
import { createView } from '../view.ts'

const noSuchMailbox = (): Reply => no('Mailbox does not exist', 'NONEXISTENT')

function refusal(reason: StoreRefusal): Reply {
  switch (reason) {
    case 'nonexistent':
      return noSuchMailbox()
    case 'already-exists':
      return no('Mailbox already exists', 'ALREADYEXISTS')
    case 'invalid-name':
      return no('Invalid mailbox name', 'CANNOT')
    case 'inbox':
      return no('INBOX cannot be deleted', 'CANNOT')
    case 'over-quota':
      return no('Quota exceeded', 'OVERQUOTA')
  }
}

function open({ context, args }: Call, readOnly: boolean): Reply {
  const name = args.mailbox()
  const parameters = readSelectParameters(context, args)
  args.end()
  // A failed SELECT leaves no mailbox selected (RFC 3501 §6.3.1).
  if (context.view !== undefined) context.untagged('OK [CLOSED] Previous mailbox closed')
  context.select(undefined)
  if (parameters.condstore) context.useCondstore()
  const mailbox = context.store.find(userOf(context), name)
  if (mailbox === undefined) return noSuchMailbox()

  const view = createView(mailbox, readOnly)
  for (const line of flagLines(view)) context.untagged(line)
  context.untagged(`${view.count} EXISTS`)
  context.untagged(`${view.recentCount} RECENT`)
  const unseen = mailbox.messages().findIndex((message) => !hasFlag(message, '\\Seen'))
  if (unseen !== -1) context.untagged(`OK [UNSEEN ${unseen + 1}] First unseen`)
  context.untagged(`OK [UIDVALIDITY ${mailbox.uidValidity}] UIDs valid`)
  context.untagged(`OK [UIDNEXT ${mailbox.uidNext}] Predicted next UID`)
  if (context.capabilities.has('CONDSTORE')) context.untagged(`OK [HIGHESTMODSEQ ${mailbox.modseq}] Highest`)
  if (context.capabilities.has('OBJECTID')) context.untagged(`OK [MAILBOXID (${mailboxId(mailbox)})] Mailbox id`)
  if (parameters.resync !== undefined) sendChangesSince(context, view, parameters.resync)
  context.select(view)
  return readOnly ? ok('Examine completed', 'READ-ONLY') : ok('Select completed', 'READ-WRITE')
}

/** RFC 3501 §6.3.1, §6.3.2. */
export const select = (call: Call): Reply => open(call, false)
export const examine = (call: Call): Reply => open(call, true)

/** RFC 3501 §6.4.2: CLOSE expunges, silently; UNSELECT (RFC 3691) does not. */
export function close({ context, args }: Call): Reply {
  args.end()
  const { view } = context
  context.select(undefined)
  if (view !== undefined && !view.readOnly) {
    const deleted = view.mailbox.messages().filter((message) => hasFlag(message, '\\Deleted'))
    context.store.expunge(
      view.mailbox,
      deleted.map((message) => message.uid),
    )
  }
  return ok('Close completed')
}

export function unselect({ context, args }: Call): Reply {
  args.end()
  context.select(undefined)
  return ok('Unselect completed')
}

const specialUses: ReadonlyMap<string, string> = new Map(
  ['\\All', '\\Archive', '\\Drafts', '\\Flagged', '\\Junk', '\\Sent', '\\Trash'].map((use) => [use.toLowerCase(), use]),
)

/** `(USE (\Drafts …))` (RFC 6154 §3); undefined if one of them is unknown. */
function readSpecialUses(args: Scanner): readonly string[] | undefined {
  args.expect('(')
  if (args.word() !== 'USE') throw new ImapSyntaxError('Unknown CREATE parameter')
  args.space()
  const uses = args.list(() => {
    args.expect('\\')
    return specialUses.get(`\\${args.atom()}`.toLowerCase())
  })
  args.expect(')')
  return uses.every((use) => use !== undefined) ? uses : undefined
}

/** RFC 3501 §6.3.3. */
export function create({ context, args }: Call): Reply {
  const name = args.mailbox()
  const uses = context.capabilities.has('CREATE-SPECIAL-USE') && args.skip(' ') ? readSpecialUses(args) : []
  args.end()
  if (uses === undefined) return no('Unknown special use', 'USEATTR')
  const set = context.quirks.ignoresCreateUse === true ? [] : uses
  const outcome = context.store.createMailbox(userOf(context), name, set)
  if (!outcome.ok) return refusal(outcome.refusal)
  const code = context.capabilities.has('OBJECTID') ? `MAILBOXID (${mailboxId(outcome.value)})` : undefined
  return ok('Create completed', code)
}

/** RFC 3501 §6.3.4. Children stay; the name is then listed as \Noselect for as long as it has any. */
export function remove({ context, args }: Call): Reply {
  const name = args.mailbox()
  args.end()
  const user = userOf(context)
  if (context.view !== undefined && context.store.find(user, name) === context.view.mailbox) {
    // Its own session is not thrown out: it knows.
    context.untagged('OK [CLOSED] Selected mailbox closed')
    context.select(undefined)
  }
  const outcome = context.store.deleteMailbox(user, name)
  return outcome.ok ? ok('Delete completed') : refusal(outcome.refusal)
}

/** RFC 3501 §6.3.5. */
export function rename({ context, args }: Call): Reply {
  const from = args.mailbox()
  args.space()
  const to = args.mailbox()
  args.end()
  const outcome = context.store.renameMailbox(userOf(context), from, to)
  return outcome.ok ? ok('Rename completed') : refusal(outcome.refusal)
}

/** RFC 3501 §6.3.6. */
export function subscribe({ context, args }: Call): Reply {
  const name = args.mailbox()
  args.end()
  const user = userOf(context)
  if (context.store.find(user, name) === undefined) return noSuchMailbox()
  context.store.setSubscribed(user, name, true)
  return ok('Subscribe completed')
}

/** RFC 3501 §6.3.7. */
export function unsubscribe({ context, args }: Call): Reply {
  const name = args.mailbox()
  args.end()
  context.store.setSubscribed(userOf(context), name, false)
  return ok('Unsubscribe completed')
}

export type StatusItem =
  | 'MESSAGES'
  | 'RECENT'
  | 'UIDNEXT'
  | 'UIDVALIDITY'
  | 'UNSEEN'
  | 'APPENDLIMIT'
  | 'HIGHESTMODSEQ'
  | 'SIZE'
  | 'MAILBOXID'
  | 'DELETED'
  | 'DELETED-STORAGE'

/** What STATUS can tell, and the extension without which it cannot. */
const statusItems: Readonly<Record<StatusItem, Capability | undefined>> = {
  MESSAGES: undefined,
  RECENT: undefined,
  UIDNEXT: undefined,
  UIDVALIDITY: undefined,
  UNSEEN: undefined,
  APPENDLIMIT: 'APPENDLIMIT',
  HIGHESTMODSEQ: 'CONDSTORE',
  SIZE: 'STATUS=SIZE',
  MAILBOXID: 'OBJECTID',
  DELETED: 'QUOTA',
  'DELETED-STORAGE': 'QUOTA',
}

const isStatusItem = (name: string): name is StatusItem => Object.hasOwn(statusItems, name)

export function readStatusItems(context: SessionContext, args: Scanner): readonly StatusItem[] {
  const items = args.list((): StatusItem => {
    const item = args.word()
    const needs = isStatusItem(item) ? statusItems[item] : undefined
    if (isStatusItem(item) && (needs === undefined || context.capabilities.has(needs))) return item
    throw new ImapSyntaxError(`Unknown STATUS item ${item}`)
  })
  if (items.length === 0) throw new ImapSyntaxError('STATUS needs an item')
  if (items.includes('HIGHESTMODSEQ')) context.useCondstore()
  return items
}

/** RFC 7889 §3.2: NIL where there is no limit. */
export function announcedAppendLimit({ quirks, appendLimitBytes }: SessionContext): string {
  // A signed 64-bit integer at its largest, as some announce "no limit".
  if (quirks.announcesHugeAppendLimit === true) return '9223372036854775807'
  return appendLimitBytes === undefined ? 'NIL' : String(appendLimitBytes)
}

const octetsOf = (messages: readonly StoredMessage[]): number =>
  messages.reduce((sum, { bytes }) => sum + bytes.length, 0)

function statusValue(context: SessionContext, mailbox: Mailbox, item: StatusItem): string | number {
  const { view } = context
  const deleted = (): readonly StoredMessage[] => mailbox.messages().filter((message) => hasFlag(message, '\\Deleted'))
  switch (item) {
    case 'MESSAGES':
      return mailbox.messages().length
    case 'RECENT':
      return view?.mailbox === mailbox
        ? view.recentCount
        : mailbox.messages().filter(({ uid }) => uid >= mailbox.recentFrom).length
    case 'UIDNEXT':
      return mailbox.uidNext
    case 'UIDVALIDITY':
      return mailbox.uidValidity
    case 'UNSEEN':
      return mailbox.messages().filter((message) => !hasFlag(message, '\\Seen')).length
    case 'HIGHESTMODSEQ':
      return mailbox.modseq
    case 'SIZE':
      return octetsOf(mailbox.messages())
    case 'MAILBOXID':
      return `(${mailboxId(mailbox)})`
    case 'DELETED':
      return deleted().length
    case 'DELETED-STORAGE':
      return octetsOf(deleted())
    case 'APPENDLIMIT':
      return announcedAppendLimit(context)
  }
}

export function sendStatus(context: SessionContext, mailbox: Mailbox, items: readonly StatusItem[]): void {
  const values = items.map((item) => `${item} ${statusValue(context, mailbox, item)}`).join(' ')
  context.untagged(`STATUS ${astring(encodeMailboxName(mailbox.name))} (${values})`)
}

/** RFC 3501 §6.3.10. */
export function status({ context, args }: Call): Reply {
  const name = args.mailbox()
  args.space()
  const items = readStatusItems(context, args)
  args.end()
  const mailbox = context.store.find(userOf(context), name)
  if (mailbox === undefined) return noSuchMailbox()
  sendStatus(context, mailbox, items)
  return ok('Status completed')
}
