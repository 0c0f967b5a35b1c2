import { isChildOf, matchesPattern, SEPARATOR } from '../../store/names.ts'
import type { Mailbox } from '../../store/mailbox.ts'
import { ok, userOf, type Call, type Reply, type SessionContext } from '../context.ts'
import { astring } from '../format.ts'
import { encodeMailboxName } from '../modified-utf7.ts'
import { ImapSyntaxError, type Scanner } from '../scanner.ts'
import { readStatusItems, sendStatus, type StatusItem } from './mailboxes.ts'

type Listed = { readonly name: string; readonly mailbox: Mailbox | undefined }

type ListOptions = {
  readonly onlySubscribed: boolean
  readonly onlySpecialUse: boolean
  readonly tellSubscribed: boolean
  readonly status: readonly StatusItem[]
}

/** All mailboxes, and the names above them that are no mailboxes themselves, in order of creation. */
function hierarchy(mailboxes: readonly Mailbox[]): readonly Listed[] {
  const byName = new Map<string, Mailbox | undefined>()
  for (const mailbox of mailboxes) {
    const levels = mailbox.name.split(SEPARATOR)
    for (let depth = 1; depth < levels.length; depth++) {
      const parent = levels.slice(0, depth).join(SEPARATOR)
      if (!byName.has(parent)) byName.set(parent, undefined)
    }
    byName.set(mailbox.name, mailbox)
  }
  return [...byName].map(([name, mailbox]) => ({ name, mailbox }))
}

function listedUses({ quirks }: SessionContext, mailbox: Mailbox | undefined): readonly string[] {
  const uses = mailbox?.specialUse ?? []
  return quirks.lowerCasesSpecialUse === true ? uses.map((use) => use.toLowerCase()) : uses
}

function attributes(context: SessionContext, listed: Listed, all: readonly Listed[], options: ListOptions): string {
  const { name, mailbox } = listed
  const found: string[] = []
  if (options.tellSubscribed && context.store.subscriptions(userOf(context)).has(name)) found.push('\\Subscribed')
  if (mailbox === undefined) found.push('\\Noselect')
  if (context.capabilities.has('CHILDREN')) {
    found.push(all.some((other) => isChildOf(other.name, name)) ? '\\HasChildren' : '\\HasNoChildren')
  }
  if (context.capabilities.has('SPECIAL-USE')) found.push(...listedUses(context, mailbox))
  return found.join(' ')
}

function sendListed(context: SessionContext, verb: 'LIST' | 'LSUB', name: string, attributeText: string): void {
  context.untagged(`${verb} (${attributeText}) "${SEPARATOR}" ${astring(encodeMailboxName(name))}`)
}

/** `(SUBSCRIBED SPECIAL-USE …)` before the reference (RFC 5258 §3.1, RFC 6154 §2). */
function readSelection(context: SessionContext, args: Scanner): { onlySubscribed: boolean; onlySpecialUse: boolean } {
  const selection = { onlySubscribed: false, onlySpecialUse: false }
  if (args.peek() !== '(' || !context.capabilities.has('LIST-EXTENDED')) return selection
  for (const option of args.list(() => args.word())) {
    if (option === 'SUBSCRIBED') selection.onlySubscribed = true
    else if (option === 'SPECIAL-USE' && context.capabilities.has('SPECIAL-USE')) selection.onlySpecialUse = true
    // Nothing here is remote, and nothing is left out for being unsubscribed below: these two change no answer.
    else if (option !== 'REMOTE' && option !== 'RECURSIVEMATCH')
      throw new ImapSyntaxError(`Unknown LIST option ${option}`)
  }
  args.space()
  return selection
}

/** ` RETURN (SUBSCRIBED CHILDREN SPECIAL-USE STATUS (…))` behind the patterns (RFC 5258 §3.2, RFC 5819). */
function readReturn(
  context: SessionContext,
  args: Scanner,
): { tellSubscribed: boolean; status: readonly StatusItem[] } {
  const wanted: { tellSubscribed: boolean; status: readonly StatusItem[] } = { tellSubscribed: false, status: [] }
  if (!context.capabilities.has('LIST-EXTENDED') || !args.skip(' ')) return wanted
  if (args.word() !== 'RETURN') throw new ImapSyntaxError('Expected RETURN')
  args.space()
  args.list(() => {
    const option = args.word()
    if (option === 'SUBSCRIBED') wanted.tellSubscribed = true
    else if (option === 'STATUS' && context.capabilities.has('LIST-STATUS')) {
      args.space()
      wanted.status = readStatusItems(context, args)
    } else if (option !== 'CHILDREN' && option !== 'SPECIAL-USE') {
      throw new ImapSyntaxError(`Unknown LIST RETURN option ${option}`)
    }
  })
  return wanted
}

/** RFC 3501 §6.3.8, RFC 5258. */
export function list({ context, args }: Call): Reply {
  const selection = readSelection(context, args)
  const reference = args.mailbox()
  args.space()
  const several = args.peek() === '(' && context.capabilities.has('LIST-EXTENDED')
  const patterns = several ? args.list(() => args.listMailbox()) : [args.listMailbox()]
  const wanted = readReturn(context, args)
  args.end()

  if (!several && patterns[0] === '') {
    // A client that asks for the separator only.
    context.untagged(`LIST (\\Noselect) "${SEPARATOR}" ""`)
    return ok('List completed')
  }
  const options = { ...selection, ...wanted, tellSubscribed: wanted.tellSubscribed || selection.onlySubscribed }
  const user = userOf(context)
  const all = hierarchy(context.store.mailboxes(user))
  const subscribed = context.store.subscriptions(user)
  for (const listed of all) {
    if (!patterns.some((pattern) => matchesPattern(listed.name, reference + pattern))) continue
    if (options.onlySubscribed && !subscribed.has(listed.name)) continue
    if (options.onlySpecialUse && (listed.mailbox?.specialUse.length ?? 0) === 0) continue
    sendListed(context, 'LIST', listed.name, attributes(context, listed, all, options))
    if (listed.mailbox !== undefined && options.status.length > 0) sendStatus(context, listed.mailbox, options.status)
  }
  return ok('List completed')
}

/** RFC 3501 §6.3.9: what is subscribed, whether it still exists or not. */
export function lsub({ context, args }: Call): Reply {
  const reference = args.mailbox()
  args.space()
  const pattern = reference + args.listMailbox()
  args.end()
  const user = userOf(context)
  const subscribed = [...context.store.subscriptions(user)]
  const matching = subscribed.filter((name) => matchesPattern(name, pattern))
  for (const name of matching) {
    const uses = context.capabilities.has('SPECIAL-USE') ? listedUses(context, context.store.find(user, name)) : []
    sendListed(context, 'LSUB', name, uses.join(' '))
  }
  if (pattern.endsWith('%')) {
    // `%` shows the parents of what it does not reach down to, as not selectable.
    const parents = new Set<string>()
    for (const name of subscribed) {
      const levels = name.split(SEPARATOR)
      for (let depth = 1; depth < levels.length; depth++) parents.add(levels.slice(0, depth).join(SEPARATOR))
    }
    for (const name of parents) {
      if (!subscribed.includes(name) && matchesPattern(name, pattern)) sendListed(context, 'LSUB', name, '\\Noselect')
    }
  }
  return ok('Lsub completed')
}

/** RFC 2342. */
export function namespace({ context, args }: Call): Reply {
  args.end()
  context.untagged(`NAMESPACE (("" "${SEPARATOR}")) NIL NIL`)
  return ok('Namespace completed')
}
