import { createMemoryJournal, type StoreEntry, type StoreJournal } from './journal.ts'
import type { Mailbox, MailboxEvent, MailboxState } from './mailbox.ts'
import { asBlobId, asMailboxId, asUid, asUidValidity, type BlobId, type StoredMessage, type Uid } from './message.ts'
import { canonicalName, isChildOf, isValidName, SEPARATOR } from './names.ts'
import { blobsOf, createStoreState, replayJournal, snapshotOf } from './snapshot.ts'

export type MailUser = {
  readonly name: string
  readonly password: string
  /** All messages of the user together; beyond it APPEND and COPY are refused with OVERQUOTA (RFC 5530). */
  readonly quotaBytes?: number
  /** Where mail for this user is sent to; if left out, the user's name at any domain. */
  readonly addresses?: readonly string[]
}

export type InitialMailbox = { readonly name: string; readonly specialUse?: string; readonly subscribed?: boolean }

export type NewMessage = {
  readonly bytes: Uint8Array
  readonly flags: readonly string[]
  readonly internalDateMs: number
}

export type StoreRefusal = 'nonexistent' | 'already-exists' | 'invalid-name' | 'inbox' | 'over-quota'
export type StoreOutcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: StoreRefusal }

export type CopiedUid = { readonly from: Uid; readonly to: Uid }
export type FlagChange = { readonly uid: Uid; readonly flags: readonly string[] }
export type MessageRef = { readonly mailbox: Mailbox; readonly uid: Uid }

/**
 * All users' mail. Every method that changes something is one transaction: it is journaled whole, then applied, and then
 * the listeners of the mailboxes concerned hear of it, all before the method returns.
 */
export type MailStore = {
  readonly users: readonly MailUser[]
  authenticate(name: string, password: string): string | undefined
  /** In order of creation. */
  mailboxes(user: string): readonly Mailbox[]
  find(user: string, name: string): Mailbox | undefined
  subscriptions(user: string): ReadonlySet<string>
  /** What the user may keep; undefined: as much as there is. */
  quotaBytes(user: string): number | undefined
  /** What all messages of the user are together. */
  usedBytes(user: string): number
  setSubscribed(user: string, name: string, subscribed: boolean): void
  createMailbox(user: string, name: string, specialUse?: readonly string[]): StoreOutcome<Mailbox>
  deleteMailbox(user: string, name: string): StoreOutcome<undefined>
  renameMailbox(user: string, from: string, to: string): StoreOutcome<undefined>
  /** `replacing` goes in the same transaction: there is at no time both or neither (RFC 8508). */
  append(mailbox: Mailbox, message: NewMessage, replacing?: MessageRef): StoreOutcome<Uid>
  setFlags(mailbox: Mailbox, changes: readonly FlagChange[]): void
  expunge(mailbox: Mailbox, uids: readonly Uid[]): void
  copy(source: Mailbox, uids: readonly Uid[], target: Mailbox): StoreOutcome<readonly CopiedUid[]>
  /** A copy and an expunge in one transaction (RFC 6851). */
  move(source: Mailbox, uids: readonly Uid[], target: Mailbox): StoreOutcome<readonly CopiedUid[]>
  /**
   * Runs a task, and tells listeners of new and changed messages only when it has ended: a session answers its own
   * client before others hear of what that client did.
   */
  holdingNews(task: () => void): void
  /** Everything is as for new users: no mail, and the mailboxes made anew, under new UIDVALIDITYs or the old ones. */
  forget(uidValidity: 'new' | 'same'): void
  /** A new UIDVALIDITY; the messages stay and their UIDs restart at 1. */
  resetUidValidity(mailbox: Mailbox): void
}

export const defaultMailboxes: readonly InitialMailbox[] = [
  { name: 'INBOX' },
  { name: 'Drafts', specialUse: '\\Drafts', subscribed: true },
  { name: 'Sent', specialUse: '\\Sent', subscribed: true },
  { name: 'Trash', specialUse: '\\Trash', subscribed: true },
]

export type MailStoreOptions = {
  readonly users: readonly MailUser[]
  /** What a user starts with; INBOX is always there. */
  readonly mailboxes?: readonly InitialMailbox[]
  /**
   * Proposes a UIDVALIDITY for a new mailbox. The store takes a greater one if it has used that before: the same
   * name must not come back with an old value (RFC 3501 §2.3.1.1).
   */
  readonly proposeUidValidity: () => number
  /** See `Quirks`: against the rule above, a name that comes back has its old value. */
  readonly reusesUidValidity?: boolean
  readonly journal?: StoreJournal
}

const done = <T>(value: T): StoreOutcome<T> => ({ ok: true, value })

const refused = (refusal: StoreRefusal): { readonly ok: false; readonly refusal: StoreRefusal } => ({
  ok: false,
  refusal,
})

const octetsFrom =
  (octets: ReadonlyMap<BlobId, Uint8Array>) =>
  (blob: BlobId): Uint8Array => {
    const bytes = octets.get(blob)
    if (bytes === undefined) throw new Error(`a transaction names octets it does not bring (${blob})`)
    return bytes
  }

const formerKey = (user: string, name: string): string => `${user}\0${name}`

export function createMailStore(options: MailStoreOptions): MailStore {
  const { users, proposeUidValidity } = options
  const journal = options.journal ?? createMemoryJournal()
  const state = createStoreState()
  replayJournal(state, journal)
  journal.compact(snapshotOf(state), blobsOf(state))

  const mailboxesOf = (user: string): readonly Mailbox[] =>
    [...state.mailboxes.values()].map(({ mailbox }) => mailbox).filter((mailbox) => mailbox.user === user)
  const find = (user: string, name: string): Mailbox | undefined => {
    const wanted = canonicalName(name)
    return mailboxesOf(user).find((mailbox) => mailbox.name === wanted)
  }
  let newsHeld = 0
  const heldNews = new Set<MailboxState>()

  function commit(
    entries: readonly StoreEntry[],
    touched: ReadonlyMap<Mailbox, MailboxEvent>,
    octets: ReadonlyMap<BlobId, Uint8Array> = new Map(),
    releasing: readonly StoredMessage[] = [],
  ): void {
    journal.append(entries)
    const listening = [...touched].map(([mailbox, event]) => ({ states: state.mailboxes.get(mailbox.id), event }))
    for (const entry of entries) state.apply(entry, octetsFrom(octets))
    for (const { blob } of releasing) if (state.holders(blob) === 0) journal.removeBlob(blob)
    for (const { states, event } of listening) {
      if (states === undefined) continue
      // What ends a session cannot wait: its UIDs or its mailbox are void from now on.
      if (event === 'changed' && newsHeld > 0) heldNews.add(states)
      else states.notify(event)
    }
  }

  function holdingNews(task: () => void): void {
    newsHeld++
    try {
      task()
    } finally {
      newsHeld--
      if (newsHeld === 0) {
        const held = [...heldNews]
        heldNews.clear()
        for (const states of held) states.notify('changed')
      }
    }
  }

  let mailboxIdsTaken = 0
  const newUidValidity = (): number => Math.max(proposeUidValidity(), state.lastUidValidity + 1)
  const creation = (user: string, name: string, specialUse: readonly string[], uidValidity: number): StoreEntry => ({
    kind: 'mailbox-created',
    user,
    id: asMailboxId(state.nextMailboxId + mailboxIdsTaken++),
    name,
    uidValidity: asUidValidity(uidValidity),
    specialUse,
  })
  const commitCreations = (entries: readonly StoreEntry[]): void => {
    commit(entries, new Map())
    mailboxIdsTaken = 0
  }

  const quotaBytes = (user: string): number | undefined => users.find((each) => each.name === user)?.quotaBytes
  const usedBytes = (user: string): number => {
    let used = 0
    for (const mailbox of mailboxesOf(user)) for (const message of mailbox.messages()) used += message.bytes.length
    return used
  }
  const overQuota = (user: string, added: number, freed: number): boolean => {
    const quota = quotaBytes(user)
    return quota !== undefined && usedBytes(user) + added - freed > quota
  }

  /** UIDVALIDITYs that mailboxes had which are gone; not kept in the journal. */
  const formerValidities = new Map<string, number>()

  function deletion(mailbox: Mailbox): StoreEntry {
    formerValidities.set(formerKey(mailbox.user, mailbox.name), mailbox.uidValidity)
    return { kind: 'mailbox-deleted', id: mailbox.id }
  }

  function initialise(user: string, reusing = false): void {
    const wanted = options.mailboxes ?? defaultMailboxes
    const all = wanted.some(({ name }) => canonicalName(name) === 'INBOX') ? wanted : [{ name: 'INBOX' }, ...wanted]
    const entries: StoreEntry[] = [{ kind: 'user-initialised', user }]
    const first = newUidValidity()
    for (const [index, { name, specialUse, subscribed = false }] of all.entries()) {
      const stored = canonicalName(name)
      const former = reusing ? formerValidities.get(formerKey(user, stored)) : undefined
      entries.push(creation(user, stored, specialUse === undefined ? [] : [specialUse], former ?? first + index))
      if (subscribed) entries.push({ kind: 'subscribed', user, name: stored })
    }
    commitCreations(entries)
  }
  for (const { name } of users) if (!state.initialisedUsers.has(name)) initialise(name)

  function transfer(
    source: Mailbox,
    uids: readonly Uid[],
    target: Mailbox,
    moving: boolean,
  ): StoreOutcome<readonly CopiedUid[]> {
    const messages = uids.flatMap((uid) => source.get(uid) ?? [])
    const size = messages.reduce((sum, message) => sum + message.bytes.length, 0)
    if (!moving && overQuota(target.user, size, 0)) return refused('over-quota')
    const entries: StoreEntry[] = []
    const copied: CopiedUid[] = []
    const octets = new Map(messages.map(({ blob, bytes }) => [blob, bytes]))
    for (const { uid, flags, internalDateMs, blob } of messages) {
      const to = asUid(target.uidNext + copied.length)
      entries.push({ kind: 'appended', id: target.id, uid: to, flags, internalDateMs, blob })
      copied.push({ from: uid, to })
    }
    if (moving) for (const { uid } of messages) entries.push({ kind: 'expunged', id: source.id, uid })
    if (entries.length > 0) {
      const touched = new Map<Mailbox, MailboxEvent>([[target, 'changed']])
      if (moving) touched.set(source, 'changed')
      commit(entries, touched, octets)
    }
    return done(copied)
  }

  return {
    users,
    authenticate: (name, password) => users.find((each) => each.name === name && each.password === password)?.name,
    mailboxes: mailboxesOf,
    find,
    subscriptions: (user) => state.subscriptions.get(user) ?? new Set(),
    quotaBytes,
    usedBytes,
    setSubscribed: (user, name, subscribed) => {
      commit([{ kind: subscribed ? 'subscribed' : 'unsubscribed', user, name: canonicalName(name) }], new Map())
    },
    createMailbox: (user, name, specialUse = []) => {
      // A trailing separator announces children to come; the mailbox itself is named without it (RFC 3501 §6.3.3).
      const wanted = canonicalName(name.endsWith(SEPARATOR) ? name.slice(0, -SEPARATOR.length) : name)
      if (!isValidName(wanted)) return refused('invalid-name')
      if (find(user, wanted) !== undefined) return refused('already-exists')
      const former = options.reusesUidValidity === true ? formerValidities.get(formerKey(user, wanted)) : undefined
      commitCreations([creation(user, wanted, specialUse, former ?? newUidValidity())])
      const created = find(user, wanted)
      if (created === undefined) throw new Error(`mailbox ${wanted} was not created`)
      return done(created)
    },
    deleteMailbox: (user, name) => {
      const mailbox = find(user, name)
      if (mailbox === undefined) return refused('nonexistent')
      if (mailbox.name === 'INBOX') return refused('inbox')
      const gone = mailbox.messages()
      commit([deletion(mailbox)], new Map([[mailbox, 'deleted']]), new Map(), gone)
      return done(undefined)
    },
    renameMailbox: (user, from, to) => {
      const source = find(user, from)
      const wanted = canonicalName(to.endsWith(SEPARATOR) ? to.slice(0, -SEPARATOR.length) : to)
      const oldName = canonicalName(from)
      const children = mailboxesOf(user).filter(({ name }) => isChildOf(name, oldName))
      if (source === undefined && children.length === 0) return refused('nonexistent')
      if (!isValidName(wanted) || isChildOf(wanted, oldName)) return refused('invalid-name')
      if (find(user, wanted) !== undefined) return refused('already-exists')
      if (source?.name === 'INBOX') {
        // INBOX stays, empty, and its messages go to the new mailbox (RFC 3501 §6.3.5).
        commitCreations([creation(user, wanted, [], newUidValidity())])
        const target = find(user, wanted)
        if (target !== undefined)
          transfer(
            source,
            source.messages().map(({ uid }) => uid),
            target,
            true,
          )
        return done(undefined)
      }
      const renamed = source === undefined ? children : [source, ...children]
      const entries = renamed.map(({ id, name }): StoreEntry => {
        return { kind: 'mailbox-renamed', id, name: wanted + name.slice(oldName.length) }
      })
      commit(entries, new Map())
      return done(undefined)
    },
    append: (mailbox, message, replacing) => {
      const old = replacing?.mailbox.get(replacing.uid)
      const freed = replacing?.mailbox.user === mailbox.user ? (old?.bytes.length ?? 0) : 0
      if (overQuota(mailbox.user, message.bytes.length, freed)) return refused('over-quota')
      const blob = asBlobId(String(state.nextBlob))
      const uid = mailbox.uidNext
      journal.writeBlob(blob, message.bytes)
      const { flags, internalDateMs } = message
      const entries: StoreEntry[] = [{ kind: 'appended', id: mailbox.id, uid, flags, internalDateMs, blob }]
      const touched = new Map<Mailbox, MailboxEvent>([[mailbox, 'changed']])
      if (replacing !== undefined) {
        entries.push({ kind: 'expunged', id: replacing.mailbox.id, uid: replacing.uid })
        touched.set(replacing.mailbox, 'changed')
      }
      commit(entries, touched, new Map([[blob, message.bytes]]), old === undefined ? [] : [old])
      return done(uid)
    },
    setFlags: (mailbox, changes) => {
      const entries = changes.map(({ uid, flags }): StoreEntry => ({ kind: 'flags-set', id: mailbox.id, uid, flags }))
      if (entries.length > 0) commit(entries, new Map([[mailbox, 'changed']]))
    },
    expunge: (mailbox, uids) => {
      const gone = uids.flatMap((uid) => mailbox.get(uid) ?? [])
      const entries = gone.map(({ uid }): StoreEntry => ({ kind: 'expunged', id: mailbox.id, uid }))
      if (entries.length > 0) commit(entries, new Map([[mailbox, 'changed']]), new Map(), gone)
    },
    holdingNews,
    copy: (source, uids, target) => transfer(source, uids, target, false),
    move: (source, uids, target) => transfer(source, uids, target, true),
    forget: (uidValidity) => {
      for (const { name } of users) {
        const mailboxes = mailboxesOf(name)
        const ended = mailboxes.map((mailbox) => [mailbox, 'deleted'] as const)
        const gone = mailboxes.flatMap((mailbox) => mailbox.messages())
        commit(mailboxes.map(deletion), new Map(ended), new Map(), gone)
        initialise(name, uidValidity === 'same')
      }
    },
    resetUidValidity: (mailbox) => {
      commit(
        [{ kind: 'uid-validity-reset', id: mailbox.id, uidValidity: asUidValidity(newUidValidity()) }],
        new Map([[mailbox, 'uid-validity-reset']]),
      )
    },
  }
}
