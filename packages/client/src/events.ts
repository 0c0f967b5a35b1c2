import { createParser } from 'eventsource-parser'

import { ProblemError } from './errors.ts'
import { type Exchange, unlessLost } from './exchange.ts'
import { mayPass, waitOf } from './idempotency.ts'
import { delayAfter, isAborted, pause } from './pause.ts'
import type { components } from './schema.ts'

/**
 * Something that happened, as `GET /events` tells it: what it is, is in `type`, and where to go on, in `cursor`. After a
 * `gap` some are not kept any more: whoever shows drafts reads them anew.
 */
export type ServerEvent = components['schemas']['Event'] | { readonly type: 'gap' }

export interface EventOptions {
  /** Of this account alone. */
  readonly accountId?: string
  /** The `cursor` of the last event that was heard; it holds for 30 days. Without it: what happens from now on. */
  readonly after?: number
  readonly signal?: AbortSignal
  /** After so long a silence the connection counts as lost: the daemon says something more often. Default 90,000. */
  readonly silenceMs?: number
  /** Before it connects again; it doubles with each failure, up to 30 s. Default: as the daemon says, 1,000. */
  readonly reconnectMs?: number
}

const defaultSilenceMs = 90_000
const defaultReconnectMs = 1_000
/** An event has no user's text in it: what is so long is none of ours. */
const longestEventChars = 1024 * 1024

/** How far it is, over all connections. */
interface Progress {
  /** What was heard last (WHATWG HTML §9.2.6: "last event ID"); empty: nothing yet. */
  cursor: string
  reconnectMs: number
  /** Since a connection was there last. */
  failures: number
}

export async function* followEvents(
  url: string,
  exchange: Exchange,
  options: EventOptions,
): AsyncGenerator<ServerEvent, void, undefined> {
  const { signal } = options
  const progress: Progress = {
    cursor: options.after === undefined ? '' : String(options.after),
    reconnectMs: options.reconnectMs ?? defaultReconnectMs,
    failures: 0,
  }
  while (!isAborted(signal)) {
    let waitMs: number | null = null
    try {
      yield* connection(url, exchange, options, progress)
    } catch (error) {
      if (isAborted(signal)) return
      if (!mayPass(error)) throw error
      waitMs = waitOf(error)
    }
    progress.failures += 1
    await pause(waitMs ?? delayAfter(progress.failures, progress.reconnectMs), signal)
  }
}

/** The events of one connection, until it ends. */
async function* connection(
  url: string,
  exchange: Exchange,
  { accountId, signal, silenceMs = defaultSilenceMs, reconnectMs }: EventOptions,
  progress: Progress,
): AsyncGenerator<ServerEvent, void, undefined> {
  const left = new AbortController()
  /** A connection that went without a word, as a laptop's does in its sleep, is found by its silence. */
  const heard = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    const timer = setTimeout(() => left.abort(), silenceMs)
    try {
      return await unlessLost({ url, signal }, work)
    } finally {
      clearTimeout(timer)
    }
  }
  const query = accountId === undefined ? '' : `?account_id=${encodeURIComponent(accountId)}`
  const request = new Request(`${url}/events${query}`, {
    headers: {
      accept: 'text/event-stream',
      ...(progress.cursor === '' ? {} : { 'last-event-id': progress.cursor }),
    },
    cache: 'no-store',
    signal: signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]),
  })
  try {
    const response = await heard(() => exchange(request))
    const told: ServerEvent[] = []
    const parser = createParser({
      maxBufferSize: longestEventChars,
      onId: (id) => void (progress.cursor = id),
      onRetry: (ms) => void (progress.reconnectMs = reconnectMs ?? ms),
      onEvent: ({ data }) => void told.push(JSON.parse(data) as ServerEvent),
    })
    progress.failures = 0
    const reader = streamOf(response).getReader()
    const decoder = new TextDecoder()
    while (true) {
      const { done, value } = await heard(() => reader.read())
      if (done) return
      parser.feed(decoder.decode(value, { stream: true }))
      yield* told.splice(0)
    }
  } finally {
    // Also when the loop over the events is left: nobody listens any more.
    left.abort()
  }
}

function streamOf({ body, headers, status }: Response): ReadableStream<Uint8Array> {
  if (body !== null && (headers.get('content-type') ?? '').startsWith('text/event-stream')) return body
  throw new ProblemError(status, { detail: 'what answers is no stream of events' }, null)
}
