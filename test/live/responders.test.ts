import { describeServer, literal, type ServerName } from '@everdraft/testkit'
import { expect, test } from 'vitest'

import { mail } from '../engine/answering-device.ts'
import { type Device, openDevice, settle } from './harness.ts'

/** When the draft that answers each mail is on the server, in milliseconds after the mail was. */
async function answerTimes(device: Device, subjects: readonly string[]): Promise<readonly number[]> {
  const times: number[] = []
  for (const subject of subjects) {
    const uploaded = Promise.withResolvers<number>()
    const off = device.engine.subscribe({}, (event) => {
      if (event.type === 'upload-finished') uploaded.resolve(performance.now())
    })
    const began = await device.foreign(async (raw) => {
      await raw.append('INBOX', mail({ subject, messageId: `<${subject}@example.com>` }))
      return performance.now()
    })
    times.push((await uploaded.promise) - began)
    off()
  }
  return times
}

/** More than one look once went back over. */
const oldMails = 250

/** Into Sent, and old mail behind it, as where a folder is put back from a backup. */
async function isPutBack(device: Device, sent: string, raw: string | Buffer): Promise<void> {
  await device.foreign(async (connection) => {
    await connection.append(sent, raw, ['\\Seen'])
    for (let count = 0; count < oldMails; count += 1) {
      const old = mail({ from: device.user.address, to: 'carla@example.com', subject: `Old news ${count}` })
      await connection.ok(`APPEND ${sent} (\\Seen) "03-Jan-2024 04:05:06 +0000" `, literal(old))
    }
  })
}

const servers: readonly ServerName[] =
  process.env['EVERDRAFT_SERVERS'] === 'all' ? ['dovecot24', 'cyrus310', 'greenmail'] : ['dovecot24']

for (const name of servers) {
  describeServer(name, (server) => {
    test('a mail is heard of as it comes, and its answer is in Drafts, in its thread; INBOX is as it was', async () => {
      await using device = await openDevice(
        server(),
        { firstBackOffMs: 20, longestOfflineBackOffMs: 50 },
        {
          watch: true,
          responders: { modules: { thanks: ({ message }) => ({ text: `Thanks for ${message.subject}.` }) } },
        },
      )
      const { engine, account } = device
      await device.sync()
      await engine.responders.set(account.id, { module: 'thanks' })
      const subjects = Array.from({ length: 5 }, (_, n) => `mail-${n}-${crypto.randomUUID()}`)
      const times = await answerTimes(device, subjects)
      const drafts = await device.drafts()
      expect(drafts).toHaveLength(subjects.length)
      for (const subject of subjects) {
        const draft = drafts.find(({ bytes }) => bytes.includes(`Thanks for ${subject}.`))?.bytes.toString()
        expect(draft).toContain(`In-Reply-To: <${subject}@example.com>`)
      }
      const inbox = await device.foreign((raw) => raw.listMessages('INBOX'))
      expect(inbox.flatMap(({ flags }) => flags).filter((flag) => flag.toLowerCase() !== '\\recent')).toEqual([])
      // Looser than it is, as others work on this machine; the first one waits for the connection.
      expect(Math.max(...times.slice(1)), times.map(Math.round).join(' ')).toBeLessThan(5_000)
    })

    test('H10 what a Sent that was put back says is found where old mail lies behind it', async () => {
      const running = server()
      await using device = await openDevice(
        running,
        {},
        { responders: { modules: { thanks: ({ message }) => ({ text: `Thanks for ${message.subject}.` }) } } },
      )
      const { engine, account, user } = device
      const sent = running.supports.sent ?? 'Sent'
      if (running.supports.sent === null) await device.foreign((raw) => raw.ok(`CREATE ${sent}`))
      await device.sync()
      await engine.responders.set(account.id, { module: 'thanks' })
      await settle(device)
      const question = `<${crypto.randomUUID()}@example.com>`
      const byHand = { from: user.address, to: 'bob@example.com', inReplyTo: question }
      await isPutBack(device, sent, mail(byHand))
      await device.foreign(async (raw) => {
        await raw.append('INBOX', mail({ subject: 'answered', messageId: question }))
        await raw.append('INBOX', mail({ subject: 'open' }))
      })
      await settle(device)
      const said = async () => (await engine.outcomes.list({ accountId: account.id })).items
      expect(await said()).toMatchObject([{ draftSubject: 'Re: open', sent: null }])
      const [copy] = await device.drafts()
      await device.foreign(async (raw) => {
        await raw.ok(`DELETE ${sent}`)
        await raw.ok(`CREATE ${sent}`)
      })
      await isPutBack(device, sent, copy!.bytes)
      await settle(device)
      expect(await said()).toMatchObject([{ status: 'sent', verdict: 'sent-unchanged', sent: { evidence: 'exact' } }])
    })
  })
}
