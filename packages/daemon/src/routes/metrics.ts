import { z } from 'zod'

import type { App, Context } from '../app.ts'

export function metricsRoutes(app: App, { metrics }: Context): void {
  app.get(
    '/metrics',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Figures for Prometheus, over all tenants',
        description: 'For tokens with the scope `read` in the tenant `default`.',
        response: { 200: { description: 'Prometheus text', content: { 'text/plain': { schema: z.string() } } } },
      },
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()),
  )
}
