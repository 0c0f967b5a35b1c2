import type { Engine, ToldEvent } from '@everdraft/core'
import type { FastifyInstance } from 'fastify'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

export interface Metrics {
  /** Prometheus text, as of now. */
  text(): Promise<string>
  readonly contentType: string
  /** Hears of nothing any more. */
  close(): void
}

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

/** What there is, asked at each scrape, and what has happened since the daemon started. No account and no user is named. */
export function createMetrics(app: FastifyInstance, engine: Engine): Metrics {
  const registry = new Registry()
  const registers = [registry]

  const requests = new Histogram({
    name: 'everdraft_http_request_duration_seconds',
    help: 'From the first byte of a request to the last of its answer, by route',
    labelNames: ['method', 'route', 'status'],
    buckets: seconds,
    registers,
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.is404 ? 'unknown' : (request.routeOptions.url ?? 'unknown')
    requests.observe({ method: request.method, route, status: String(reply.statusCode) }, reply.elapsedTime / 1000)
  })

  const counter = (name: string, help: string, labelNames: readonly string[] = []): Counter =>
    new Counter({ name, help, labelNames: [...labelNames], registers })
  const saves = counter('everdraft_saves_total', 'Versions of drafts that were saved, here or by other programs')
  const uploads = counter('everdraft_uploads_total', 'Copies stored on a server', ['method'])
  const uploadBytes = counter('everdraft_upload_wire_bytes_total', 'What these took on the wire, client to server')
  const retries = counter('everdraft_task_retries_total', 'Tasks that failed and are tried again', ['kind', 'code'])
  const stops = counter('everdraft_task_stops_total', 'Tasks that wait for a person, or have failed', ['kind', 'code'])
  const sends = counter('everdraft_sends_total', 'Sends by what became of them', ['status'])
  const end = engine.subscribe({}, (event) => count(event))

  function count(event: ToldEvent): void {
    const { type } = event
    if (type === 'draft-created' || type === 'draft-saved') saves.inc()
    if (type === 'upload-finished') {
      uploads.inc({ method: event.method })
      uploadBytes.inc(event.bytesSent)
    }
    if (type === 'task-retrying') retries.inc({ kind: event.kind, code: event.error.code })
    if (type === 'task-parked' || type === 'task-failed') stops.inc({ kind: event.kind, code: event.error.code })
    if (type === 'send-status-changed' && isOutcome(event)) sends.inc({ status: event.status })
  }

  const gauge = (name: string, help: string, labelNames: readonly string[] = []): Gauge =>
    new Gauge({ name, help, labelNames: [...labelNames], registers })
  const accounts = gauge('everdraft_accounts', 'Accounts')
  const drafts = gauge('everdraft_drafts', 'Drafts', ['status', 'sync_state'])
  const tasks = gauge('everdraft_tasks', 'The queue', ['kind', 'state'])
  const taskAge = gauge('everdraft_oldest_due_task_seconds', 'For how long the oldest task has been due')
  const openSends = gauge('everdraft_open_sends', 'Sends with something left to be done', ['status'])
  const unsentAge = gauge(
    'everdraft_oldest_unsent_seconds',
    'For how long the oldest mail that is not sent has been due',
  )
  const stored = gauge('everdraft_stored_copies', 'Copies that were ever stored on servers')
  const messageBytes = gauge('everdraft_stored_message_bytes', 'Their size')
  const savedBytes = gauge('everdraft_saved_wire_bytes', 'How much less than that went over the wire')
  const memory = gauge('process_resident_memory_bytes', 'Resident memory size in bytes')

  return {
    contentType: registry.contentType,
    close: end,
    async text() {
      const now = Date.now()
      const figures = await engine.figures()
      for (const labelled of [drafts, tasks, openSends]) labelled.reset()
      accounts.set(figures.accounts)
      for (const { status, syncState, count: n } of figures.drafts) drafts.set({ status, sync_state: syncState }, n)
      for (const { kind, state, count: n } of figures.tasks) tasks.set({ kind, state }, n)
      for (const { status, count: n } of figures.openSends) openSends.set({ status }, n)
      taskAge.set(ageInSeconds(figures.oldestDueTaskAt, now))
      unsentAge.set(ageInSeconds(figures.oldestUnsentAt, now))
      stored.set(figures.uploads.count)
      messageBytes.set(figures.uploads.messageBytes)
      savedBytes.set(Math.max(0, figures.uploads.messageBytes - figures.uploads.wireBytes))
      memory.set(process.memoryUsage.rss())
      return await registry.metrics()
    },
  }
}

/** Later phases of the same status are no other outcome. */
function isOutcome({ status, phase }: Extract<ToldEvent, { type: 'send-status-changed' }>): boolean {
  return status === 'sent' ? phase === 'accepted' : status !== 'queued' && status !== 'sending'
}

function ageInSeconds(at: number | null, now: number): number {
  return at === null ? 0 : Math.max(0, now - at) / 1000
}
