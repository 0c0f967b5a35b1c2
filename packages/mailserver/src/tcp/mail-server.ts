import { resolveCapabilities } from '../capabilities.ts'
import { createDiskJournal } from '../disk/journal.ts'
import { createFaultScript, type FaultScript } from '../faults/script.ts'
import { createImapSession } from '../imap/session.ts'
import { deliverLocally } from '../smtp/delivery.ts'
import type { Submission } from '../smtp/envelope.ts'
import { createSentFiler } from '../smtp/sent-copy.ts'
import { createSmtpSession } from '../smtp/session.ts'
import type { Mailbox } from '../store/mailbox.ts'
import type { StoredMessage } from '../store/message.ts'
import { createLabelStore } from '../store/label-store.ts'
import { createMailStore, type MailStore } from '../store/store.ts'
import { listenOn, type Listener } from './connections.ts'
import { assertMailServerOptions, type MailServerOptions } from './options.ts'

const DEFAULT_SUBMISSION_BYTES = 50 * 1024 * 1024

export type ListenOptions = {
  /** 127.0.0.1 if left out. */
  readonly host?: string
  /** If left out: the port of the last time, or any free one. */
  readonly imapPort?: number
  readonly smtpPort?: number
}

/** Timers overflow above it. */
const longestTimerMs = 2 ** 31 - 1

export type MailServer = {
  readonly store: MailStore
  readonly faults: FaultScript
  /** All mail that was accepted by SMTP since the server was created, oldest first. */
  readonly submissions: readonly Submission[]
  /** The port listened on, now or last; 0 before the first time. */
  readonly imapPort: number
  readonly smtpPort: number
  listen(options?: ListenOptions): Promise<void>
  /** Ends all connections and frees the ports. The mail stays, and `listen` may be called again. */
  close(): Promise<void>
  /** Neither reads nor writes until `resume`: to clients, a network that hangs. Connections are still accepted. */
  pause(): void
  resume(): void
  /** What is in a mailbox, ascending by UID. */
  mailbox(user: string, name: string): readonly StoredMessage[]
  /** Gives a mailbox a new UIDVALIDITY and its messages UIDs from 1; sessions that have it selected are ended. */
  resetUidValidity(user: string, name: string): void
}

export function createMailServer(options: MailServerOptions): MailServer {
  assertMailServerOptions(options)
  const capabilities = resolveCapabilities(options)
  const now = options.now ?? Date.now
  const faults = createFaultScript()
  const submissions: Submission[] = []
  const { quirks = {} } = options
  const plainStore = createMailStore({
    users: options.users,
    proposeUidValidity: options.proposeUidValidity ?? (() => Math.floor(now() / 1000)),
    reusesUidValidity: quirks.reusesUidValidity === true,
    ...(options.mailboxes === undefined ? {} : { mailboxes: options.mailboxes }),
    ...(options.folder === undefined ? {} : { journal: createDiskJournal(options.folder) }),
  })
  const store = quirks.archivesExpunged === true ? createLabelStore(plainStore) : plainStore
  const timers = new Set<NodeJS.Timeout>()
  const sentFiler =
    quirks.filesSentCopies === undefined ? undefined : createSentFiler(store, quirks.filesSentCopies, schedule)
  let listeners: readonly Listener[] = []
  let listening = false
  let hasListened = false
  let imapPort = 0
  let smtpPort = 0

  function schedule(delayMs: number, task: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer)
      task()
    }, delayMs)
    timers.add(timer)
  }

  function mailboxOf(user: string, name: string): Mailbox {
    const mailbox = store.find(user, name)
    if (mailbox === undefined) throw new Error(`${user} has no mailbox "${name}"`)
    return mailbox
  }

  async function listen({ host = '127.0.0.1', ...ports }: ListenOptions = {}): Promise<void> {
    if (listening) throw new Error('the mail server is listening already')
    listening = true
    if (hasListened && quirks.forgetsAtRestart !== undefined) {
      store.forget(quirks.forgetsAtRestart === 'with-same-uid-validity' ? 'same' : 'new')
    }
    hasListened = true
    try {
      const imap = await listenOn(host, ports.imapPort ?? imapPort, {
        protocol: 'imap',
        faults,
        session: (port) => {
          const { appendLimitBytes } = options
          const limit = appendLimitBytes === undefined ? {} : { appendLimitBytes }
          return createImapSession({ store, capabilities, port, now, quirks, ...limit })
        },
      })
      listeners = [imap]
      const smtp = await listenOn(host, ports.smtpPort ?? smtpPort, {
        protocol: 'smtp',
        faults,
        session: (port) =>
          createSmtpSession({
            store,
            port,
            now,
            maxMessageBytes: options.smtp?.maxMessageBytes ?? DEFAULT_SUBMISSION_BYTES,
            requireAuthentication: options.smtp?.requireAuthentication ?? true,
            longestHoldSeconds: options.smtp?.longestHoldSeconds,
            accept: (submission) => {
              const { holdUntilMs } = submission.envelope
              const deliver = (): void => deliverLocally(store, submission)
              if (holdUntilMs === undefined) deliver()
              else schedule(Math.min(holdUntilMs - now(), longestTimerMs), deliver)
              submissions.push(submission)
              sentFiler?.onSubmission(submission)
            },
          }),
      })
      listeners = [imap, smtp]
      imapPort = imap.port
      smtpPort = smtp.port
    } catch (error) {
      await close()
      throw error
    }
  }

  async function close(): Promise<void> {
    const open = listeners
    listeners = []
    for (const timer of timers) clearTimeout(timer)
    timers.clear()
    await Promise.all(open.map((listener) => listener.close()))
    listening = false
  }

  return {
    store,
    faults,
    submissions,
    get imapPort() {
      return imapPort
    },
    get smtpPort() {
      return smtpPort
    },
    listen,
    close,
    pause: () => {
      for (const listener of listeners) listener.pause()
    },
    resume: () => {
      for (const listener of listeners) listener.resume()
    },
    mailbox: (user, name) => mailboxOf(user, name).messages(),
    resetUidValidity: (user, name) => store.resetUidValidity(mailboxOf(user, name)),
  }
}
