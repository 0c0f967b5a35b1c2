import type { AutodiscoveryPort, Engine } from '@everdraft/core'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'

import type { EventLog } from './event-log.ts'
import type { EventStreamTiming } from './event-timing.ts'
import type { StreamLimit } from './stream-limit.ts'
import type { Metrics } from './metrics.ts'
import type { SuggestionPort } from './suggestions.ts'
import type { WebhookDeliverer } from './webhooks.ts'
import type { Route } from './route-access.ts'

/** Fastify whose routes are typed by their zod schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>

/** What the routes work on. */
export interface Context {
  readonly engine: Engine
  readonly about: About
  readonly metrics: Metrics
  readonly eventLog: EventLog
  readonly eventTiming: EventStreamTiming
  readonly streams: StreamLimit
  readonly webhooks: WebhookDeliverer
  readonly suggestions: SuggestionPort
  /** All of them, as they are added. */
  readonly routes: readonly Route[]
  /** Null: nothing is looked for. */
  readonly autodiscovery: AutodiscoveryPort | null
  /** Aborted when the daemon begins to close: waits end early. */
  readonly closing: AbortSignal
  /** Undefined: the default of composer leases. */
  readonly composerLeaseMs: number | undefined
  /** For copies on their way. */
  readonly workFolder: string
}

/** What `GET /` says. */
export interface About {
  readonly name: string
  readonly version: string
  readonly draftOnly: boolean
}
