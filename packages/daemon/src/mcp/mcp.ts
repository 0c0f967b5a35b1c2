import { z } from 'zod'

import type { App, Context } from '../app.ts'
import { createTool } from './tool.ts'
import { toolPlans } from './tools.ts'

/**
 * Model Context Protocol over streamable HTTP, without sessions: each request stands for itself. A tool is a request to its route,
 * with the same token: whatever REST checks is checked there, once.
 */
export function mcpRoutes(app: App, { engine, about, routes }: Context): void {
  const tools = toolPlans.map((plan) => createTool(plan, routes))

  app.post(
    '/mcp',
    {
      config: { access: 'bearer' },
      // A protocol of its own, which says by itself what there is. Batches are none of its messages any more.
      schema: { hide: true, body: z.looseObject({}) },
    },
    async (request, reply) => {
      // Only when it is needed: commands that never ask start in four fifths of the time.
      const { exchange } = await import('./exchange.ts')
      const { status, headers, body } = await exchange(request, { app, engine, about, tools })
      return await reply.code(status).headers(headers).send(body)
    },
  )
}
