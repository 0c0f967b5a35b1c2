import type { SendRecord, SubmissionPiece, SubmissionPort } from '@everdraft/core'
import { smtp } from '@everdraft/mail'
import {
  connectRaw,
  createProxy,
  createSmtpSink,
  describeServer,
  type RunningServer,
  type ServerName,
} from '@everdraft/testkit'
import { afterAll, expect, test } from 'vitest'

import { reachedPhase } from '../engine/reached-phase.ts'
import { type Device, incompressible, openDevice, settle } from './harness.ts'

const noWait = { sentCopyWaitMs: 0, sentCopyLookAgainMs: 3_600_000 }

interface Post {
  readonly to: string
  /** What arrived with these words in it, as its recipient reads it. */
  arrived(words: string): Promise<readonly string[]>
}

async function sendsOnce(server: RunningServer, post: Post): Promise<void> {
  await using device = await openDevice(server, noWait)
  const { engine, account } = device
  const words = `words of ${crypto.randomUUID()}`
  const draft = await engine.drafts.create({
    accountId: account.id,
    to: post.to,
    bcc: 'hidden@example.com',
    subject: 'Grüße',
    text: `${words}\n`,
    inReplyTo: '<parent@example.com>',
    references: ['<parent@example.com>'],
  })
  await settle(device)
  expect(await device.drafts()).toHaveLength(1)
  const { id } = await engine.drafts.send(draft.id)
  const record = await reachedPhase(device, id, 'cleaned', 'failed', 'unknown', 'parked')
  expect(record).toMatchObject({ status: 'sent', phase: 'cleaned', error: null })
  await expect.poll(async () => (await post.arrived(words)).length, { timeout: 20_000 }).toBe(1)
  const [mail = ''] = await post.arrived(words)
  expect(mail).not.toMatch(/^bcc:|hidden@|x-everdraft/im)
  expect(mail).toMatch(/^In-Reply-To: <parent@example\.com>/im)
  expect(mail.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
  const [copy, ...others] = await sentCopies(device, words)
  expect(others).toEqual([])
  expect(copy).toMatch(/^Bcc: hidden@example\.com/m)
  expect(copy).toContain(record.messageId)
  expect(await device.drafts()).toEqual([])
  expect((await device.get(draft.id)).status).toBe('sent')
}

async function sentCopies(device: Device, words: string): Promise<readonly string[]> {
  const listed = await device.foreign((raw) => raw.listMessages('Sent'))
  return listed.map(({ bytes }) => bytes.toString('latin1')).filter((text) => text.includes(words))
}

describeServer('greenmail', (server) => {
  test('a mail arrives at another user, once, and lies in Sent', async () => {
    const running = server()
    const other = running.user()
    await sendsOnce(running, {
      to: other.address,
      arrived: async (words) => {
        const raw = await connectRaw({ host: running.host, port: running.imapPort })
        await raw.login(other)
        const listed = await raw.listMessages('INBOX')
        await raw.logout()
        return listed.map(({ bytes }) => bytes.toString('latin1')).filter((text) => text.includes(words))
      },
    })
  })
})

// It listens before the servers are started, as they are told its port.
const sink = await createSmtpSink()
afterAll(() => sink.close())

async function relayed(words: string): Promise<readonly string[]> {
  return sink.received.map(({ bytes }) => bytes.toString('latin1')).filter((text) => text.includes(words))
}

describeServer('cyrus310', (server) => {
  test('the copy in Sent takes its attachment of 2 MB from the one in Drafts, with the Bcc that the mail has not', async () => {
    const target = { ...server(), smtpPort: sink.port }
    await using device = await openDevice(target, noWait, { submission: withoutLogin() })
    const words = `filed by quoting, ${crypto.randomUUID()}`
    const file = incompressible(2_000_000)
    const { record, imapBytes, copy } = await sendFile(device, words, file)
    expect(record).toMatchObject({ phase: 'cleaned', attempts: 1 })
    expect(imapBytes).toBeLessThan(5_000)
    const [mail = '', ...others] = await relayed(words)
    expect(others).toEqual([])
    expect(around(copy).length).toBeLessThan(2_000)
    expect(around(copy).replace('Bcc: hidden@example.com\r\n', '')).toBe(around(mail))
    expect(copy).toContain('Bcc: hidden@example.com\r\n')
    expect(mail).not.toContain('hidden@')
    expect(attachmentOf(copy).equals(file)).toBe(true)
  })
})

/** Without its base64: Cyrus encodes in lines of another length what came to Drafts as it is, and ends it with one more. */
function around(text: string): string {
  return text.replace(/(?:^[\w+/=]{60,76}\r\n)+[\w+/=]+(?:\r\n)+/m, '')
}

/** The sink beside a server that takes no mail itself: it has no users. */
function withoutLogin(): SubmissionPort {
  const port = smtp()
  return { connect: (settings, options) => port.connect({ ...settings, user: '' }, options) }
}

interface FileSent {
  readonly record: SendRecord
  /** To the mailbox's server, from the consent to the end. */
  readonly imapBytes: number
  /** In Sent. */
  readonly copy: string
}

/** A draft with a file is brought to Drafts, and then sent. */
async function sendFile(device: Device, words: string, file: Uint8Array): Promise<FileSent> {
  const { engine, account, proxy } = device
  const addressed = { accountId: account.id, to: 'bob@example.com', bcc: 'hidden@example.com', text: `${words}\n` }
  const draft = await engine.drafts.create(addressed)
  await device.attach(draft.id, file)
  await settle(device)
  const mark = proxy.mark()
  const { id } = await engine.drafts.send(draft.id)
  const record = await reachedPhase(device, id, 'cleaned', 'failed', 'unknown', 'parked')
  const imapBytes = proxy.since(mark).toServer
  const [copy = ''] = await sentCopies(device, words)
  return { record, imapBytes, copy }
}

/** The one part in base64. */
function attachmentOf(mail: string): Buffer {
  const [, encoded = ''] = /Content-Transfer-Encoding: base64(?:\r\n\S.*|\r\n[ \t].*)*\r\n\r\n([^-]*)/i.exec(mail) ?? []
  return Buffer.from(encoded, 'base64')
}

/** The token at the end of each URL is another one: what the server does with it, it does by itself. */
function withBrokenUrls(): SubmissionPort {
  const port = smtp()
  return {
    async connect(settings, options) {
      const session = await port.connect(settings, options)
      const commit = session.commit.bind(session)
      session.commit = (body, marks) =>
        commit(body.kind === 'bytes' ? body : { ...body, pieces: body.pieces.map(broken) }, marks)
      return session
    },
  }
}

function broken(piece: SubmissionPiece): SubmissionPiece {
  return piece.kind === 'bytes' ? piece : { ...piece, url: `${piece.url.slice(0, -4)}0000` }
}

for (const name of ['dovecot24', 'dovecot23'] satisfies ServerName[]) {
  describeServer(
    name,
    (server) => {
      test('a mail is relayed once, and lies in Sent', () =>
        sendsOnce(server(), { to: 'bob@example.com', arrived: relayed }))

      test('its attachment of 2 MB goes up once, to Drafts: neither to Sent again, nor to be sent', async () => {
        const running = server()
        const line = await createProxy({ target: { host: running.host, port: running.smtpPort ?? 0 } })
        await using device = await openDevice({ ...running, smtpPort: line.port }, noWait)
        const words = `with a file, ${crypto.randomUUID()}`
        const file = incompressible(2_000_000)
        const { record, imapBytes, copy } = await sendFile(device, words, file)
        expect(record).toMatchObject({ phase: 'cleaned', attempts: 1 })
        expect(imapBytes).toBeLessThan(5_000)
        expect(line.bytes.toServer).toBeLessThan(3_000)
        const [mail = '', ...others] = await relayed(words)
        expect(others).toEqual([])
        // All that stands in the copy but its Bcc, and after what the server put before it.
        expect(mail.endsWith(copy.replace('Bcc: hidden@example.com\r\n', ''))).toBe(true)
        expect(mail).not.toMatch(/^bcc:|hidden@|x-everdraft/im)
        expect(attachmentOf(mail).equals(file)).toBe(true)
        await line.close()
      })

      test('where the server cannot fetch it after all, the mail goes in whole, once', async () => {
        await using device = await openDevice(server(), noWait, { submission: withBrokenUrls() })
        const words = `in whole, ${crypto.randomUUID()}`
        const file = incompressible(100_000)
        const { record } = await sendFile(device, words, file)
        expect(record).toMatchObject({ phase: 'cleaned', attempts: 1, error: null })
        expect(record.events.map(({ type }) => type)).toContain('lost-before-dot')
        const mails = await relayed(words)
        expect(mails).toHaveLength(1)
        expect(attachmentOf(mails[0] ?? '')).toEqual(Buffer.from(file))
      })
    },
    { relayPort: sink.port },
  )
}
