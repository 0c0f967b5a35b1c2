import {
  type Capability,
  createEndpoint,
  createFaultScript,
  createImapSession,
  createMailStore,
  type EndpointPort,
  type FaultScript,
  type Mailbox,
  type MailStore,
  type NewMessage,
  type ProtocolSession,
  resolveCapabilities,
  type StoredMessage,
} from '@everdraft/mailserver'

import { headerOf, headOf } from './message-format.ts'
import { createSimJournal } from './server-journal.ts'
import type { Trace } from './trace.ts'

const byHand: Doing = { verb: 'by hand', searchedForDeletedMs: 0 }

export const mailUser = { name: 'ann', password: 'secret' } as const

/** Whose hand: a session of the engine, some other program on the same mailbox, or the server, which files sent mail. */
export type Hand = 'engine' | 'foreign' | 'provider'

/** A message, as it was when it came. Its octets, as an object, name it for ever: UIDs are given out anew. */
export interface Arrival {
  readonly by: Hand
  /** Counts all arrivals. */
  readonly order: number
  readonly messageId: string | null
  /** `X-Everdraft-Id`. */
  readonly draftId: string | null
  readonly bytes: Uint8Array
}

/** What was done to a message that was there. */
export interface Loss {
  readonly how: 'removed' | 'marked-deleted'
  readonly by: Hand
  readonly arrival: Arrival
  readonly folder: string
  readonly uidValidity: number
  readonly uid: number
  /** The command that did it, for losses by the engine. */
  readonly verb: string
  readonly atMs: number
  /** How many messages had come by then. */
  readonly arrivals: number
  /** When this connection last asked which messages are marked: a plain EXPUNGE cannot know of later marks. */
  readonly searchedForDeletedMs: number
}

/** What a connection is doing. */
interface Doing {
  verb: string
  searchedForDeletedMs: number
}

interface LiveCopy {
  readonly arrival: Arrival
  readonly folder: string
  readonly uidValidity: number
  readonly uid: number
  readonly deleted: boolean
}

/** The mailbox that everything is about, with a record of who did what in it: as one device sees it, to which all others are foreign. */
export interface SimServer {
  readonly faults: FaultScript
  readonly capabilities: ReadonlySet<string>
  readonly store: MailStore
  /** The same mail through another hand. */
  readonly foreign: MailStore
  /** The same mail as a hand uses it that does something: noted, then done. */
  through(by: Hand, doing: Doing): MailStore
  readonly losses: readonly Loss[]
  arrivalOf(message: StoredMessage): Arrival | undefined
  /** How many have come. */
  readonly arrivals: number
  /** How many of them another program has put into Drafts. */
  readonly foreignArrivals: number
  /** How many of them the engine's last FETCH or SEARCH could see. */
  seenArrivals: number
  /** Keeps all mail as it is now. */
  backUp(): void
  /** As it was at the last backup, with the UIDVALIDITYs and UIDNEXTs of then; all connections end. */
  restore(): void
  /** Grows with all that happens. */
  readonly changes: number
  /** What the device has stored, also what is gone. */
  readonly uploads: readonly Arrival[]
  /** What came over the device's connections, in bytes. */
  readonly receivedBytes: number
  /** What other hands did to the folders and in them, each message by itself. */
  readonly foreignChanges: number
  connect(port: EndpointPort, doing: Doing): ProtocolSession
  /** All messages, in all folders. */
  copies(): readonly LiveCopy[]
}

/** The server, for as many devices as there are: the n-th gets what the n-th call gives. */
export function createServer(options: {
  readonly without: readonly Capability[]
  readonly withDraftsFolder: boolean
  readonly appendLimitBytes: number | null
  readonly now: () => number
  readonly trace: Trace
}): () => SimServer {
  const { now, trace } = options
  const capabilities = resolveCapabilities({ without: options.without })
  const faults = createFaultScript()
  let uidValidity = 1000
  let journal = createSimJournal()
  let backup = journal
  let store = open()

  function open(): MailStore {
    return createMailStore({
      users: [mailUser],
      proposeUidValidity: () => (uidValidity += 1),
      mailboxes: [
        { name: 'INBOX' },
        ...(options.withDraftsFolder ? [{ name: 'Drafts', specialUse: '\\Drafts', subscribed: true }] : []),
        { name: 'Sent', specialUse: '\\Sent', subscribed: true },
      ],
      journal,
    })
  }

  const ends = new Set<() => void>()
  const views: View[] = []
  let changes = 0

  function note(line: string): void {
    changes += 1
    trace.add(line)
  }

  function lose(how: Loss['how'], whose: Whose, doing: Doing, mailbox: Mailbox, message: StoredMessage): void {
    for (const view of views) {
      const arrival = view.arrivals.get(message.bytes)
      if (arrival === undefined) throw new Error(`a message that never came: UID ${message.uid}`)
      if (handOf(whose, view) !== 'engine') view.foreignChanges += 1
      const where = { folder: mailbox.name, uidValidity: mailbox.uidValidity, uid: message.uid }
      const then = { atMs: now(), arrivals: view.arrivals.size }
      view.losses.push({ how, by: handOf(whose, view), arrival, ...where, ...doing, ...then })
    }
    const messageId = headerOf(headOf(message.bytes), 'Message-ID')
    note(`server: ${nameOf(whose)} ${doing.verb}: UID ${message.uid} ${how}, ${messageId ?? 'without Message-ID'}`)
  }

  /** The store as one hand uses it: what it does is noted, then done. */
  function through(by: Whose, doing: Doing): MailStore {
    return {
      ...store,
      append(mailbox: Mailbox, message: NewMessage, replacing) {
        const old = replacing?.mailbox.get(replacing.uid)
        const outcome = store.append(mailbox, message, replacing)
        if (!outcome.ok) return outcome
        const stored = mailbox.get(outcome.value)
        if (stored === undefined) throw new Error('stored, and not there')
        const head = headOf(message.bytes)
        const messageId = headerOf(head, 'Message-ID')
        const draftId = headerOf(head, 'X-Everdraft-Id')
        for (const view of views) {
          const hand = handOf(by, view)
          if (hand !== 'engine') view.foreignChanges += 1
          const order = view.arrivals.size
          view.arrivals.set(stored.bytes, { by: hand, order, messageId, draftId, bytes: message.bytes })
          if (hand === 'foreign' && mailbox.name !== 'Sent') view.foreignArrivals += 1
        }
        note(`server: ${nameOf(by)} ${doing.verb}: UID ${stored.uid} stored, ${messageId ?? 'without Message-ID'}`)
        if (replacing !== undefined && old !== undefined) lose('removed', by, doing, replacing.mailbox, old)
        return outcome
      },
      setFlags(mailbox, flagChanges) {
        const before = flagChanges.map(({ uid }) => mailbox.get(uid))
        store.setFlags(mailbox, flagChanges)
        for (const message of before) {
          if (message === undefined || isDeleted(message)) continue
          const after = mailbox.get(message.uid)
          if (after !== undefined && isDeleted(after)) lose('marked-deleted', by, doing, mailbox, after)
        }
      },
      expunge(mailbox, uids) {
        const gone = uids.flatMap((uid) => mailbox.get(uid) ?? [])
        store.expunge(mailbox, uids)
        for (const message of gone) lose('removed', by, doing, mailbox, message)
      },
      deleteMailbox(user, name) {
        const mailbox = store.find(user, name)
        const gone = mailbox?.messages() ?? []
        const outcome = store.deleteMailbox(user, name)
        if (mailbox !== undefined && outcome.ok) {
          note(`server: ${nameOf(by)} deletes ${name}`)
          for (const message of gone) lose('removed', by, { ...doing, verb: 'DELETE' }, mailbox, message)
        }
        return outcome
      },
      createMailbox(user, name, specialUse) {
        const outcome = store.createMailbox(user, name, specialUse)
        if (outcome.ok) note(`server: ${nameOf(by)} makes ${name}, UIDVALIDITY ${outcome.value.uidValidity}`)
        return outcome
      },
      resetUidValidity(mailbox) {
        store.resetUidValidity(mailbox)
        // All of it has to be found again.
        for (const view of views) view.foreignChanges += 1 + mailbox.messages().length
        note(`server: ${mailbox.name} has UIDVALIDITY ${mailbox.uidValidity}`)
      },
      move(source, uids, target) {
        const gone = uids.flatMap((uid) => source.get(uid) ?? [])
        const outcome = store.move(source, uids, target)
        if (outcome.ok) for (const message of gone) lose('removed', by, doing, source, message)
        return outcome
      },
    }
  }

  function restore(): void {
    note('server: restored from a backup')
    for (const end of ends) end()
    ends.clear()
    const before = views.map((view) => copies(view))
    for (const [index, view] of views.entries()) view.foreignChanges += 1 + (before[index]?.length ?? 0)
    journal = backup.copy()
    store = open()
    for (const [index, view] of views.entries()) {
      const after = new Set(copies(view).map((copy) => copy.arrival))
      // What the restored mailbox has no more was taken away by whoever restored it.
      for (const { arrival, deleted: _deleted, ...where } of before[index] ?? []) {
        if (after.has(arrival)) continue
        const then = { atMs: now(), arrivals: view.arrivals.size }
        view.losses.push({ how: 'removed', by: 'foreign', arrival, ...where, ...byHand, verb: 'restore', ...then })
      }
    }
  }

  function copies({ arrivals }: View): readonly LiveCopy[] {
    return store.mailboxes(mailUser.name).flatMap((mailbox) =>
      mailbox.messages().flatMap((message) => {
        const arrival = arrivals.get(message.bytes)
        if (arrival === undefined) return []
        const { name: folder, uidValidity: validity } = mailbox
        return [{ arrival, folder, uidValidity: validity, uid: message.uid, deleted: isDeleted(message) }]
      }),
    )
  }

  return () => {
    const view: View = {
      device: views.length,
      arrivals: new Map(views[0]?.arrivals),
      losses: [],
      foreignArrivals: 0,
      foreignChanges: 0,
      receivedBytes: 0,
    }
    views.push(view)
    const by = (hand: Hand): Whose => (hand === 'engine' ? view.device : hand)
    return {
      faults,
      capabilities,
      get store() {
        return store
      },
      through: (hand, doing) => through(by(hand), doing),
      get foreign() {
        return through('foreign', byHand)
      },
      losses: view.losses,
      arrivalOf: (message) => view.arrivals.get(message.bytes),
      get arrivals() {
        return view.arrivals.size
      },
      get foreignArrivals() {
        return view.foreignArrivals
      },
      get receivedBytes() {
        return view.receivedBytes
      },
      get uploads() {
        return [...view.arrivals.values()].filter((arrival) => arrival.by === 'engine')
      },
      get foreignChanges() {
        return view.foreignChanges
      },
      seenArrivals: 0,
      backUp() {
        backup = journal.copy()
        note('server: backed up')
      },
      restore,
      get changes() {
        return changes
      },
      connect(port, doing) {
        const { appendLimitBytes } = options
        const endpoint = createEndpoint({
          faults: faults.connect('imap'),
          port,
          session: (sessionPort) =>
            createImapSession({
              store: through(view.device, doing),
              capabilities,
              port: sessionPort,
              now,
              ...(appendLimitBytes === null ? {} : { appendLimitBytes }),
            }),
        })
        ends.add(() => {
          endpoint.end()
          port.close('rst')
        })
        return {
          ...endpoint,
          receive(bytes) {
            view.receivedBytes += bytes.length
            endpoint.receive(bytes)
          },
        }
      },
      copies: () => copies(view),
    }
  }
}

export function isDeleted(message: StoredMessage): boolean {
  return message.flags.includes('\\Deleted')
}

/** A device by its number, or a hand that is foreign to all of them. */
type Whose = number | Exclude<Hand, 'engine'>

interface View {
  readonly device: number
  readonly arrivals: Map<Uint8Array, Arrival>
  readonly losses: Loss[]
  foreignArrivals: number
  foreignChanges: number
  receivedBytes: number
}

function handOf(whose: Whose, { device }: View): Hand {
  if (typeof whose === 'string') return whose
  return whose === device ? 'engine' : 'foreign'
}

function nameOf(whose: Whose): string {
  if (typeof whose === 'string') return whose
  return whose === 0 ? 'engine' : `engine ${whose + 1}`
}
