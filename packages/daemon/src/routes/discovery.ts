import type { DiscoveredLogin, DiscoveredServer, DiscoverySource } from '@everdraft/core'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import { userTextSchema } from '../fields.ts'

export interface DiscoveredServerJson {
  readonly host: string
  readonly port: number
  readonly security: DiscoveredServer['security']
  readonly user: string
  readonly logins: readonly DiscoveredLogin[]
  readonly source: DiscoverySource
  readonly to_confirm: boolean
}

/** Null: nobody has said where it is. */
export interface DiscoveryJson {
  readonly imap: DiscoveredServerJson | null
  readonly smtp: DiscoveredServerJson | null
}

const discoveredServerSchema: z.ZodType<DiscoveredServerJson> = z
  .object({
    host: z.string(),
    port: z.int(),
    security: z.enum(['tls', 'starttls']),
    user: z.string(),
    logins: z.array(z.enum(['password', 'oauth2'])),
    source: z.enum(['srv', 'autoconfig', 'well-known']),
    to_confirm: z.boolean(),
  })
  .meta({ id: 'DiscoveredServer' })

const discoverySchema: z.ZodType<DiscoveryJson> = z
  .object({ imap: discoveredServerSchema.nullable(), smtp: discoveredServerSchema.nullable() })
  .meta({ id: 'Discovery' })

export function discoveryRoutes(app: App, { autodiscovery, closing }: Context): void {
  app.post(
    '/accounts/discover',
    {
      config: { access: 'write' },
      schema: {
        summary: 'Find the servers of an address by what its domain has published; nothing is stored',
        description:
          'SRV records (RFC 6186, RFC 8314), then the settings at `https://autoconfig.DOMAIN` and at `https://DOMAIN/.well-known/autoconfig`. With `to_confirm` DNS alone names a host of another domain: a person must agree before a password goes there.',
        body: z
          .strictObject({
            address: userTextSchema()
              .max(320)
              .regex(/^[^@\s]+@[^@\s]+$/, 'must be a mail address'),
          })
          .meta({ id: 'DiscoveryQuestion' }),
        response: { 200: discoverySchema },
      },
    },
    async (request) => {
      const found = await autodiscovery?.discover(request.body.address, { signal: closing })
      return { imap: serverToJson(found?.imap ?? null), smtp: serverToJson(found?.smtp ?? null) }
    },
  )
}

function serverToJson(server: DiscoveredServer | null): DiscoveredServerJson | null {
  if (server === null) return null
  const { toConfirm, ...same } = server
  return { ...same, to_confirm: toConfirm }
}
