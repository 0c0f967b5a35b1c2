// The public door of the package: what tests need to prove everdraft against real servers and bad lines.
export { createProxy } from './proxy.ts'
export type {
  ByteCount,
  Cut,
  CutKind,
  CutRequest,
  Direction,
  Mark,
  Proxy,
  ProxyConnection,
  ProxyOptions,
} from './proxy.ts'
export { connectRaw, fetched, literal, quote } from './raw-imap.ts'
export type { ListedMessage, LiteralToSend, RawImap, RawLine, RawReply } from './raw-imap.ts'
export { textOf } from './imap-values.ts'
export type { ImapValue, Literal } from './imap-values.ts'
export { availability } from './servers/available.ts'
export { poorerDovecot } from './servers/poorer-dovecot.ts'
export { describeServer } from './servers/describe-server.ts'
export type {
  Availability,
  MailUser,
  RunningServer,
  ServerName,
  ServerOptions,
  ServerSupport,
} from './servers/driver.ts'
export { startServer } from './servers/start.ts'
export { exerciseMailbox } from './conformance/mailbox.ts'
export type { MailboxExpectations, MailboxSubject } from './conformance/mailbox.ts'
export { exerciseStorage } from './conformance/storage.ts'
export type { StorageExpectations, StoragePlace, StorageSubject } from './conformance/storage.ts'
export { exerciseSubmission } from './conformance/submission.ts'
export type { Delivered, SubmissionExpectations, SubmissionSubject } from './conformance/submission.ts'
export { withSmtp } from './conformance/submission-connecting.ts'
export { createSmtpSink } from './servers/smtp-sink.ts'
export type { SinkMail, SinkReply, SmtpSink, SmtpSinkOptions } from './servers/smtp-sink.ts'
export { createFaultySmtpSink } from './servers/faulty-smtp-sink.ts'
export type {
  FaultHandle,
  FaultyDelivery,
  FaultySmtpSink,
  FaultySmtpSinkOptions,
  SmtpFault,
  SmtpStep,
} from './servers/faulty-smtp-sink.ts'
