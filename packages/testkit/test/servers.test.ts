import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { chmod, mkdtemp, rmdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { connectRaw, describeServer, startServer, textOf } from '../src/index.ts'
import type { MailUser, RunningServer, ServerName } from '../src/index.ts'

const message = (subject: string, body = 'Hello\r\n'): string =>
  `From: a@example.org\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@example.org>\r\n\r\n${body}`

async function connectAs(server: RunningServer, user: { user: string; password: string }) {
  const imap = await connectRaw({ port: server.imapPort })
  await imap.login(user)
  return imap
}

const commandLines = (): string =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && existsSync(`/proc/${entry}/cmdline`))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
      } catch {
        return '' // It has ended meanwhile.
      }
    })
    .join('\n')

for (const name of ['dovecot24', 'cyrus310', 'dovecot23', 'greenmail'] as const satisfies readonly ServerName[]) {
  describeServer(name, (server) => {
    test('gives every caller a user of its own, with an empty mailbox', async () => {
      const [first, second] = [server().user(), server().user()]
      expect(first.user).not.toBe(second.user)
      const imap = await connectAs(server(), first)
      await imap.append('INBOX', message('mine'))
      await imap.logout()
      const other = await connectAs(server(), second)
      expect(await other.listMessages('INBOX')).toEqual([])
      await other.logout()
    })

    test('has the folders that its description claims', async () => {
      const { drafts, sent } = server().supports
      const imap = await connectAs(server(), server().user())
      const { untagged } = await imap.ok('LIST "" "*"')
      const folders = untagged.map((line) => textOf(line.values[4]))
      expect(folders.includes('Drafts')).toBe(drafts === 'Drafts')
      expect(folders.includes('Sent')).toBe(sent === 'Sent')
      await imap.logout()
    })

    test('advertises what its description claims, and nothing that it denies', async () => {
      const imap = await connectAs(server(), server().user())
      const { untagged } = await imap.ok('CAPABILITY')
      const has = new Set(untagged[0]?.values.map((value) => textOf(value)?.toUpperCase()))
      const { supports } = server()
      expect({
        uidplus: has.has('UIDPLUS'),
        condstore: has.has('CONDSTORE'),
        replace: has.has('REPLACE'),
        catenate: has.has('CATENATE'),
        literal8: has.has('BINARY'),
        compress: has.has('COMPRESS=DEFLATE'),
        specialUse: has.has('SPECIAL-USE'),
        objectId: has.has('OBJECTID'),
      }).toEqual({
        uidplus: supports.uidplus,
        condstore: supports.condstore,
        replace: supports.replace,
        catenate: supports.catenate,
        literal8: supports.literal8,
        compress: supports.compress,
        specialUse: supports.specialUse,
        objectId: supports.objectId,
      })
      await imap.logout()
    })

    test('the raw client appends, lists, marks and expunges as a foreign mail program would', async () => {
      const imap = await connectAs(server(), server().user())
      const [keep, go] = [message('keep', 'é and "quotes" {5}\r\n'), message('go')]
      await imap.append('INBOX', keep, [String.raw`\Draft`])
      const appended = await imap.append('INBOX', go)
      const listed = await imap.listMessages('INBOX')
      expect(listed.map(({ messageId }) => messageId)).toEqual(['<keep@example.org>', '<go@example.org>'])
      expect(listed[0]?.bytes.toString()).toBe(keep)
      expect(listed[0]?.flags).toContain(String.raw`\Draft`)
      expect(listed[1]?.uid).toBe(appended?.uid)
      await imap.markDeleted('INBOX', [listed[1]?.uid ?? 0])
      await imap.expunge('INBOX')
      expect((await imap.listMessages('INBOX')).map(({ uid }) => uid)).toEqual([listed[0]?.uid])
      await imap.logout()
    })

    test('keeps its ports through a restart, and its mail where it claims to', async () => {
      const user = server().user()
      const appended = await appendAs(user)
      await server().restart()
      expect(await namesOf(user)).toEqual(server().supports.durable ? [appended] : [])
    })

    test('keeps its mail through kill -9 where it claims to, and until it is started again nobody answers', async () => {
      const user = server().user()
      const appended = await appendAs(user)
      const open = await connectAs(server(), user)
      await server().kill()
      expect((await open.command('NOOP')).status).toBe('NONE')
      await expect(connectRaw({ port: server().imapPort })).rejects.toThrow('closed the connection')
      await server().restart()
      expect(await namesOf(user)).toEqual(server().supports.durable ? [appended] : [])
    })

    async function appendAs(user: MailUser) {
      const imap = await connectAs(server(), user)
      const appended = await imap.append('INBOX', message('kept'))
      await imap.logout()
      return appended
    }

    /** The names (UIDVALIDITY and UID) of what is in the INBOX. */
    async function namesOf(user: MailUser) {
      const imap = await connectAs(server(), user)
      const { untagged } = await imap.select('INBOX')
      const uidValidity = Number(/UIDVALIDITY (\d+)/.exec(untagged.map(({ text }) => text).join('\n'))?.[1])
      const listed = await imap.listMessages('INBOX')
      await imap.logout()
      return listed.map(({ uid }) => ({ uidValidity, uid }))
    }
  })
}

describeServer('dovecot24', () => {
  test('stop leaves neither processes nor files', async () => {
    // A folder of its own for temporary files: other suites start servers at the same time.
    const folder = await mkdtemp(join(tmpdir(), 'everdraft-testkit-'))
    await chmod(folder, 0o755)
    vi.stubEnv('TMPDIR', folder)
    const server = await startServer('dovecot24')
    vi.unstubAllEnvs()
    expect(readdirSync(folder).length).toBe(1)
    expect(commandLines()).toContain(folder)
    await server.stop()
    expect(commandLines()).not.toContain(folder)
    await rmdir(folder) // Fails if anything is left in it.
  })

  test('a server that ends by itself says why, and does not wait for the time-out', async () => {
    await expect(startServer('dovecot24', { environment: { EXTRA: 'no_such_setting = 1' } })).rejects.toThrow(
      'no_such_setting',
    )
  })

  test('passes mail on to the relay it was given', async () => {
    const relay = createServer((socket) => socket.end('421 not now\r\n'))
    const called = new Promise<boolean>((resolve) => relay.once('connection', () => resolve(true)))
    relay.listen(0, '127.0.0.1')
    await once(relay, 'listening')
    const server = await startServer('dovecot24', { relayPort: (relay.address() as AddressInfo).port })
    const { user, password } = server.user()
    const smtp = await connectRaw({ port: server.smtpPort ?? 0 })
    const token = Buffer.from(`\0${user}\0${password}`).toString('base64')
    smtp.write(`EHLO client\r\nAUTH PLAIN ${token}\r\nMAIL FROM:<a@example.org>\r\n`)
    expect(await called).toBe(true)
    smtp.close()
    await server.stop()
    relay.close()
  })
})
