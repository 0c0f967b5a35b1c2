import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { connectRaw, describeServer } from '@everdraft/testkit'
import { expect, test } from 'vitest'

const main = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url))

for (const name of ['dovecot24', 'cyrus310', 'dovecot23', 'greenmail'] as const) {
  describeServer(name, (server) => {
    test('everdraft demo --once --imap walks to its end and leaves the mailbox empty', async () => {
      const user = server().user()
      const url = `imap://${user.user}:${user.password}@${server().host}:${server().imapPort}`
      const child = spawn(process.execPath, [main, 'demo', '--once', '--imap', url])
      let output = ''
      child.stdout.on('data', (data: Buffer) => void (output += data.toString('utf8')))
      child.stderr.on('data', (data: Buffer) => void (output += data.toString('utf8')))
      const [code] = (await once(child, 'close')) as [number | null]
      expect(code, output).toBe(0)
      expect(output).toContain('second, discarded')
      expect(output).not.toContain(user.password)
      const raw = await connectRaw({ port: server().imapPort })
      await raw.login(user)
      expect(await raw.listMessages('Drafts')).toEqual([])
      await raw.logout()
    })
  })
}
