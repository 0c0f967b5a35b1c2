import type { CapabilitySet } from '../capabilities.ts'
import type { CommandAction } from '../faults/rules.ts'
import type { ProtocolSession, SessionPort } from '../faults/session-port.ts'
import type { Quirks } from '../quirks.ts'
import { utf8ByteString } from '../octets.ts'
import type { MailboxEvent } from '../store/mailbox.ts'
import { JournalError } from '../store/journal.ts'
import type { MailStore } from '../store/store.ts'
import { createCommandReader, type CommandPart } from './command-reader.ts'
import { commandNamed } from './commands.ts'
import { sendFetch } from './commands/fetch.ts'
import { announcedAppendLimit, select } from './commands/mailboxes.ts'
import { sendMailboxNews } from './commands/notify.ts'
import { bad, no, ok, type Reply, type SessionContext } from './context.ts'
import { flagLines, formatFlags } from './flags.ts'
import { pieces, type Piece } from './format.ts'
import { decideLiteral } from './literal-policy.ts'
import type { NotifySettings } from './notify.ts'
import { createScanner, ImapSyntaxError, type Scanner } from './scanner.ts'
import { formatSequence } from './sequence-set.ts'
import type { View } from './view.ts'
import { createWatcher } from './watcher.ts'

export type ImapSessionOptions = {
  readonly store: MailStore
  readonly capabilities: CapabilitySet
  readonly port: SessionPort
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** The largest message taken, and announced if APPENDLIMIT is on (RFC 7889). */
  readonly appendLimitBytes?: number
  readonly quirks?: Quirks
}

type Waiting = { readonly tag: string; readonly verb: string; readonly onLine: (line: string) => Reply }
type Named = { readonly tag: string; readonly verb: string; readonly uid: boolean; readonly args: Scanner }

/** What a client may use, and so must know of, before it has logged in. */
const offeredBeforeLogin: ReadonlySet<string> = new Set(['LITERAL+', 'LITERAL-', 'SASL-IR', 'ID', 'ENABLE', 'IDLE'])

/** Without sockets there is nothing to compress. */
function supportedBy({ startCompression }: SessionPort, capabilities: CapabilitySet): CapabilitySet {
  if (startCompression !== undefined || !capabilities.has('COMPRESS=DEFLATE')) return capabilities
  return new Set([...capabilities].filter((name) => name !== 'COMPRESS=DEFLATE'))
}

/** The tag and the verb; `UID` takes a second word. */
function nameCommand(
  parts: readonly CommandPart[],
): Named | { readonly tag: string | undefined; readonly problem: string } {
  const args = createScanner(parts)
  const tag = args.takeWhile(/[^(){ %*+"\\\p{Cc}\u0080-\u00ff]/u)
  if (tag === '') return { tag: undefined, problem: 'Invalid tag' }
  if (!args.skip(' ')) return { tag, problem: 'Missing command' }
  const first = args.takeWhile(/[^ ]/u).toUpperCase()
  if (first !== 'UID') return { tag, verb: first, uid: false, args }
  if (!args.skip(' ')) return { tag, problem: 'Missing command after UID' }
  return { tag, verb: args.takeWhile(/[^ ]/u).toUpperCase(), uid: true, args }
}

function attempt(task: () => Reply): Reply {
  try {
    return task()
  } catch (error) {
    if (error instanceof ImapSyntaxError) return { kind: 'tagged', status: error.status, text: error.message }
    // RFC 5530: a temporary failure of something the server relies on.
    if (error instanceof JournalError) return no('The mail store cannot be written', 'UNAVAILABLE')
    throw error
  }
}

const fullVerb = ({ verb, uid }: Named): string => (uid ? `UID ${verb}` : verb)

/** One IMAP connection (RFC 3501), from the greeting on. Every answer is given inside `receive`. */
export function createImapSession(options: ImapSessionOptions): ProtocolSession {
  const { port, appendLimitBytes, quirks = {} } = options
  const capabilities = supportedBy(port, options.capabilities)
  let waiting: Waiting | undefined
  let muted = false
  let over = false
  let condstore = false
  let notify: NotifySettings | undefined
  let compressing = false
  let unsubscribe: (() => void) | undefined

  const context: SessionContext = {
    store: options.store,
    capabilities,
    now: options.now,
    appendLimitBytes,
    quirks,
    user: undefined,
    view: undefined,
    get compressing() {
      return compressing
    },
    get condstore() {
      return condstore
    },
    qresync: false,
    idling: false,
    loggedOut: false,
    hasAppended: false,
    untagged: (...line) => send('* ', ...line, '\r\n'),
    select: (view) => {
      unsubscribe?.()
      context.view = view
      unsubscribe = view?.mailbox.subscribe(onMailboxEvent)
    },
    useCondstore: () => {
      if (condstore) return
      condstore = true
      // RFC 7162 §3.1.2.1: what the client may have overlooked when it selected the mailbox.
      if (context.view !== undefined) context.untagged(`OK [HIGHESTMODSEQ ${context.view.mailbox.modseq}] Highest`)
    },
    setNotify: (settings) => {
      notify = settings
      if (context.user !== undefined) watcher.set(context.user, settings)
    },
    capabilityLine,
  }
  const watcher = createWatcher(options.store, (mailbox) => {
    if (mailbox !== context.view?.mailbox) sendMailboxNews(context, mailbox)
  })

  function send(...line: readonly Piece[]): void {
    if (!muted && !over) port.send(pieces(...line))
  }

  function capabilityLine(): string {
    const offered = [...capabilities]
      .filter((name) => (context.user === undefined ? offeredBeforeLogin.has(name) : name !== 'SASL-IR'))
      .filter((name) => name !== 'COMPRESS=DEFLATE' || !compressing)
      .filter((name) => name !== 'APPENDLIMIT' || announcedAppendLimit(context) !== 'NIL')
      .map((name) => (name === 'QUOTA' ? 'QUOTA QUOTA=RES-STORAGE' : name))
      .map((name) => (name === 'APPENDLIMIT' ? `APPENDLIMIT=${announcedAppendLimit(context)}` : name))
    return ['CAPABILITY', 'IMAP4rev1', ...(context.user === undefined ? ['AUTH=PLAIN'] : []), ...offered].join(' ')
  }

  function hangUp(farewell?: string): void {
    if (farewell !== undefined) context.untagged(`BYE ${farewell}`)
    end()
    port.close()
  }

  function end(): void {
    over = true
    reader.stop()
    context.select(undefined)
    context.setNotify(undefined)
  }

  /** Tells the client what has changed in its mailbox since it was last told. */
  function sendUpdates(expunge: boolean, withUid: boolean): void {
    const { view } = context
    if (view === undefined) return
    const updates = view.takeUpdates({ expunge })
    if (updates.keywords !== undefined) for (const line of flagLines(view)) context.untagged(line)
    for (const { sequence, message } of updates.flags) {
      // A UID command's FETCH responses carry the UID (RFC 3501 §6.4.8), and with QRESYNC all do (RFC 7162 §3.2.3).
      const uid = withUid || context.qresync ? `UID ${message.uid} ` : ''
      const modseq = context.condstore ? ` MODSEQ (${message.modseq})` : ''
      context.untagged(`${sequence} FETCH (${uid}FLAGS ${formatFlags(message, view)}${modseq})`)
    }
    const existsFirst = quirks.tellsExistsFirst === true && updates.exists !== undefined
    if (existsFirst) context.untagged(`${(updates.exists ?? 0) + updates.expunged.length} EXISTS`)
    if (!context.qresync) for (const sequence of updates.expunged) context.untagged(`${sequence} EXPUNGE`)
    else if (updates.vanished.length > 0) context.untagged(`VANISHED ${formatSequence(updates.vanished)}`)
    if (!existsFirst && updates.exists !== undefined) context.untagged(`${updates.exists} EXISTS`)
    if (updates.recent !== undefined) context.untagged(`${updates.recent} RECENT`)
    sendNewMessages(view, updates.added)
  }

  /** What a client of NOTIFY wants to know of new messages at once (RFC 5465 §5.1). */
  function sendNewMessages(view: View, added: readonly number[]): void {
    const items = notify?.selected?.fetch ?? []
    if (items.length === 0) return
    for (const sequence of added) {
      const entry = view.at(sequence)
      if (entry !== undefined) sendFetch(context, view, sequence, entry, items)
    }
  }

  function onMailboxEvent(event: MailboxEvent): void {
    switch (event) {
      case 'changed':
        if (quirks.neverPushes === true) return
        if (context.idling || notify?.selected?.messages === true) sendUpdates(true, false)
        return
      case 'deleted':
        // The client knows sequence numbers of a mailbox that is gone: there is no other way to say so.
        hangUp('Selected mailbox was deleted')
        return
      case 'uid-validity-reset':
        hangUp('UIDVALIDITY of the selected mailbox has changed')
    }
  }

  function answer(tag: string, verb: string, reply: Reply): void {
    if (over) return
    switch (reply.kind) {
      case 'tagged':
        // A text may quote the client, whose bare CR must not look like the end of our line.
        send(
          `${tag} ${reply.status} ${reply.code === undefined ? '' : `[${reply.code}] `}`,
          `${utf8ByteString(reply.text).replaceAll(/[\r\n]/gu, ' ')}\r\n`,
        )
        if (context.loggedOut) hangUp()
        if (reply.startsCompression === true) {
          compressing = true
          port.startCompression?.()
        }
        return
      case 'ask':
        waiting = { tag, verb, onLine: reply.onLine }
        send(`+ ${reply.prompt}\r\n`)
        // What came since the last command is told as soon as the client listens (RFC 2177 §3).
        if (context.idling && quirks.neverPushes !== true) sendUpdates(true, false)
    }
  }

  function run({ tag, verb, uid, args }: Named): Reply {
    const command = commandNamed(verb, uid, capabilities)
    if (command === undefined) return bad(`Unknown command ${uid ? 'UID ' : ''}${verb}`)
    switch (command.state) {
      case 'any':
        break
      case 'not-authenticated':
        if (context.user !== undefined) return bad('Already logged in')
        break
      case 'authenticated':
        if (context.user === undefined) return bad('Please log in first')
        break
      case 'selected':
        if (context.user === undefined) return bad('Please log in first')
        if (context.view === undefined) return bad('No mailbox selected')
    }
    if (command.args === 'some') args.space()
    if (quirks.ignoresChangesAfterAppend === true) {
      if (verb === 'NOOP' || command.run === select) context.hasAppended = false
      if (context.hasAppended && (verb === 'STORE' || verb === 'EXPUNGE')) return ok(`${verb} completed`)
    }
    return command.run({ tag, context, args, uid })
  }

  /** Sends updates and the answer of a command that has been executed. */
  function conclude(tag: string, verb: string, uid: boolean, reply: Reply): void {
    if (reply.kind === 'tagged') {
      // RFC 3501 §7.4.1: no EXPUNGE while the client may be using sequence numbers.
      const numbered = !uid && (verb === 'FETCH' || verb === 'STORE' || verb === 'SEARCH')
      sendUpdates(!numbered, uid)
    }
    answer(tag, verb, reply)
    watcher.refresh()
  }

  function execute(named: Named): void {
    const { tag, verb, uid } = named
    conclude(
      tag,
      verb,
      uid,
      attempt(() => run(named)),
    )
  }

  /** Executes, without a word. */
  function executeMuted(task: () => Reply): void {
    muted = true
    const reply = attempt(task)
    if (reply.kind === 'ask') waiting = undefined
    muted = false
  }

  function withFault(action: CommandAction | undefined, tag: string, task: () => Reply, speak: () => void): void {
    if (action === undefined) {
      speak()
      return
    }
    switch (action.kind) {
      case 'drop-reply':
        executeMuted(task)
        if (action.andThen === 'cut') port.cut(action.by ?? 'fin')
        return
      case 'delay-reply':
        port.delay(action.delayMs)
        speak()
        return
      case 'answer':
        send(`${tag} ${action.status} ${action.text}\r\n`)
        return
      case 'untagged-bad':
        context.untagged(`BAD ${action.text}`)
        if (action.andThen === 'cut') port.cut('fin')
        return
      case 'cut':
        port.cut(action.by ?? 'fin')
        return
      case 'reset-uid-validity': {
        const mailbox = options.store.find(action.user, action.mailbox)
        if (mailbox !== undefined) options.store.resetUidValidity(mailbox)
        speak()
        return
      }
      case 'smtp-reply':
        speak()
    }
  }

  function onCommand(parts: readonly CommandPart[]): void {
    if (waiting !== undefined) {
      const { tag, verb, onLine } = waiting
      const [line] = parts
      waiting = undefined
      // Whatever a fault makes of the answer, the client has stopped idling.
      context.idling = false
      const text = line?.kind === 'text' ? line.text : ''
      const task = (): Reply => onLine(text)
      const action = verb === 'IDLE' ? port.faultFor({ verb: 'DONE', at: 'command', literalBytes: 0 }) : undefined
      withFault(action, tag, task, () => conclude(tag, verb, false, attempt(task)))
      return
    }
    const named = nameCommand(parts)
    if ('problem' in named) {
      if (named.tag === undefined) context.untagged(`BAD ${named.problem}`)
      else send(`${named.tag} BAD ${named.problem}\r\n`)
      return
    }
    const sizes = parts.map((part) => (part.kind === 'literal' ? part.bytes.length : 0))
    const action = port.faultFor({ verb: fullVerb(named), at: 'command', literalBytes: Math.max(...sizes) })
    withFault(
      action,
      named.tag,
      () => run(named),
      () => {
        if (!over) execute(named)
      },
    )
  }

  const reader = createCommandReader({
    continueLiteral: () => send('+ OK\r\n'),
    onLineTooLong: () => hangUp('Command line too long'),
    onCommand: (parts) => options.store.holdingNews(() => onCommand(parts)),
    decideLiteral: (announcement) => {
      const named = nameCommand(announcement.before)
      if (waiting !== undefined || 'problem' in named) {
        return { kind: 'hang-up', answer: () => hangUp('Unexpected literal') }
      }
      const verb = fullVerb(named)
      const action = port.faultFor({ verb, at: 'literal', literalBytes: announcement.sizeBytes })
      if (action !== undefined) {
        return {
          kind: 'refuse',
          answer: () =>
            withFault(
              action,
              named.tag,
              () => bad(''),
              () => {},
            ),
        }
      }
      return decideLiteral(announcement, { ...named, context, send, hangUp })
    },
  })

  /** The network is gone: what it leaves of a message is kept by some servers. */
  function onConnectionLost(): void {
    const unfinished = quirks.storesTruncatedLiterals === true && !over ? reader.unfinishedLiteral() : undefined
    const named = unfinished === undefined ? undefined : nameCommand(unfinished)
    if (named !== undefined && 'verb' in named && named.verb === 'APPEND') executeMuted(() => run(named))
    end()
  }

  return {
    start: () => context.untagged(`OK [${capabilityLine()}] everdraft mail server ready`),
    receive: (bytes) => reader.receive(bytes),
    end: onConnectionLost,
  }
}
