import { createMailServer, type MailServerOptions } from '@everdraft/mailserver'
import { describe, expect, test } from 'vitest'

import { openDevice, settle } from '../live/harness.ts'

const user = { name: 'ann', password: 'secret', address: 'ann@example.org' }

const servers: readonly {
  readonly title: string
  readonly without: NonNullable<MailServerOptions['without']>
  readonly most: number
}[] = [
  { title: 'with QRESYNC', without: [], most: 2 },
  { title: 'with CONDSTORE alone', without: ['QRESYNC'], most: 3 },
  { title: 'with neither', without: ['QRESYNC', 'CONDSTORE', 'ESEARCH'], most: 3 },
]

describe.each(servers)('a round over a folder in which nothing has changed, $title', ({ without, most }) => {
  test(`asks the server ${most} times at most`, async () => {
    const server = createMailServer({ users: [user], without })
    await server.listen()
    try {
      await using device = await openDevice({
        host: '127.0.0.1',
        imapPort: server.imapPort,
        supports: { catenate: true, uidplus: true, sent: 'Sent' },
        user: () => ({ user: user.name, password: user.password, address: user.address }),
      })
      await device.create()
      await device.foreign((raw) => raw.append('Drafts', 'Subject: from elsewhere\r\n\r\nx\r\n', ['\\Draft']))
      await settle(device)
      // Our own upload was news to the folder.
      await settle(device)
      const before = device.proxy.turns
      const { settled, imported, uploaded } = await device.sync()
      expect({ settled, imported, uploaded }).toEqual({ settled: true, imported: 0, uploaded: 0 })
      expect(device.proxy.turns - before).toBeGreaterThan(0)
      expect(device.proxy.turns - before).toBeLessThanOrEqual(most)
    } finally {
      await server.close()
    }
  })

  test('asks no oftener when two hundred drafts were taken in than when there were ten', async () => {
    const server = createMailServer({ users: [user], without })
    await server.listen()
    try {
      const asked: number[] = []
      await using device = await openDevice({
        host: '127.0.0.1',
        imapPort: server.imapPort,
        supports: { catenate: true, uidplus: true, sent: 'Sent' },
        user: () => ({ user: user.name, password: user.password, address: user.address }),
      })
      await settle(device)
      for (const size of [10, 200]) {
        await device.foreign(async (raw) => {
          for (let index = 0; index < size; index += 1) {
            const header = `Message-ID: <${size}.${index}@desktop.example.com>\r\nSubject: letter ${index}`
            await raw.append('Drafts', `${header}\r\n\r\n${'words '.repeat(50)}\r\n`, ['\\Draft'])
          }
        })
        const before = device.proxy.turns
        expect((await device.sync()).imported).toBe(size)
        asked.push(device.proxy.turns - before)
      }
      const [few = 0, many = 0] = asked
      // A command brings at most a hundred; a large answer may cross a turn of the proxy's count.
      expect(many).toBeLessThanOrEqual(few + 4)
    } finally {
      await server.close()
    }
  })
})
