import { withoutBinaryParts } from '../../mime/binary.ts'
import { withLineEnds, withMessageId, withoutPrivateFields } from '../../mime/rewriting.ts'
import { concatBytes, CR, LF } from '../../octets.ts'
import type { Mailbox } from '../../store/mailbox.ts'
import { asUid, type Uid } from '../../store/message.ts'
import type { MessageRef } from '../../store/store.ts'
import { bad, no, ok, userOf, viewOf, type Call, type Reply, type SessionContext } from '../context.ts'
import { readFlag } from '../flags.ts'
import { imapString, parseInternalDate } from '../format.ts'
import { resolveImapUrl } from '../imap-url.ts'
import { ImapSyntaxError, type Scanner } from '../scanner.ts'

type AppendTarget =
  | {
      readonly ok: true
      readonly mailbox: Mailbox
      readonly flags: readonly string[]
      readonly internalDateMs: number | undefined
    }
  | { readonly ok: false }

type Data = {
  readonly ok: true
  readonly bytes: Uint8Array
  /** Some of it came as a literal8 (RFC 3516 §4.4). */
  readonly literal8: boolean
  /** Stored without a look at it (see `storesNothingForCatenate`). */
  readonly hollow?: boolean
}

type MessageData = Data | { readonly ok: false; readonly url: string; readonly problem: string }

/** `mailbox [flags] [date-time]`, up to where the message begins (RFC 3501 §6.3.11). */
function readAppendTarget(context: SessionContext, args: Scanner): AppendTarget {
  const name = args.mailbox()
  let flags: readonly string[] = []
  let internalDateMs: number | undefined
  if (!args.atEnd()) args.space()
  if (args.peek() === '(') {
    flags = args.list(() => readFlag(args, context.quirks))
    args.space()
  }
  if (args.peek() === '"') {
    internalDateMs = parseInternalDate(args.string())
    if (internalDateMs === undefined) throw new ImapSyntaxError('Invalid internal date')
    args.space()
  }
  const mailbox = context.store.find(userOf(context), name)
  return mailbox === undefined ? { ok: false } : { ok: true, mailbox, flags, internalDateMs }
}

const takesCatenate = ({ capabilities, quirks }: SessionContext): boolean =>
  capabilities.has('CATENATE') || quirks.storesNothingForCatenate === true

const isCatenate = (context: SessionContext, args: Scanner): boolean =>
  !args.atLiteral() && takesCatenate(context) && args.word() === 'CATENATE'

/** `(URL … TEXT {n} …)` (RFC 4469 §5). With `announced`, the literal last announced has not come yet. */
function readCatenate(context: SessionContext, args: Scanner, announced: boolean): MessageData {
  const parts: Uint8Array[] = []
  let literal8 = false
  let failure: MessageData | undefined
  args.space()
  args.expect('(')
  do {
    const kind = args.word()
    args.space()
    if (announced && args.atEnd()) break
    if (kind === 'TEXT') {
      const text = args.messageLiteral()
      parts.push(text.bytes)
      literal8 ||= text.literal8
    } else if (kind === 'URL') {
      const url = args.astring()
      const outcome = context.capabilities.has('CATENATE') ? resolveImapUrl(context, url) : undefined
      if (outcome === undefined) continue
      if (outcome.ok) parts.push(outcome.bytes)
      else failure ??= { ok: false, url, problem: outcome.problem }
    } else throw new ImapSyntaxError(`Unknown part ${kind} in CATENATE`)
  } while (args.skip(' '))
  if (!announced) args.expect(')')
  if (!context.capabilities.has('CATENATE')) return { ok: true, bytes: concatBytes([]), literal8: false, hollow: true }
  return failure ?? { ok: true, bytes: concatBytes(parts), literal8 }
}

function readMessageData(context: SessionContext, args: Scanner): MessageData {
  if (args.atLiteral()) return { ok: true, ...args.messageLiteral() }
  if (!isCatenate(context, args)) throw new ImapSyntaxError('Expected a message literal')
  return readCatenate(context, args, false)
}

/** The message that REPLACE is to replace (RFC 8508 §3). */
function readReplaced(context: SessionContext, args: Scanner, uid: boolean): MessageRef | Reply {
  const view = viewOf(context)
  if (view.readOnly) return no('Mailbox is read-only')
  const last = args.skip('*')
  const number = last ? 0 : args.number()
  args.space()
  if (uid) {
    const wanted = last ? view.at(view.count)?.uid : asUid(number)
    const known = wanted !== undefined && view.sequenceOf(wanted) !== undefined
    return known ? { mailbox: view.mailbox, uid: wanted } : no('No such message')
  }
  const entry = view.at(last ? view.count : number)
  return entry === undefined ? bad('Invalid message sequence number') : { mailbox: view.mailbox, uid: entry.uid }
}

const badUrl = ({ url, problem }: { readonly url: string; readonly problem: string }): Reply =>
  no(problem, `BADURL ${imapString(url)}`)

const noMailbox = (): Reply => no('Mailbox does not exist', 'TRYCREATE')

/**
 * What can be refused of an APPEND or a REPLACE before its literal comes: both servers that we compare with refuse these
 * there, and save the client the octets.
 */
export function refusalBeforeLiteral(
  context: SessionContext,
  args: Scanner,
  command: { readonly replaces: boolean; readonly uid: boolean },
): Reply | undefined {
  if (command.replaces) {
    if (context.view === undefined) return bad('No mailbox selected')
    const replaced = readReplaced(context, args, command.uid)
    if ('kind' in replaced) return replaced
  }
  // The literal announced may be the mailbox name itself.
  if (args.atEnd()) return undefined
  if (!readAppendTarget(context, args).ok) return noMailbox()
  if (args.atEnd()) return undefined
  if (!isCatenate(context, args)) return bad('Expected a message literal')
  const data = readCatenate(context, args, true)
  return data.ok ? undefined : badUrl(data)
}

/**
 * IMAP messages are lines that end in CRLF and have no NUL (RFC 3501 §4.3.1), except in a literal8; Cyrus refuses others,
 * Dovecot rewrites them.
 */
function malformation({ quirks }: SessionContext, bytes: Uint8Array, literal8: boolean): string | undefined {
  if (bytes.length === 0) return 'Cannot save a message of zero octets'
  if (!literal8 && bytes.includes(0)) return 'Message contains NUL characters'
  if (quirks.bareNewlines === 'kept') return undefined
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at - 1] !== CR) return 'Message contains bare newlines'
  }
  return undefined
}

/** What the server makes of the octets that it was given. */
function asStored(context: SessionContext, { bytes, literal8 }: Data, mailbox: Mailbox): Uint8Array {
  const { quirks } = context
  let stored = literal8 ? withoutBinaryParts(bytes) : bytes
  if (quirks.bareNewlines === 'rewritten') stored = withLineEnds(stored)
  if (quirks.dropsPrivateHeaders === true) stored = withoutPrivateFields(stored)
  if (quirks.rewritesMessageIds === true) {
    stored = withMessageId(stored, `<rewritten.${mailbox.uidValidity}.${mailbox.uidNext}@mail.example.com>`)
  }
  return stored
}

/** RFC 4315 §3. */
function appendUidCode({ capabilities, quirks }: SessionContext, mailbox: Mailbox, uid: Uid): string | undefined {
  if (!capabilities.has('UIDPLUS') || quirks.appendUid === 'absent') return undefined
  if (quirks.appendUid === 'swapped') return `APPENDUID ${uid} ${mailbox.uidValidity}`
  return `APPENDUID ${mailbox.uidValidity} ${uid}`
}

function store({ context, args }: Call, replacing: MessageRef | undefined): Reply {
  const target = readAppendTarget(context, args)
  if (!target.ok) return noMailbox()
  const data = readMessageData(context, args)
  args.end()
  if (!data.ok) return badUrl(data)
  const { literal8 } = data
  const { mailbox, flags } = target
  const bytes = asStored(context, data, mailbox)
  const limit = context.appendLimitBytes
  if (limit !== undefined && bytes.length > limit) return no(`Message is larger than ${limit} octets`, 'TOOBIG')
  const problem = data.hollow === true ? undefined : malformation(context, bytes, literal8)
  if (problem !== undefined) return no(problem)

  const internalDateMs = target.internalDateMs ?? context.now()
  const outcome = context.store.append(mailbox, { bytes, flags, internalDateMs }, replacing)
  if (!outcome.ok) return no('Quota exceeded', 'OVERQUOTA')
  context.hasAppended = true
  const code = appendUidCode(context, mailbox, outcome.value)
  if (replacing === undefined) {
    if (context.quirks.appendUid !== 'untagged' || code === undefined) return ok('Append completed', code)
    context.untagged(`OK [${code}] Message saved`)
    return ok('Append completed')
  }
  // The code must reach the client before the EXPUNGE of the old message does (RFC 8508 §3.3).
  if (code !== undefined) context.untagged(`OK [${code}] Replacement message saved`)
  return ok('Replace completed')
}

export const append = (call: Call): Reply => store(call, undefined)

export function replace(call: Call): Reply {
  const replaced = readReplaced(call.context, call.args, call.uid)
  return 'kind' in replaced ? replaced : store(call, replaced)
}
