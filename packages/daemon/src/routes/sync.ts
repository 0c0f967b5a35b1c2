import type { SyncReport } from '@everdraft/core'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import { accountIdSchema, lastErrorSchema, lastErrorToJson, type LastErrorJson } from '../fields.ts'
import { ownAccount } from '../ownership.ts'
import { waitOfPrefer } from '../request-headers.ts'

export interface SyncJson {
  readonly uploaded: number
  readonly replaced: number
  readonly imported: number
  readonly purged: number
  readonly pending: number
  readonly errors: readonly LastErrorJson[]
  readonly bytes_sent: number
  readonly bytes_received: number
}

const syncSchema: z.ZodType<SyncJson> = z
  .object({
    uploaded: z.int(),
    replaced: z.int(),
    imported: z.int(),
    purged: z.int(),
    pending: z.int(),
    errors: z.array(lastErrorSchema),
    bytes_sent: z.int(),
    bytes_received: z.int(),
  })
  .meta({ id: 'SyncReport' })

export function syncRoutes(app: App, { engine, closing }: Context): void {
  app.post(
    '/accounts/:id/sync',
    {
      config: { access: 'write' },
      schema: {
        summary: 'One round with the server now, up and down',
        description:
          'With `Prefer: wait=N` the answer is 200 when nothing is left to do; else, or when N seconds are over before, it is 202 and the round goes on.',
        params: z.strictObject({ id: accountIdSchema }),
        querystring: z.strictObject({ confirm_losses: z.enum(['true', 'false']).default('false') }),
        headers: z.object({ prefer: z.string().exactOptional() }),
        response: { 200: syncSchema, 202: syncSchema },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      await ownAccount(engine, request, id)
      const waitSeconds = waitOfPrefer(request.headers.prefer)
      const round = engine.sync(id, {
        waitMs: (waitSeconds ?? 0) * 1000,
        confirmLosses: request.query.confirm_losses === 'true',
      })
      const report = await unlessAborted(closing, round)
      if (report === null) {
        // The daemon closes: the round is the engine's, which ends or parks it; nobody waits for the report any more.
        round.catch((error: unknown) =>
          request.log.warn({ code: (error as { code?: string }).code }, 'round cut short'),
        )
        return reply.code(202).send(nothingYet)
      }
      if (waitSeconds === null || !report.settled) return reply.code(202).send(reportToJson(report))
      return reply.header('preference-applied', `wait=${waitSeconds}`).send(reportToJson(report))
    },
  )
}

/** What `work` gives, or null if the signal comes first. */
async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T | null> {
  if (signal.aborted) return null
  const { promise, resolve } = Promise.withResolvers<null>()
  const onAbort = (): void => resolve(null)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

const nothingYet: SyncJson = {
  uploaded: 0,
  replaced: 0,
  imported: 0,
  purged: 0,
  pending: 0,
  errors: [],
  bytes_sent: 0,
  bytes_received: 0,
}

// JSON ↔ engine.

function reportToJson(report: SyncReport): SyncJson {
  return {
    uploaded: report.uploaded,
    replaced: report.replaced,
    imported: report.imported,
    purged: report.purged,
    pending: report.pending,
    errors: report.errors.flatMap((error) => lastErrorToJson(error) ?? []),
    bytes_sent: report.bytesSent,
    bytes_received: report.bytesReceived,
  }
}
