import { z } from 'zod'

import type { App, Context } from '../app.ts'
import { ProblemError } from '../problems.ts'

export interface AboutJson {
  readonly name: string
  readonly version: string
  readonly draft_only: boolean
}

const aboutSchema: z.ZodType<AboutJson> = z.object({
  name: z.string(),
  version: z.string(),
  draft_only: z.boolean(),
})

const statusSchema = z.object({ status: z.string() })

export function aboutRoutes(app: App, { engine, about }: Context): void {
  app.get(
    '/',
    {
      config: { access: 'open' },
      schema: { summary: 'Name and version', security: [], response: { 200: aboutSchema } },
    },
    () => ({
      name: about.name,
      version: about.version,
      draft_only: about.draftOnly,
    }),
  )

  app.get(
    '/healthz',
    { config: { access: 'open' }, schema: { summary: 'Alive', security: [], response: { 200: statusSchema } } },
    () => ({
      status: 'alive',
    }),
  )

  app.get(
    '/readyz',
    {
      config: { access: 'open' },
      schema: { summary: 'Ready: the store answers', security: [], response: { 200: statusSchema } },
    },
    async (request) => {
      try {
        await engine.accounts.list({ limit: 1 })
      } catch (error) {
        request.log.warn({ code: (error as { readonly code?: string }).code }, 'not ready')
        throw new ProblemError(503, 'STORAGE_ERROR', 'the store does not answer')
      }
      return { status: 'ready' }
    },
  )
}
