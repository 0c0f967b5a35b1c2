import { connectRaw, createSmtpSink, describeServer, type RunningServer, type ServerName } from '@everdraft/testkit'
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

for (const name of ['dovecot24', 'dovecot23'] satisfies ServerName[]) {
  describeServer(
    name,
    (server) => {
      test('a mail is relayed once, and lies in Sent', () =>
        sendsOnce(server(), { to: 'bob@example.com', arrived: relayed }))

      test('its attachment of 2 MB goes over IMAP once: to Drafts, and never to Sent', async () => {
        await using device = await openDevice(server(), noWait)
        const draft = await device.create({ text: 'with a file\n' })
        await device.attach(draft.id, incompressible(2_000_000))
        await settle(device)
        const mark = device.proxy.mark()
        const { id } = await device.engine.drafts.send(draft.id)
        expect(await reachedPhase(device, id, 'cleaned', 'failed', 'unknown', 'parked')).toMatchObject({
          phase: 'cleaned',
        })
        expect(device.proxy.since(mark).toServer).toBeLessThan(5_000)
        const [copy = ''] = await sentCopies(device, 'with a file')
        expect(copy.length).toBeGreaterThan(2_600_000)
      })
    },
    { relayPort: sink.port },
  )
}
