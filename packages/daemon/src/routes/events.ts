import { Readable } from 'node:stream'

import type { EventCursor } from '@everdraft/core'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import { isStillLetIn } from '../authentication.ts'
import { eventStream } from '../event-stream.ts'
import { accountIdSchema } from '../fields.ts'
import { ownEvents } from '../ownership.ts'
import { principalOf } from '../principal.ts'
import { ProblemError } from '../problems.ts'
import { waitOfPrefer } from '../request-headers.ts'

const cursorSchema = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a cursor: the id of an event, or 0')
  .transform((text) => Number(text) as EventCursor)

/** Browsers send it empty where no event had an id. */
const lastEventIdSchema = z.string().regex(/^\d{0,15}$/, 'must be the id of an event')

/** What stands for events that are not kept any more. */
const gap = { type: 'object', properties: { type: { const: 'gap' } }, required: ['type'], additionalProperties: false }

/** Of each event in the stream, by the fields of WHATWG HTML §9.2; `data` is the event, as JSON. */
const serverSentEventSchema: z.ZodType = z
  .object({
    id: z.string().exactOptional(),
    event: z.string(),
    data: z.string().meta({
      contentMediaType: 'application/json',
      contentSchema: { oneOf: [{ $ref: '#/components/schemas/Event' }, gap] },
    }),
    retry: z.int().exactOptional(),
  })
  .meta({ id: 'ServerSentEvent' })

export function eventRoutes(app: App, { engine, eventLog, eventTiming, streams, closing }: Context): void {
  app.get(
    '/events',
    {
      // Its answer has no end, and so no headers to ask for beforehand.
      exposeHeadRoute: false,
      config: { access: 'read' },
      schema: {
        summary: 'What happens, as server-sent events',
        description:
          'Those of the own accounts, in order; `id` is the cursor. It goes on after `Last-Event-ID`, else after `after`, else from now on; cursors hold over restarts, for 30 days. An event `gap` says that some are not kept any more: read anew. With `Prefer: wait=N` it ends after N seconds; with N = 0 it is what there is. 429 where the token has as many streams open as it may.',
        querystring: z.strictObject({
          after: cursorSchema.exactOptional(),
          account_id: accountIdSchema.exactOptional(),
        }),
        headers: z.object({ 'last-event-id': lastEventIdSchema.exactOptional(), prefer: z.string().exactOptional() }),
        response: {
          200: {
            description: 'Each event of the stream',
            content: { 'text/event-stream': { schema: serverSentEventSchema } },
          },
        },
      },
    },
    async (request, reply) => {
      const { after, account_id: accountId } = request.query
      const { 'last-event-id': lastEventId = '', prefer } = request.headers
      const scope = await ownEvents(engine, request, accountId ?? null)
      const principal = principalOf(request)
      if (closing.aborted) throw new ProblemError(503, 'CLOSED', 'the daemon is closing')

      const isOver = streams.open(principal.tokenId)
      const ended = new AbortController()
      const end = (): void => ended.abort()
      const enough = new AbortController()
      const waitSeconds = waitOfPrefer(prefer)
      const timer = waitSeconds === null ? undefined : setTimeout(() => enough.abort(), waitSeconds * 1000)
      if (waitSeconds === 0) enough.abort()
      closing.addEventListener('abort', end)
      const gone = (): void => {
        clearTimeout(timer)
        closing.removeEventListener('abort', end)
        isOver()
        end()
      }
      if (reply.raw.destroyed) gone()
      else reply.raw.once('close', gone)
      const stream = eventStream({
        log: eventLog,
        scope,
        after: lastEventId === '' ? (after ?? null) : (Number(lastEventId) as EventCursor),
        timing: eventTiming,
        signal: ended.signal,
        enough: enough.signal,
        isStillAllowed: () => isStillLetIn(engine, principal),
        cut() {
          request.log.warn('cut: the client takes no events')
          reply.raw.destroy()
        },
      })
      return (
        reply
          .header('cache-control', 'no-store, no-transform')
          // Proxies that know it pass on each event as it comes.
          .header('x-accel-buffering', 'no')
          // What comes after the end comes over a new one: a daemon that stops waits for none that is kept open.
          .header('connection', 'close')
          .headers(waitSeconds === null ? {} : { 'preference-applied': `wait=${waitSeconds}` })
          .type('text/event-stream')
          .send(Readable.from(stream, { objectMode: false }))
      )
    },
  )
}
