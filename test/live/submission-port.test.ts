import type { FolderPath, SubmissionPiece, Uid, UidValidity } from '@everdraft/core'
import { imap, smtp } from '@everdraft/mail'
import {
  connectRaw,
  createProxy,
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

function piece(text: string): SubmissionPiece {
  return {
    kind: 'bytes',
    size: text.length,
    async *open() {
      yield Buffer.from(text)
    },
  }
}

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

        test('BURL: a file of 1.4 MB that lies on the server is not sent again, and what arrives is the same to the byte', async () => {
          const running = server()
          const { user, password } = running.user(1)
          const raw = await connectRaw({ host: running.host, port: running.imapPort })
          await raw.login({ user, password })
          const head = `From: u01@example.org\r\nSubject: by url, ${name}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n`
          const text = `${'.'.repeat(70)}\r\n`.repeat(19_500)
          const tail = '\r\n--b--\r\n'
          const appended = await raw.append('Drafts', `${head}${text}${tail}`)
          await raw.logout()

          const { signal } = new AbortController()
          const mailbox = await imap().connect({ ...settings(), port: running.imapPort }, { signal, timeoutMs: 20_000 })
          const session = await smtp().connect(settings(), { signal, timeoutMs: 20_000 })
          const [namedServer = ''] = session.capabilities.burlServers
          const made = await mailbox.partUrls({
            folder: 'Drafts' as FolderPath,
            uidValidity: appended?.uidValidity as UidValidity,
            uid: appended?.uid as Uid,
            sections: ['1', '2'],
            server: namedServer,
            submitter: user,
            expiresAt: Date.now() + 60_000,
          })
          await mailbox.close()
          const [url = '', absent = ''] = made.kind === 'urls' ? made.urls : []
          const sent = session.bytes().sent
          const commit = async (pieces: readonly SubmissionPiece[]): Promise<unknown> => {
            await session.open({
              from: 'u01@example.org',
              recipients: ['bob@example.org'],
              envid: null,
              size: 1,
              eightBit: false,
            })
            return session.commit(
              { kind: 'pieces', pieces },
              { beforeFinalDot: async () => void marks.push(got().length) },
            )
          }
          const marks: number[] = []
          const got = (): readonly Delivered[] => sink.received.filter(({ bytes }) => bytes.includes(`by url, ${name}`))
          // Dovecot sends nothing for a part that there is not, and says 250.
          const missing: SubmissionPiece = { kind: 'url', size: text.length, url: absent }
          expect(await commit([piece(head), missing, piece(tail)])).toEqual({ kind: 'not-fetched' })
          const forged: SubmissionPiece = { kind: 'url', size: text.length, url: `${url.slice(0, -4)}0000` }
          expect(await commit([piece(head), forged, piece(tail)])).toEqual({ kind: 'not-fetched' })
          expect(marks).toEqual([])
          const there: SubmissionPiece = { kind: 'url', size: text.length, url }
          expect(await commit([piece(head), there, piece(tail)])).toMatchObject({ kind: 'accepted' })
          expect(marks).toEqual([0])
          expect(session.bytes().sent - sent).toBeLessThan(2_500)
          await session.close()
          expect(got()).toHaveLength(1)
          expect(got()[0]?.bytes.toString('latin1').endsWith(`${head}${text}${tail}`)).toBe(true)
        })

        test.each([
          { at: 'BDAT 7', phase: 'before-dot', marked: 0 },
          { at: 'BDAT 0 LAST', phase: 'after-dot', marked: 1 },
        ])('H21 a cut behind $at: $phase', async ({ at, phase, marked }) => {
          const proxy = await createProxy({ target: { host: settings().host, port: settings().port } })
          const { signal } = new AbortController()
          const session = await smtp().connect({ ...settings(), port: proxy.port }, { signal, timeoutMs: 20_000 })
          await session.open({
            from: 'u01@example.org',
            recipients: ['bob@example.org'],
            envid: null,
            size: 7,
            eightBit: false,
          })
          proxy.cutAfter({
            direction: 'toServer',
            how: 'fin',
            at: (data) => (Buffer.from(data).includes(`${at}\r\n`) ? at.length + 2 : null),
          })
          let marks = 0
          const committing = session.commit(
            { kind: 'pieces', pieces: [piece(': b\r\n\r\n')] },
            { beforeFinalDot: async () => void (marks += 1) },
          )
          await expect(committing).rejects.toMatchObject({ code: 'CONNECTION_LOST', phase })
          expect(marks).toBe(marked)
          await proxy.close()
        })
      },
      { relayPort: sink.port },
    )
  },
)
