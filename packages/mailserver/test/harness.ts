import {
  createEndpoint,
  createFaultScript,
  createImapSession,
  createLabelStore,
  createMailStore,
  createSentFiler,
  createSmtpSession,
  deliverLocally,
  resolveCapabilities,
  type CapabilityOptions,
  type CutBy,
  type FaultScript,
  type InitialMailbox,
  type MailStore,
  type MailUser,
  type Quirks,
  type StoreJournal,
  type Submission,
} from '../src/index.ts'

export const latin1 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'))
export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

export const users: readonly MailUser[] = [
  { name: 'alice', password: 'secret' },
  { name: 'bob', password: 'secret' },
]

export type WorldOptions = CapabilityOptions & {
  readonly appendLimitBytes?: number
  readonly users?: readonly MailUser[]
  readonly mailboxes?: readonly InitialMailbox[]
  readonly journal?: StoreJournal
  readonly maxMessageBytes?: number
  readonly longestHoldSeconds?: number
  readonly quirks?: Quirks
}

/** One end of a simulated connection: everything happens inside `send`. */
export type TestClient = {
  /** Octets in; what came back since the last call. */
  send(bytes: Uint8Array | string): string
  /** A command line with CRLF; what came back. */
  run(line: string): string
  /** A command with literals, in the synchronizing form: texts and literals in turn. */
  runWithLiterals(...parts: readonly string[]): string
  /** What came unasked since the last call. */
  unasked(): string
  readonly closed: CutBy | undefined
  /** The session has asked for it; the octets here stay plain. */
  readonly compressing: boolean
}

export type World = {
  readonly store: MailStore
  readonly faults: FaultScript
  readonly submissions: readonly Submission[]
  imap(): TestClient
  smtp(): TestClient
  /** Logged in as alice, or another user. */
  login(user?: string): TestClient
  selected(mailbox?: string, user?: string): TestClient
  /** Lets that much time pass for delayed replies. */
  advance(ms: number): void
}

/** Servers without sockets or clocks: the same core that listens on TCP. */
export function createWorld(options: WorldOptions = {}): World {
  let nowMs = Date.UTC(2024, 0, 2, 3, 4, 5)
  const timers: { dueMs: number; task: () => void }[] = []
  const faults = createFaultScript()
  const submissions: Submission[] = []
  const capabilities = resolveCapabilities({
    ...(options.capabilities === undefined ? {} : { capabilities: options.capabilities }),
    ...(options.without === undefined ? {} : { without: options.without }),
  })
  let uidValidity = 1000
  const { quirks = {} } = options
  const plainStore = createMailStore({
    users: options.users ?? users,
    proposeUidValidity: () => uidValidity++,
    reusesUidValidity: quirks.reusesUidValidity === true,
    ...(options.mailboxes === undefined ? {} : { mailboxes: options.mailboxes }),
    ...(options.journal === undefined ? {} : { journal: options.journal }),
  })
  const store = quirks.archivesExpunged === true ? createLabelStore(plainStore) : plainStore
  const now = (): number => nowMs
  const schedule = (delayMs: number, task: () => void): void => void timers.push({ dueMs: nowMs + delayMs, task })
  const sentFiler =
    quirks.filesSentCopies === undefined ? undefined : createSentFiler(store, quirks.filesSentCopies, schedule)

  function connect(protocol: 'imap' | 'smtp'): TestClient {
    let received = ''
    let closed: CutBy | undefined
    let compressing = false
    const endpoint = createEndpoint({
      faults: faults.connect(protocol),
      port: {
        send: (bytes) => {
          received += text(bytes)
        },
        close: (by) => {
          closed = by
        },
        startCompression: () => {
          compressing = true
        },
        schedule,
      },
      session: (port) => {
        if (protocol === 'imap') {
          const { appendLimitBytes } = options
          return createImapSession({
            store,
            capabilities,
            port,
            now,
            quirks,
            ...(appendLimitBytes === undefined ? {} : { appendLimitBytes }),
          })
        }
        return createSmtpSession({
          store,
          port,
          now,
          maxMessageBytes: options.maxMessageBytes ?? 1_000_000,
          requireAuthentication: true,
          longestHoldSeconds: options.longestHoldSeconds,
          accept: (submission) => {
            deliverLocally(store, submission)
            submissions.push(submission)
            sentFiler?.onSubmission(submission)
          },
        })
      },
    })
    endpoint.start()
    const unasked = (): string => {
      const all = received
      received = ''
      return all
    }
    const send = (bytes: Uint8Array | string): string => {
      endpoint.receive(typeof bytes === 'string' ? latin1(bytes) : bytes)
      return unasked()
    }
    return {
      send,
      unasked,
      run: (line) => send(`${line}\r\n`),
      runWithLiterals: (...parts) => {
        let answer = ''
        for (const [index, part] of parts.entries()) {
          if (index % 2 === 1) {
            endpoint.receive(latin1(part))
            continue
          }
          const next = parts[index + 1]
          answer += send(next === undefined ? `${part}\r\n` : `${part}{${next.length}}\r\n`)
          if (next !== undefined && !answer.endsWith('+ OK\r\n')) return answer
          answer = answer.replace('+ OK\r\n', '')
        }
        return answer
      },
      get closed() {
        return closed
      },
      get compressing() {
        return compressing
      },
    }
  }

  const login = (user = 'alice'): TestClient => {
    const client = connect('imap')
    client.unasked()
    client.run(`in LOGIN ${user} secret`)
    return client
  }

  return {
    store,
    faults,
    submissions,
    imap: () => connect('imap'),
    smtp: () => connect('smtp'),
    login,
    selected: (mailbox = 'Drafts', user = 'alice') => {
      const client = login(user)
      client.run(`sel SELECT ${mailbox}`)
      return client
    },
    advance: (ms) => {
      nowMs += ms
      for (const timer of timers.splice(0)) {
        if (timer.dueMs <= nowMs) timer.task()
        else timers.push(timer)
      }
    },
  }
}

export const message = (subject: string, body = 'body'): string =>
  `From: Alice <alice@example.test>\r\nTo: bob@example.test\r\nSubject: ${subject}\r\n` +
  `Message-ID: <${subject}@example.test>\r\nDate: Tue, 2 Jan 2024 03:04:05 +0000\r\n\r\n${body}\r\n`

/** Stores a message through IMAP and returns what the server said. */
export const append = (client: TestClient, mailbox: string, octets: string, flags = '()'): string =>
  client.runWithLiterals(`app APPEND ${mailbox} ${flags} `, octets, '')

export const lines = (answer: string): readonly string[] => answer.split('\r\n').filter((line) => line !== '')

export const uidsOf = (world: World, mailbox = 'Drafts', user = 'alice'): readonly number[] =>
  world.store
    .find(user, mailbox)
    ?.messages()
    .map(({ uid }) => uid) ?? []

export const bytesOf = (world: World, uid: number, mailbox = 'Drafts'): string | undefined => {
  const found = world.store
    .find('alice', mailbox)
    ?.messages()
    .find((each) => each.uid === uid)
  return found === undefined ? undefined : text(found.bytes)
}
