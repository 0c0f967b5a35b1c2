import { smtp } from '@everdraft/mail'
import {
  connectRaw,
  createSmtpSink,
  type Delivered,
  describeServer,
  exerciseSubmission,
  type RunningServer,
  type ServerName,
  type SubmissionExpectations,
} from '@everdraft/testkit'
import { afterAll, describe, expect, test } from 'vitest'

const plain: SubmissionExpectations = {
  size: false,
  eightBitMime: false,
  smtpUtf8: false,
  pipelining: false,
  dsn: false,
  burl: false,
  chunking: false,
  refusesRecipients: false,
  limitsSize: false,
  checksPasswords: true,
  exactBytes: false,
}

/** What lies in the INBOX of a user of the server. */
async function inbox(server: RunningServer, n: number, text: string): Promise<readonly Delivered[]> {
  const raw = await connectRaw({ host: server.host, port: server.imapPort })
  const user = server.user(n)
  await raw.login(user)
  const found = await raw.listMessages('INBOX')
  await raw.logout()
  return found.filter(({ bytes }) => bytes.includes(text)).map(({ bytes }) => ({ bytes, recipients: [user.address] }))
}

describeServer('greenmail', (server) => {
  exerciseSubmission(
    () => {
      const running = server()
      const { user, password, address } = running.user(1)
      return {
        port: smtp(),
        settings: { host: running.host, port: running.smtpPort ?? 0, security: 'none', user, password },
        from: address,
        recipients: [running.user(2).address, running.user(3).address],
        delivered: async (text) => [...(await inbox(running, 2, text)), ...(await inbox(running, 3, text))],
      }
    },
    { ...plain, smtpUtf8: true },
  )
})

const relaying: SubmissionExpectations = {
  ...plain,
  size: true,
  eightBitMime: true,
  pipelining: true,
  dsn: true,
  burl: true,
  chunking: true,
  refusesRecipients: true,
  limitsSize: true,
}

const servers = { dovecot24: { ...relaying, smtpUtf8: true }, dovecot23: relaying } satisfies Partial<
  Record<ServerName, SubmissionExpectations>
>

// It listens before the servers are started, as they are told its port.
const sink = await createSmtpSink({
  refuse: (address) => {
    if (address.startsWith('nobody@')) return { code: 550, text: '5.1.1 No such user' }
    return address.startsWith('busy@') ? { code: 451, text: '4.2.0 Try again later' } : null
  },
})
afterAll(async () => {
  await sink.close()
})

describe.each(Object.entries(servers) as [ServerName, SubmissionExpectations][])(
  'submission to %s, which relays to a sink',
  (name, expected) => {
    describeServer(
      name,
      (server) => {
        const settings = () => {
          const running = server()
          const { user, password } = running.user(1)
          return { host: running.host, port: running.smtpPort ?? 0, security: 'none' as const, user, password }
        }
        exerciseSubmission(
          () => ({
            port: smtp(),
            settings: settings(),
            from: 'u01@example.org',
            recipients: ['bob@example.org', 'carla@example.org'],
            refused: 'nobody@example.org',
            temporary: 'busy@example.org',
            delivered: async (text) => sink.received.filter(({ bytes }) => bytes.includes(text)),
          }),
          expected,
        )

        test('BURL: a draft of 1.4 MB on the server is sent by its URL', async () => {
          const running = server()
          const { user, password } = running.user(1)
          const raw = await connectRaw({ host: running.host, port: running.imapPort })
          await raw.login({ user, password })
          const text = `${'0123456789'.repeat(7)}\r\n`.repeat(19_500)
          const message = `From: u01@example.org\r\nSubject: by url, ${name}\r\n\r\n${text}`
          const appended = await raw.append('Drafts', message)
          const place = `imap://${user}@${running.host}:${running.imapPort}/Drafts;UIDVALIDITY=${appended?.uidValidity}/;UID=${appended?.uid}`
          const reply = await raw.ok(`GENURLAUTH "${place};URLAUTH=submit+${user}" INTERNAL`)
          const url = /GENURLAUTH "?([^"\s]+)"?/.exec(reply.untagged.map((line) => line.text).join('\n'))?.[1] ?? ''
          await raw.logout()

          const session = await smtp().connect(settings(), { signal: new AbortController().signal, timeoutMs: 20_000 })
          const sent = session.bytes().sent
          const envelope = { from: 'u01@example.org', recipients: ['bob@example.org'], envid: null }
          await session.open({ ...envelope, size: message.length, eightBit: false })
          const marks: string[] = []
          const outcome = await session.commit(
            { kind: 'url', url },
            {
              beforeFinalDot: async () => {
                marks.push(`${sink.received.filter(({ bytes }) => bytes.includes(`by url, ${name}`)).length}`)
              },
            },
          )
          expect(outcome).toMatchObject({ kind: 'accepted' })
          expect(marks).toEqual(['0'])
          const spent = session.bytes().sent - sent
          expect(spent).toBeLessThan(400)
          await session.close()
          const got = sink.received.filter(({ bytes }) => bytes.includes(`by url, ${name}`))
          expect(got).toHaveLength(1)
          expect(got[0]?.bytes.includes(text)).toBe(true)
        })
      },
      { relayPort: sink.port },
    )
  },
)
