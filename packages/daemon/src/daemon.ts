import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'

import type { AutodiscoveryPort, Engine } from '@everdraft/core'
import { fastify, type FastifyInstance } from 'fastify'
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'

import type { About, App, Context } from './app.ts'
import { acceptFirst } from './accept-first.ts'
import { pathOf, requireToken } from './authentication.ts'
import { followExchanges, refuseBrokenRequest } from './broken-requests.ts'
import { requireScopes, type Route } from './route-access.ts'
import { acceptJsonOnly, refuseEncodedBodies } from './json-body.ts'
import { refuseOtherHosts } from './host-check.ts'
import { mcpRoutes } from './mcp/mcp.ts'
import { createEventLog } from './event-log.ts'
import { type EventStreamTiming, eventStreamTiming } from './event-timing.ts'
import { createMetrics } from './metrics.ts'
import { describeRoutes } from './openapi.ts'
import { sendProblem } from './problems.ts'
import { aboutRoutes } from './routes/about.ts'
import { accountRoutes } from './routes/accounts.ts'
import { attachmentRoutes } from './routes/attachments.ts'
import { backupRoutes } from './routes/backup.ts'
import { bundleRoutes } from './routes/bundles.ts'
import { conflictRoutes } from './routes/conflicts.ts'
import { discoveryRoutes } from './routes/discovery.ts'
import { draftManagerRoutes } from './routes/draft-manager.ts'
import { draftRoutes } from './routes/drafts.ts'
import { eventRoutes } from './routes/events.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { historyRoutes } from './routes/history.ts'
import { keyRoutes } from './routes/key.ts'
import { openRoutes } from './routes/open.ts'
import { replyRoutes } from './routes/replies.ts'
import { responderRoutes } from './routes/responder.ts'
import { reviewRoutes } from './routes/review.ts'
import { suggestionRoutes } from './routes/suggestions.ts'
import { sendRoutes } from './routes/sends.ts'
import { syncRoutes } from './routes/sync.ts'
import { taskRoutes } from './routes/tasks.ts'
import { tokenRoutes } from './routes/tokens.ts'
import { analyticsRoutes } from './routes/analytics.ts'
import { templateRoutes } from './routes/templates.ts'
import { webhookRoutes } from './routes/webhooks.ts'
import { limitRates } from './rate-limit.ts'
import { rememberAnswers } from './remembered-answers.ts'
import { sendSecurityHeaders } from './security-headers.ts'
import { createStreamLimit } from './stream-limit.ts'
import { cutSlowBodies, silenceMs, slowestBody, type SlowestBody } from './slow-clients.ts'
import { suggestionWebhooks } from './suggestion-webhooks.ts'
import type { SuggestionPort } from './suggestions.ts'
import { trackUnusedConnections } from './unused-connections.ts'
import { answerUnknownRoutes } from './unknown-routes.ts'
import { refuseWhatIsNotNamed, validatorCompiler } from './validation.ts'
import { createWebhookDeliverer } from './webhook-deliverer.ts'
import { webhookOptions, type WebhookOptions } from './webhooks.ts'

export interface DaemonOptions {
  /** Stays the caller's: closing the daemon does not close it. */
  readonly engine: Engine
  /** What `Authorization: Bearer` must carry. */
  readonly token: string
  /** Shown at `/` and in the OpenAPI document. */
  readonly version: string
  /** Shown at `/`: what responders write is for a person to send. Default true, as the engine's. */
  readonly draftOnly?: boolean
  /** Absent: `POST /accounts/discover` finds nothing. */
  readonly autodiscovery?: AutodiscoveryPort
  /** Where log lines go, as JSON; absent: no log. Bodies, queries and what users write are never in them. */
  readonly log?: { write(line: string): void }
  /** The largest JSON body. Default 25 MiB; attachments are streamed and have no limit here. */
  readonly bodyLimitBytes?: number
  /** Names under which it is reached, beside `localhost` and addresses; a request that names another is refused. */
  readonly hosts?: readonly string[]
  /** For each token, but the one above. 0: no limit. Default 6,000. */
  readonly requestsPerMinute?: number
  /** Of events, open at a time, for each token, but the one above. 0: no limit. Default 100. */
  readonly streamsPerToken?: number
  /** A body that comes more slowly is cut. Default: 1 KiB in each 20 seconds. */
  readonly slowestBody?: SlowestBody
  /** How long a draft stays open in a composer that says nothing more. Default two minutes. */
  readonly composerLeaseMs?: number
  /** Of the streams of events. */
  readonly eventTiming?: Partial<EventStreamTiming>
  readonly webhooks?: Partial<WebhookOptions>
  /** Who is asked for suggestions. Default: the webhook that a request names. */
  readonly suggestions?: SuggestionPort
  /** Where copies of the store are made on their way to `GET /backup`, as `.backup-*`. Default: the system's temporary folder. */
  readonly workFolder?: string
}

export interface Daemon {
  /** All that it serves, and who may call it. */
  readonly routes: readonly Route[]
  /** @returns the URL, without a slash at its end */
  listen(address: { readonly host: string; readonly port: number }): Promise<string>
  /** Takes no new requests, answers those under way (waits end at once) and closes. */
  close(): Promise<void>
}

const defaultBodyLimitBytes = 25 * 1024 * 1024
const defaultRequestsPerMinute = 6_000
const defaultStreamsPerToken = 100
/** How long requests may take to end once the daemon closes, before their connections are cut. */
const closeGraceMs = 5000

export async function createDaemon(options: DaemonOptions): Promise<Daemon> {
  const about: About = { name: 'everdraft', version: options.version, draftOnly: options.draftOnly ?? true }
  const closing = new AbortController()
  const server: FastifyInstance = fastify({
    bodyLimit: options.bodyLimitBytes ?? defaultBodyLimitBytes,
    logger:
      options.log === undefined ? false : { stream: options.log, serializers: logSerializers, redact: neverLogged },
    genReqId: requestIdOf,
    connectionTimeout: silenceMs,
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply),
    clientErrorHandler: (error, socket) => refuseBrokenRequest(error, socket, server.log),
    // The check of hosts refuses it in words.
    http: { requireHostHeader: false },
    // A large file takes its time: what is too slow is cut by how fast it comes. Only the headers must come in time.
    requestTimeout: 0,
  })
  followExchanges(server.server)
  const app: App = server.withTypeProvider<ZodTypeProvider>()
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.setErrorHandler(sendProblem)
  acceptFirst(app)
  sendSecurityHeaders(app)
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers({ 'cache-control': 'no-store', 'x-request-id': request.id })
    done()
  })
  refuseOtherHosts(app, options.hosts ?? [])
  cutSlowBodies(app, options.slowestBody ?? slowestBody)
  requireToken(app, options)
  const routes = requireScopes(app)
  refuseWhatIsNotNamed(app)
  refuseEncodedBodies(app)
  answerUnknownRoutes(app)
  acceptJsonOnly(app)
  const limit = options.requestsPerMinute ?? defaultRequestsPerMinute
  if (limit > 0) await limitRates(app, limit)
  rememberAnswers(app, options.engine)
  const metrics = createMetrics(app, options.engine)
  await describeRoutes(app, about)
  const eventLog = createEventLog(options.engine)
  const webhooks = createWebhookDeliverer({
    engine: options.engine,
    eventLog,
    log: app.log,
    version: about.version,
    options: { ...webhookOptions, ...options.webhooks },
  })

  const closeUnused = trackUnusedConnections(app.server)
  const context: Context = {
    engine: options.engine,
    about,
    metrics,
    eventLog,
    eventTiming: { ...eventStreamTiming, ...options.eventTiming },
    streams: createStreamLimit(options.streamsPerToken ?? defaultStreamsPerToken),
    webhooks,
    suggestions: options.suggestions ?? askOwnWebhooks(options, about),
    routes,
    autodiscovery: options.autodiscovery ?? null,
    closing: closing.signal,
    composerLeaseMs: options.composerLeaseMs,
    workFolder: options.workFolder ?? tmpdir(),
  }
  // A plugin each: what one resource sets up, as the attachments' raw bodies, is no other's.
  for (const addRoutes of [
    aboutRoutes,
    metricsRoutes,
    accountRoutes,
    discoveryRoutes,
    syncRoutes,
    draftRoutes,
    suggestionRoutes,
    replyRoutes,
    responderRoutes,
    sendRoutes,
    attachmentRoutes,
    openRoutes,
    historyRoutes,
    reviewRoutes,
    conflictRoutes,
    draftManagerRoutes,
    bundleRoutes,
    templateRoutes,
    taskRoutes,
    eventRoutes,
    analyticsRoutes,
    webhookRoutes,
    tokenRoutes,
    backupRoutes,
    keyRoutes,
    // Last: its tools stand for the others.
    mcpRoutes,
  ]) {
    await app.register(async (scope) => addRoutes(scope as App, context))
  }

  return {
    routes,
    listen: async ({ host, port }) => {
      await app.listen({ host, port })
      await webhooks.start()
      const { address, family, port: bound } = app.server.address() as AddressInfo
      return `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`
    },
    close: async () => {
      closing.abort()
      const cut = setTimeout(() => app.server.closeAllConnections(), closeGraceMs)
      try {
        const closed = app.close()
        closeUnused()
        await Promise.all([closed, webhooks.close()])
      } finally {
        clearTimeout(cut)
        metrics.close()
        eventLog.close()
      }
    },
  }
}

function askOwnWebhooks({ engine, webhooks }: DaemonOptions, { version }: About): SuggestionPort {
  return suggestionWebhooks({ engine, version, resolve: webhooks?.resolve ?? webhookOptions.resolve })
}

/** What should never come near the log, should it do so. */
const neverLogged = ['authorization', 'password', 'token', 'secret'].flatMap((name) => [
  name,
  `*.${name}`,
  `*.*.${name}`,
])

/** Where a proxy has given one, it is kept, so that both logs can be read side by side. */
function requestIdOf({ headers }: { readonly headers: IncomingHttpHeaders }): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && /^[A-Za-z0-9._-]{1,100}$/.test(given) ? given : randomUUID()
}

/** Method and path, and no query: `q` is what a user writes. */
const logSerializers = {
  req: (request: { readonly method: string; readonly url: string }): Record<string, string> => ({
    method: request.method,
    path: pathOf(request.url),
  }),
}
