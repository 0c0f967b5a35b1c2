import { Readable } from 'node:stream'

import { type DraftExport, type ImportOutcome, type ImportReport, validationError } from '@everdraft/core'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import { formatContentDisposition } from '../content-disposition.ts'
import { accountPathSchema, authorSchema, deviceIdSchema, draftIdSchema } from '../fields.ts'
import { ownAccount } from '../ownership.ts'
import { discardBody } from '../problems.ts'

const formats = {
  gzip: { type: 'application/gzip', ending: 'jsonl.gz' },
  jsonl: { type: 'application/x-ndjson', ending: 'jsonl' },
  json: { type: 'application/json', ending: 'json' },
  mbox: { type: 'application/mbox', ending: 'mbox' },
  eml: { type: 'message/rfc822', ending: 'eml' },
} as const satisfies Readonly<Record<string, { readonly type: string; readonly ending: string }>>

const yesOrNo = z.enum(['true', 'false'])

const exportQuerySchema = z.strictObject({
  format: z.enum(Object.keys(formats) as (keyof typeof formats)[]).default('gzip'),
  // More do not go into the head of a request, which has 16 KiB at most.
  draft_id: z.union([draftIdSchema, z.array(draftIdSchema).max(250)]).exactOptional(),
  attachments: yesOrNo.default('false'),
  history: yesOrNo.default('true'),
})

const importQuerySchema = z.strictObject({
  on_conflict: z.enum(['merge', 'local-wins', 'remote-wins']).default('merge'),
  attachments: yesOrNo.default('true'),
  device_id: deviceIdSchema.exactOptional(),
})

export interface ImportReportJson {
  readonly drafts: number
  readonly counts: Readonly<Record<ImportOutcome, number>>
  readonly items: readonly {
    readonly outcome: ImportOutcome
    readonly draft_id: string
    readonly version: number
    readonly conflict_id: string | null
  }[]
  readonly files: number
  readonly bytes_read: number
  readonly bytes_uncompressed: number
}

const outcomes = ['created', 'restored', 'updated', 'unchanged', 'conflict', 'kept'] as const
const countsSchema = z.object({
  created: z.int(),
  restored: z.int(),
  updated: z.int(),
  unchanged: z.int(),
  conflict: z.int(),
  kept: z.int(),
})

const reportSchema: z.ZodType<ImportReportJson> = z
  .object({
    drafts: z.int(),
    counts: countsSchema,
    items: z.array(
      z.object({
        outcome: z.enum(outcomes),
        draft_id: z.string(),
        version: z.int(),
        conflict_id: z.string().nullable(),
      }),
    ),
    files: z.int(),
    bytes_read: z.int(),
    bytes_uncompressed: z.int(),
  })
  .meta({ id: 'ImportReport' })

// For the OpenAPI document: a stream is sent as it is.
const fileSchema = z.string() as unknown as z.ZodType<Readable>
const jsonFileSchema = z.looseObject({}).meta({ id: 'DraftBundle' }) as unknown as z.ZodType<Readable>

export function bundleRoutes(app: App, { engine, closing }: Context): void {
  // The body is the bundle: it says itself what it is.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))

  app.get(
    '/accounts/:id/export',
    {
      // It is made for each answer.
      exposeHeadRoute: false,
      config: { access: 'read', problems: ['NOT_FOUND'] },
      schema: {
        summary: 'Drafts as a bundle, an mbox or a message, streamed',
        description:
          'All that are neither sent nor in the trash, or those of `draft_id`, which may stand more than once. `eml` is one draft. With `attachments=true` a bundle has their bytes; `history=false` leaves earlier versions out. docs/draft-manager.md says what stands in a bundle.',
        params: accountPathSchema,
        querystring: exportQuerySchema,
        response: {
          200: {
            description: 'The file',
            content: {
              ...Object.fromEntries(Object.values(formats).map(({ type }) => [type, { schema: fileSchema }])),
              [formats.json.type]: { schema: jsonFileSchema },
            },
          },
        },
      },
    },
    async (request, reply) => {
      const { format, draft_id: draftIds, attachments, history } = request.query
      const { id } = await ownAccount(engine, request, request.params.id)
      const exported = await engine.bundles.export(id, {
        format,
        attachments: attachments === 'true',
        history: history === 'true',
        signal: closing,
        ...(draftIds === undefined ? {} : { draftIds: [draftIds].flat() }),
      })
      const { type, ending } = formats[format]
      const body = await begun(exported)
      return reply
        .headers({
          'content-type': type,
          'content-disposition': formatContentDisposition(`drafts-${exported.bundleId}.${ending}`),
        })
        .send(Readable.from(body, { objectMode: false }))
    },
  )

  app.post(
    '/accounts/:id/import',
    {
      config: { access: 'write', problems: ['CANCELLED'] },
      schema: {
        summary: 'Takes the body in: a bundle, an mbox or a message, as long as it is; all of it or nothing',
        description:
          'JSON, JSON lines, either of them in gzip, mbox or one message, whatever `Content-Type` says. Whose the drafts were counts for nothing. Of a draft that is here already local is what is here. What is wrong is named by its entry and its field.',
        consumes: ['*/*'],
        params: accountPathSchema,
        querystring: importQuerySchema,
        headers: z.object({ 'everdraft-author': authorSchema }),
        body: z.unknown(),
        response: { 200: reportSchema },
      },
    },
    async (request) => {
      const { on_conflict: onConflict, attachments, device_id: device } = request.query
      const { id } = await ownAccount(engine, request, request.params.id)
      const body = request.body as Readable | null | undefined
      if (body === null || body === undefined) throw validationError('body', 'must be a bundle, an mbox or a message')
      try {
        // An answer is still to go over its connection.
        const bytes = body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>
        const report = await engine.bundles.import(id, bytes, {
          onConflict,
          attachments: attachments === 'true',
          by: request.headers['everdraft-author'],
          signal: closing,
          ...(device === undefined ? {} : { device }),
        })
        return reportToJson(report)
      } catch (error) {
        await discardBody(request)
        throw error
      }
    },
  )
}

/** With its first piece at hand: what is wrong by then is told in words, and not by a connection that ends. */
async function begun({ bytes }: DraftExport): Promise<AsyncIterable<Uint8Array>> {
  const pieces = bytes[Symbol.asyncIterator]()
  const first = await pieces.next()
  return (async function* all() {
    try {
      if (first.done !== true) yield first.value
      for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) yield next.value
    } finally {
      await pieces.return?.()
    }
  })()
}

function reportToJson({ items, bytesRead, bytesUncompressed, ...report }: ImportReport): ImportReportJson {
  return {
    ...report,
    items: items.map(({ outcome, draftId, version, conflictId }) => {
      return { outcome, draft_id: draftId, version, conflict_id: conflictId }
    }),
    bytes_read: bytesRead,
    bytes_uncompressed: bytesUncompressed,
  }
}
