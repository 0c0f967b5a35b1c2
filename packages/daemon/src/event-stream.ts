import type { EventCursor, EventScope, ToldEvent } from '@everdraft/core'

import type { EventLog } from './event-log.ts'
import { eventToJson } from './event-resource.ts'
import type { EventStreamTiming } from './event-timing.ts'

interface EventStreamOptions {
  readonly log: EventLog
  readonly scope: EventScope
  /** Null: from now on. */
  readonly after: EventCursor | null
  readonly timing: EventStreamTiming
  /** Aborted when the client has gone or the daemon closes: the stream ends before its next page. */
  readonly signal: AbortSignal
  /** Aborted when the time that the client asked for is over: it gets what there is, and the stream ends. */
  readonly enough: AbortSignal
  /** Asked at each sign of life. */
  readonly isStillAllowed: () => Promise<boolean>
  /** Called where the client is too slow. */
  readonly cut: () => void
}

/** How long a client waits before it comes again. */
const retryMs = 1_000

/**
 * Server-sent events (WHATWG HTML §9.2), page by page as the client takes them: nothing is read from the log that the client has
 * no room for. Every block ends with where to go on, also a sign of life, so that a client that is cut asks for no event twice.
 */
export async function* eventStream(options: EventStreamOptions): AsyncGenerator<string, void> {
  const { log, scope, timing, signal, enough, isStillAllowed, cut } = options
  const either = AbortSignal.any([signal, enough])
  let cursor = options.after
  let aliveAt = Date.now()
  /** Whoever asks for more has taken this. */
  async function* say(text: string): AsyncGenerator<string, void> {
    const stalled = setTimeout(cut, timing.stallMs)
    try {
      yield text
    } finally {
      clearTimeout(stalled)
    }
  }

  let opening = `retry: ${retryMs}\n`
  for (;;) {
    const page = await log.page(scope, cursor)
    if (signal.aborted) return
    cursor = page.next
    const blocks = page.items.map(blockOf)
    if (page.hasGap) blocks.unshift(`event: gap\ndata: {"type":"gap"}\n\n`)
    const isDue = Date.now() - aliveAt >= timing.heartbeatMs
    // Without data it is told to nobody, and moves the client's place on, also past what is not for it.
    if (opening !== '' || isDue) blocks.push(`:\nid: ${cursor}\n\n`)
    if (blocks.length > 0) yield* say(`${opening}${blocks.join('')}`)
    opening = ''
    if (isDue) {
      aliveAt = Date.now()
      if (!(await isStillAllowed())) return
    }
    if (signal.aborted) return
    if (!page.isLast) continue
    if (enough.aborted) return
    const longestMs = Math.max(0, timing.heartbeatMs - (Date.now() - aliveAt))
    await log.changed(scope.owner, cursor, { signal: either, longestMs })
    if (signal.aborted) return
  }
}

/** Who share a page share its text. */
const blocksByEvent = new WeakMap<ToldEvent, string>()

function blockOf(event: ToldEvent): string {
  const known = blocksByEvent.get(event)
  if (known !== undefined) return known
  const json = eventToJson(event)
  const block = `id: ${json.cursor}\nevent: ${json.type}\ndata: ${JSON.stringify(json)}\n\n`
  blocksByEvent.set(event, block)
  return block
}
