import { z } from 'zod'

import type { App, Context } from '../app.ts'
import { problemMediaType, problemSchema } from '../problems.ts'
import { answerSchema, messageSchema, refusalSchema } from './messages.ts'
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
      schema: {
        summary: 'Model Context Protocol over streamable HTTP, without sessions and streams',
        description:
          'A message in each request; tools stand for routes, and `tools/list` says which the token may use, with a JSON Schema of each. `Accept` must take `application/json` and `text/event-stream`; `MCP-Protocol-Version`, where it is given, must be a version that `initialize` has agreed on.',
        body: messageSchema,
        response: {
          200: answerSchema,
          202: z.null().meta({ description: 'Heard: a notification, or an answer to nothing that was asked' }),
          400: {
            description: 'No message of the protocol, or one of a version that is not spoken here: VALIDATION_ERROR',
            content: {
              'application/json': { schema: refusalSchema },
              [problemMediaType]: { schema: problemSchema },
            },
          },
          406: {
            description: 'Accept does not take what may be answered',
            content: { 'application/json': { schema: refusalSchema } },
          },
        },
      },
    },
    async (request, reply) => {
      // Only when it is needed: commands that never ask start in four fifths of the time.
      const { exchange } = await import('./exchange.ts')
      const { status, headers, body } = await exchange(request, { app, engine, about, tools })
      return await reply.code(status).headers(headers).send(body)
    },
  )
}
