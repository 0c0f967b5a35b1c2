import { createMailServer, type MailServer } from '@everdraft/mailserver'
import { afterAll, beforeAll, describe } from 'vitest'

import { draftsSuite, uploadSuite } from './drafts-suite.ts'
import type { TargetServer } from './harness.ts'

/** The same suite on the embedded server, rich and made poorer step by step. */
const variants: readonly {
  readonly title: string
  readonly without: readonly ('CATENATE' | 'REPLACE' | 'UIDPLUS' | 'SPECIAL-USE' | 'CREATE-SPECIAL-USE' | 'LITERAL+')[]
  /** Differs from the one before in how drafts are uploaded; all the rest is asked of it in `pnpm proof`. */
  readonly uploads?: boolean
}[] = [
  { title: 'with everything', without: [] },
  { title: 'without CATENATE: REPLACE', without: ['CATENATE'], uploads: true },
  { title: 'without CATENATE and REPLACE: APPEND', without: ['CATENATE', 'REPLACE'], uploads: true },
  {
    title: 'without UIDPLUS, SPECIAL-USE and LITERAL+',
    without: ['CATENATE', 'REPLACE', 'UIDPLUS', 'SPECIAL-USE', 'CREATE-SPECIAL-USE', 'LITERAL+'],
  },
]

const everything = process.env['EVERDRAFT_SERVERS'] === 'all'

for (const { title, without, uploads = false } of variants) {
  describe(`the embedded server, ${title}`, () => {
    const users = Array.from({ length: 80 }, (_, index) => ({
      name: `u${index}`,
      password: 'secret',
      address: `u${index}@example.org`,
    }))
    let mailServer: MailServer
    let next = 0
    beforeAll(async () => {
      mailServer = createMailServer({ users, without })
      await mailServer.listen()
    })
    afterAll(async () => {
      await mailServer.close()
    })
    const suite = uploads && !everything ? uploadSuite : draftsSuite
    suite((): TargetServer => ({
      host: '127.0.0.1',
      imapPort: mailServer.imapPort,
      supports: {
        catenate: !without.includes('CATENATE'),
        uidplus: !without.includes('UIDPLUS'),
        literal8: true,
        sent: 'Sent',
      },
      user: () => {
        const { name, password, address } = users[next++]!
        return { user: name, password, address }
      },
    }))
  })
}
