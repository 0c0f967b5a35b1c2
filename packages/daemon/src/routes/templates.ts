import type { Template, TemplateInput } from '@everdraft/core'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import { changesShape, contentShape, contentToJson, draftChanges, type DraftContentJson } from '../draft-content.ts'
import {
  accountIdSchema,
  accountPathSchema,
  pageQuerySchema,
  pageSchema,
  pageToJson,
  templateIdSchema,
  timeSchema,
  timeToJson,
  userTextSchema,
} from '../fields.ts'
import { ownAccount } from '../ownership.ts'

export interface TemplateJson extends Omit<DraftContentJson, 'attachments'> {
  readonly id: string
  readonly account_id: string
  readonly name: string
  readonly created_at: string
  readonly updated_at: string
}

const newTemplateSchema = z
  .strictObject({ name: userTextSchema().min(1).max(200), ...changesShape })
  .meta({ id: 'NewTemplate' })

// A template has no files.
const { attachments: _attachments, ...templateContentShape } = contentShape
const templateSchema: z.ZodType<TemplateJson> = z
  .object({
    id: z.string(),
    account_id: z.string(),
    name: z.string(),
    ...templateContentShape,
    created_at: timeSchema,
    updated_at: timeSchema,
  })
  .meta({ id: 'Template' })

const templatePathSchema = z.strictObject({ id: accountIdSchema, template_id: templateIdSchema })

export function templateRoutes(app: App, { engine }: Context): void {
  app.get(
    '/accounts/:id/templates',
    {
      config: { access: 'read' },
      schema: {
        summary: 'What new drafts can begin with, by name',
        params: accountPathSchema,
        querystring: pageQuerySchema,
        response: { 200: pageSchema(templateSchema) },
      },
    },
    async (request) => {
      await ownAccount(engine, request, request.params.id)
      return pageToJson(await engine.templates.list(request.params.id, request.query), templateToJson)
    },
  )

  app.post(
    '/accounts/:id/templates',
    {
      config: { access: 'write' },
      schema: {
        summary: 'Add a template; `template_id` makes a draft of it',
        params: accountPathSchema,
        body: newTemplateSchema,
        response: { 201: templateSchema },
      },
    },
    async (request, reply) => {
      const { id } = await ownAccount(engine, request, request.params.id)
      const template = await engine.templates.add(id, templateInput(request.body))
      return reply
        .code(201)
        .header('location', `/accounts/${id}/templates/${template.id}`)
        .send(templateToJson(template))
    },
  )

  app.get(
    '/accounts/:id/templates/:template_id',
    {
      config: { access: 'read' },
      schema: { summary: 'A template', params: templatePathSchema, response: { 200: templateSchema } },
    },
    async (request) => {
      await ownAccount(engine, request, request.params.id)
      return templateToJson(await engine.templates.get(request.params.id, request.params.template_id))
    },
  )

  app.delete(
    '/accounts/:id/templates/:template_id',
    {
      config: { access: 'write' },
      schema: {
        summary: 'Remove a template; the drafts made of it stay',
        params: templatePathSchema,
        response: { 204: z.null().meta({ description: 'Removed' }) },
      },
    },
    async (request, reply) => {
      await ownAccount(engine, request, request.params.id)
      await engine.templates.remove(request.params.id, request.params.template_id)
      return reply.code(204).send(null)
    },
  )
}

// JSON ↔ engine.

function templateInput({ name, ...fields }: z.output<typeof newTemplateSchema>): TemplateInput {
  return { name, ...draftChanges(fields) }
}

function templateToJson(template: Template): TemplateJson {
  const { attachments: _none, ...content } = contentToJson(template.content)
  return {
    id: template.id,
    account_id: template.accountId,
    name: template.name,
    ...content,
    created_at: timeToJson(template.createdAt),
    updated_at: timeToJson(template.updatedAt),
  }
}
