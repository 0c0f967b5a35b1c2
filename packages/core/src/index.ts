export * from './access.ts'
export * from './ids.ts'
export * from './environment.ts'
export * from './errors.ts'
export * from './events.ts'
export * from './draft/draft.ts'
export * from './draft/address.ts'
export * from './draft/unmodelled.ts'
export type { DraftChanges } from './draft/content.ts'
export * from './draft/reply.ts'
export type { SendProblem, SendProblemCode } from './draft/sendable.ts'
export {
  sendPhases,
  type RecipientStatus,
  type SendPhase,
  type SendReason,
  type SendRecipient,
  type SendStatus,
} from './draft/send-state.ts'
export type { MailFilters } from './responder/mail-filters.ts'
export * from './responder/outcome.ts'
export * from './responder/responder.ts'
export * from './wire/autodiscovery.ts'
export * from './wire/body-structure.ts'
export * from './wire/bounce.ts'
export type { Login, LoginInput, TokenLogin, TokenSource } from './wire/login.ts'
export * from './wire/mailbox.ts'
export * from './wire/message-format.ts'
export * from './wire/responder.ts'
export * from './wire/submission.ts'
export * from './wire/uid-set.ts'
export * from './engine/api.ts'
export * from './draft-manager/envelope.ts'
export { type ActionRow, type DraftManagerAction, draftManagerActions } from './draft-manager/actions.ts'
export { draftManagerErrors, type DraftManagerErrorCode, type ErrorRow } from './draft-manager/errors.ts'
export { draftManagerLimits } from './draft-manager/check-request.ts'
export type { TokenProvider, TokenRequest } from './engine/log-ins.ts'
export type { SecretHolder, Secrets } from './secrets.ts'
export type { Survival } from './storage/account-probes.ts'
export type { EditCost } from './sync/account-probe.ts'
export { createEngine, type EngineOptions, type EngineTiming } from './engine/engine.ts'
export type { EpochFile, OpenStorage, Storage } from './storage/storage.ts'
export type { BlobName, BlobStore, BlobWriter, ByteRange, OpenBlobStore } from './storage/blob-store.ts'
export type { Family } from './storage/family.ts'
export type { RepeatableRequest } from './storage/repeatable-request.ts'
export type { TaskStep, TaskStepKind } from './storage/task-steps.ts'
export type { Webhook, WebhookDelivery, WebhookFailure, WebhookProgress } from './storage/webhooks.ts'
export type { WebhookPolicy } from './engine/webhook-progress.ts'
export type { RetentionPolicy } from './draft/retention.ts'
export type { HousekeepingPolicy } from './engine/housekeeper.ts'
export type { MergeStrategy } from './draft/merge.ts'
export type { Bundles } from './draft-manager/bundles.ts'
export type { DraftExport, ExportDrafts, ExportOptions, ExportProgress } from './draft-manager/export.ts'
export type { MailFormat } from './draft-manager/export-mail.ts'
export type {
  ImportDrafts,
  ImportedItem,
  ImportOptions,
  ImportProgress,
  ImportReport,
} from './draft-manager/import.ts'
export type { ImportOutcome } from './draft-manager/import-draft.ts'
export { type BundleLimits } from './draft-manager/bundle.ts'
export type { Conflict } from './storage/conflicts.ts'
export type { EventPage, EventScope } from './storage/events.ts'
export type { Figures } from './storage/figures.ts'
export { inspectStore, type StoreReport } from './engine/doctor.ts'
export type { Finding, FindingCode } from './storage/doctor.ts'
