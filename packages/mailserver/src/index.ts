// Over TCP, and in a folder.
export { createMailServer } from './tcp/mail-server.ts'
export type { ListenOptions, MailServer } from './tcp/mail-server.ts'
export type { MailServerOptions } from './tcp/options.ts'
export { createDiskJournal } from './disk/journal.ts'

// Without I/O: for a simulator, which gives time, network and chance itself.
export { defaultCapabilities, knownCapabilities, MailServerOptionError, resolveCapabilities } from './capabilities.ts'
export type { Capability, CapabilityOptions, CapabilitySet } from './capabilities.ts'
export { assertQuirks } from './quirks.ts'
export type { Quirks, SentFiling } from './quirks.ts'
export { createImapSession } from './imap/session.ts'
export type { ImapSessionOptions } from './imap/session.ts'
export { createSmtpSession } from './smtp/session.ts'
export type { SmtpSessionOptions } from './smtp/session.ts'
export { deliverLocally } from './smtp/delivery.ts'
export { createSentFiler } from './smtp/sent-copy.ts'
export type { SentFiler } from './smtp/sent-copy.ts'
export type { Envelope, Submission } from './smtp/envelope.ts'

export { createMailStore, defaultMailboxes } from './store/store.ts'
export type {
  CopiedUid,
  FlagChange,
  InitialMailbox,
  MailStore,
  MailStoreOptions,
  MailUser,
  MessageRef,
  NewMessage,
  StoreOutcome,
  StoreRefusal,
} from './store/store.ts'
export { createLabelStore } from './store/label-store.ts'
export { createMemoryJournal, JournalError } from './store/journal.ts'
export type { StoreEntry, StoreJournal } from './store/journal.ts'
export type { Mailbox, MailboxEvent, MailboxListener } from './store/mailbox.ts'
export { asUid, asUidValidity } from './store/message.ts'
export type { BlobId, MailboxId, StoredMessage, Uid, UidValidity } from './store/message.ts'

export { createFaultScript } from './faults/script.ts'
export type { BytesVerdict, ConnectionFaults, Fault, FaultScript } from './faults/script.ts'
export { createEndpoint } from './faults/endpoint.ts'
export type { EndpointOptions, EndpointPort } from './faults/endpoint.ts'
export type {
  BytesAction,
  BytesTrigger,
  CommandAction,
  CommandTrigger,
  ConnectAction,
  ConnectTrigger,
  CutBy,
  FaultRule,
  SessionProtocol,
} from './faults/rules.ts'
export type { CommandSighting, ProtocolSession, SessionPort } from './faults/session-port.ts'
