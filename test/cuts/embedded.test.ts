import { createMailServer, type MailServer } from '@everdraft/mailserver'
import { afterAll, beforeAll, describe } from 'vitest'

import { cutsSuite } from './cuts-suite.ts'

describe('the embedded server', () => {
  const users = Array.from({ length: 40 }, (_, index) => ({ name: `u${index}`, password: 'secret' }))
  let mailServer: MailServer
  let next = 0
  beforeAll(async () => {
    mailServer = createMailServer({ users })
    await mailServer.listen()
  })
  afterAll(async () => {
    await mailServer.close()
  })
  cutsSuite(() => ({
    host: '127.0.0.1',
    imapPort: mailServer.imapPort,
    supports: { catenate: true, uidplus: true, sent: 'Sent' },
    user: () => {
      const { name, password } = users[next++]!
      return { user: name, password, address: `${name}@example.org` }
    },
  }))
})
