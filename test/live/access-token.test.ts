import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { FolderPath, LoginSettings } from '@everdraft/core'
import { imap } from '@everdraft/mail'
import { describeServer } from '@everdraft/testkit'
import { afterAll, expect, test } from 'vitest'

/** Whose token it is. */
let owner = ''
const fresh = 'a-token-that-is-good'

/** What asks whether a token is good (RFC 7662), as Dovecot does it. */
const introspection: Server = createServer((request: IncomingMessage, response) => {
  const token = /[?&]token=([^&]*)/.exec(request.url ?? '')?.[1] ?? request.headers.authorization?.split(' ')[1]
  response.setHeader('Content-Type', 'application/json')
  // Dovecot would ask again over a connection that is just being closed, as it was idle for long enough.
  response.setHeader('Connection', 'close')
  response.end(JSON.stringify(token === fresh ? { active: true, email: owner } : { active: false }))
})

// The port is needed when the server's configuration is written.
introspection.listen(0, '127.0.0.1')
await once(introspection, 'listening')
const { port } = introspection.address() as AddressInfo

afterAll(() => {
  introspection.close()
})

for (const mechanism of ['oauthbearer', 'xoauth2'] as const) {
  describeServer(
    'dovecot24',
    (server) => {
      const settings = (tokens: readonly string[]): LoginSettings => {
        let asked = 0
        const { user } = server().user(1)
        owner = user
        return {
          host: server().host,
          port: server().imapPort,
          security: 'none',
          user,
          auth: { type: 'oauth2', accessToken: async () => tokens[asked++] ?? '' },
        }
      }
      const options = { signal: new AbortController().signal, timeoutMs: 10_000 }

      test(`lets an access token in by ${mechanism}, renewed where the first one has ended`, async () => {
        for (const tokens of [[fresh], ['an-old-token', fresh]]) {
          const session = await imap().connect(settings(tokens), options)
          expect(await session.select('INBOX' as FolderPath)).toMatchObject({ path: 'INBOX' })
          await session.close()
        }
      })

      test(`refuses an access token that is not good by ${mechanism}`, async () => {
        const refused = imap().connect(settings(['an-old-token', 'another-old-token']), options)
        await expect(refused).rejects.toMatchObject({ code: 'AUTH_FAILED', message: /refused the access token/ })
      })
    },
    {
      environment: {
        EXTRA: `auth_mechanisms = ${mechanism}
oauth2 {
  introspection_mode = get
  introspection_url = http://127.0.0.1:${port}/?token=
  username_attribute = email
  active_attribute = active
  active_value = true
}
passdb oauth2 {
  mechanisms_filter = oauthbearer xoauth2
}
`,
      },
    },
  )
}
