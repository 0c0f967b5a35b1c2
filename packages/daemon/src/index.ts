export { createDaemon, type Daemon, type DaemonOptions } from './daemon.ts'
export type { Access, Route } from './route-access.ts'
export type { Problem, ProblemCode } from './problems.ts'
export type { DiscoveredServerJson, DiscoveryJson } from './routes/discovery.ts'
export type { LastErrorJson, PageJson } from './fields.ts'
export type { AddressJson, DraftContentJson } from './draft-content.ts'
export type { ImportReportJson } from './routes/bundles.ts'
export type { DraftJson, DraftListItemJson, DraftSyncJson, ReviewJson } from './draft-resource.ts'
export type { AboutJson } from './routes/about.ts'
export type { AccountJson, AccountReportJson, ServerJson } from './routes/accounts.ts'
export type {
  DraftVsSentJson,
  OutcomeCountsJson,
  OutcomeTrendJson,
  ScenarioCountsJson,
  UserCountsJson,
} from './routes/analytics.ts'
export type { AttachmentJson } from './routes/attachments.ts'
export type { ConflictJson } from './routes/conflicts.ts'
export type { EventJson } from './event-resource.ts'
export type { EventStreamTiming } from './event-timing.ts'
export type { FoundDraftJson } from './routes/drafts.ts'
export type { ResponderJson } from './routes/responder.ts'
export type { RevisionJson } from './routes/history.ts'
export type { OpenDraftJson } from './routes/open.ts'
export type { FieldChangeJson, ReviewChangesJson } from './routes/review.ts'
export type { SendJson } from './send-resource.ts'
export type { SyncJson } from './routes/sync.ts'
export type { SuggestionsJson } from './routes/suggestions.ts'
export type { TaskDetailsJson, TaskJson, TaskStepJson } from './routes/tasks.ts'
export type { TemplateJson } from './routes/templates.ts'
export type { NewTokenJson, TokenJson } from './routes/tokens.ts'
export type { NewWebhookJson, WebhookDeliveryJson, WebhookJson } from './routes/webhooks.ts'
export { type ResponderRequestJson, responderWebhooks } from './responder-webhooks.ts'
export {
  type Suggestion,
  SuggestionError,
  type SuggestionErrorCode,
  type SuggestionOptions,
  type SuggestionPort,
  type SuggestionRequest,
} from './suggestions.ts'
export type { WebhookOptions } from './webhooks.ts'
export type { Address, ResolveHost } from './webhook-request.ts'
export { type SignedDelivery, signWebhook, verifyWebhook, webhookHeaders } from './webhook-signature.ts'
