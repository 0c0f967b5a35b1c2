import { createMailServer, type MailServer } from '@everdraft/mailserver'
import { afterAll, beforeAll, describe } from 'vitest'

import { draftsSuite } from './drafts-suite.ts'
import type { TargetServer } from './harness.ts'

/** The same suite on the embedded server, rich and made poorer step by step. */
const variants: readonly {
  readonly title: string
  readonly without: readonly ('CATENATE' | 'REPLACE' | 'UIDPLUS' | 'SPECIAL-USE' | 'CREATE-SPECIAL-USE' | 'LITERAL+')[]
}[] = [
  { title: 'with everything', without: [] },
  { title: 'without CATENATE: REPLACE', without: ['CATENATE'] },
  { title: 'without CATENATE and REPLACE: APPEND', without: ['CATENATE', 'REPLACE'] },
  {
    title: 'without UIDPLUS, SPECIAL-USE and LITERAL+',
    without: ['CATENATE', 'REPLACE', 'UIDPLUS', 'SPECIAL-USE', 'CREATE-SPECIAL-USE', 'LITERAL+'],
  },
]

for (const { title, without } of variants) {
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
    draftsSuite((): TargetServer => ({
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
