import { validationError, type DeviceId } from '@everdraft/core'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import { createComposerLeases } from '../composer-leases.ts'
import { deviceIdSchema, draftPathSchema, timeSchema, timeToJson } from '../fields.ts'
import { ownDraft } from '../ownership.ts'

export interface OpenDraftJson {
  readonly draft_id: string
  readonly device_id: string
  /** When the lease ends if it is not renewed. */
  readonly expires_at: string
}

const openDraftSchema: z.ZodType<OpenDraftJson> = z
  .object({ draft_id: z.string(), device_id: z.string(), expires_at: timeSchema })
  .meta({ id: 'OpenDraft' })

const deviceSchema = z.strictObject({ device_id: deviceIdSchema })

export function openRoutes(app: App, { engine, composerLeaseMs }: Context): void {
  const leases = createComposerLeases(engine, composerLeaseMs)

  app.post(
    '/accounts/:id/drafts/:draft_id/open',
    {
      config: { access: 'write' },
      schema: {
        summary: 'A composer shows the draft: no sync purges it',
        description: 'To be called again every 60 seconds; without that it ends after two minutes.',
        params: draftPathSchema,
        body: deviceSchema,
        response: { 200: openDraftSchema },
      },
    },
    async (request) => {
      const { device_id: device } = request.body
      const { id } = await ownDraft(engine, request, request.params.id, request.params.draft_id)
      const expiresAt = await leases.open(id, device)
      return { draft_id: id, device_id: device, expires_at: timeToJson(expiresAt) }
    },
  )

  app.delete(
    '/accounts/:id/drafts/:draft_id/open',
    {
      config: { access: 'write' },
      schema: {
        summary: 'The composer is closed: what was written is uploaded at once',
        description: '`device_id` in the query or in the body. What this device has not open is closed already: 204.',
        params: draftPathSchema,
        querystring: deviceSchema.partial(),
        body: deviceSchema.nullish(),
        response: { 204: z.null().meta({ description: 'Closed' }) },
      },
    },
    async (request, reply) => {
      const device = oneDevice(request.query.device_id, request.body?.device_id)
      const { id } = await ownDraft(engine, request, request.params.id, request.params.draft_id)
      await leases.close(id, device)
      return reply.code(204).send(null)
    },
  )
}

/** Not every client can send a body with DELETE (RFC 9110 §9.3.5). */
function oneDevice(inQuery: DeviceId | undefined, inBody: DeviceId | undefined): DeviceId {
  const device = inQuery ?? inBody
  if (device === undefined) throw validationError('device_id', 'is required')
  if (inBody !== undefined && inBody !== device) throw validationError('device_id', 'is another one in the body')
  return device
}
