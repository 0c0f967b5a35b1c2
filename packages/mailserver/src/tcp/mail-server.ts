import { MailServerOptionError, resolveCapabilities, type CapabilityOptions } from '../capabilities.ts'
import { createFaultScript, type FaultScript } from '../faults/script.ts'
import { createImapSession } from '../imap/session.ts'
import type { StoreJournal } from '../store/journal.ts'
import type { StoredMessage } from '../store/message.ts'
import { createMailStore, type InitialMailbox, type MailStore, type MailUser } from '../store/store.ts'
import { listenOn, type Listener } from './connections.ts'

export type MailServerOptions = CapabilityOptions & {
  readonly users: readonly MailUser[]
  readonly mailboxes?: readonly InitialMailbox[]
  /** The largest message taken, in octets (RFC 7889). */
  readonly appendLimitBytes?: number
  /** Where the mail is kept; in memory if left out. */
  readonly journal?: StoreJournal
  readonly now?: () => number
  readonly proposeUidValidity?: () => number
}

export type ListenOptions = {
  readonly host?: string
  readonly imapPort?: number
  readonly smtpPort?: number
}

export type MailServer = {
  readonly store: MailStore
  readonly faults: FaultScript
  /** The ports listened on; after `close`, the ports listened on last. */
  readonly imapPort: number
  listen(options?: ListenOptions): Promise<void>
  /** Ends all connections and frees the ports. The mail stays: `listen` may be called again. */
  close(): Promise<void>
  mailbox(user: string, name: string): readonly StoredMessage[]
  resetUidValidity(user: string, name: string): void
}

export function createMailServer(options: MailServerOptions): MailServer {
  const capabilities = resolveCapabilities(options)
  const now = options.now ?? Date.now
  const faults = createFaultScript()
  const store = createMailStore({
    users: options.users,
    ...(options.mailboxes === undefined ? {} : { mailboxes: options.mailboxes }),
    ...(options.journal === undefined ? {} : { journal: options.journal }),
    proposeUidValidity: options.proposeUidValidity ?? (() => Math.floor(now() / 1000)),
  })
  let imap: Listener | undefined
  let imapPort = 0

  const mailboxOf = (user: string, name: string): ReturnType<MailStore['find']> & object => {
    const mailbox = store.find(user, name)
    if (mailbox === undefined) throw new MailServerOptionError('mailbox', `${user} has no mailbox "${name}"`)
    return mailbox
  }

  return {
    store,
    faults,
    get imapPort() {
      return imapPort
    },
    listen: async ({ host = '127.0.0.1', imapPort: wanted = 0 } = {}) => {
      if (imap !== undefined) throw new Error('the mail server is listening already')
      imap = await listenOn(host, wanted, {
        protocol: 'imap',
        faults,
        session: (port) =>
          createImapSession({
            store,
            capabilities,
            port,
            now,
            ...(options.appendLimitBytes === undefined ? {} : { appendLimitBytes: options.appendLimitBytes }),
          }),
      })
      imapPort = imap.port
    },
    close: async () => {
      await imap?.close()
      imap = undefined
    },
    mailbox: (user, name) => mailboxOf(user, name).messages(),
    resetUidValidity: (user, name) => store.resetUidValidity(mailboxOf(user, name)),
  }
}
