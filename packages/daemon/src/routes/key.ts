import { z } from 'zod'

import type { App, Context } from '../app.ts'
import { checkIsOperator } from '../principal.ts'

export function keyRoutes(app: App, { engine }: Context): void {
  app.post(
    '/key/rotate',
    {
      config: { access: 'bearer', problems: ['SECRETS_LOCKED'] },
      schema: {
        summary: 'Seal passwords, refresh tokens and the secrets of webhooks by a new key',
        description:
          'Of all tenants: for the token of the daemon itself alone. The new key is in the key file, and the older ones are not any more. 503 `SECRETS_LOCKED` where the daemon was given its keys otherwise, as by `EVERDRAFT_KEY`.',
        response: { 204: z.null().meta({ description: 'All is sealed by the new key' }) },
      },
    },
    async (request, reply) => {
      checkIsOperator(request)
      await engine.rotateKey()
      return reply.code(204).send(null)
    },
  )
}
