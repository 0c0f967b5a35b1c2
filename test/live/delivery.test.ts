import type { SendRecord } from '@everdraft/core'
import { connectRaw, describeServer, type MailUser, type RunningServer } from '@everdraft/testkit'
import { describe, expect, test } from 'vitest'

import { reachedPhase } from '../engine/reached-phase.ts'
import { type Device, incompressible, openDevice, settle, sha256 } from './harness.ts'
import { parseMessage } from './parse-message.ts'

const noWait = { sentCopyWaitMs: 0, sentCopyLookAgainMs: 3_600_000 }

/** What lies in the INBOX of a user, as any program gets it. */
async function inbox({ host, imapPort }: RunningServer, user: MailUser): Promise<readonly Buffer[]> {
  const raw = await connectRaw({ host, port: imapPort })
  await raw.login(user)
  const listed = await raw.listMessages('INBOX')
  await raw.logout()
  return listed.map(({ bytes }) => bytes)
}

async function arrivedAt(server: RunningServer, user: MailUser, { messageId }: SendRecord): Promise<Buffer> {
  const arrived = async (): Promise<readonly Buffer[]> =>
    (await inbox(server, user)).filter((bytes) => bytes.includes(`Message-ID: ${messageId}`))
  await expect.poll(async () => (await arrived()).length, { timeout: 20_000 }).toBe(1)
  const [mail] = await arrived()
  return mail ?? Buffer.alloc(0)
}

async function sendIt(device: Device, draftId: Parameters<Device['get']>[0]): Promise<SendRecord> {
  const { id } = await device.engine.drafts.send(draftId, { confirm: true })
  const record = await reachedPhase(device, id, 'cleaned', 'failed', 'unknown', 'parked')
  expect(record).toMatchObject({ status: 'sent', phase: 'cleaned', error: null })
  return record
}

/** From the first field that we have written: servers put their own before it (RFC 5321 §4.4). */
function asSent(mail: Buffer): Buffer {
  return mail.subarray(mail.toString('latin1').search(/^(?:From|To|Date|Subject|Message-ID|MIME-Version): /im))
}

function fields(mail: Buffer): readonly string[] {
  const header = mail.toString('latin1').split('\r\n\r\n')[0] ?? ''
  return header.split(/\r\n(?![ \t])/)
}

/** RFC 5322 §2.1.1 and §2.3; a signature over it (RFC 6376 §5.3) holds, as no relay has anything to mend. */
function expectLines(mail: Buffer): void {
  const text = mail.toString('latin1')
  expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n\0]/)
  expect(Math.max(...text.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998)
}

const difficult = [
  'one line of 5,000: '.padEnd(5_000, 'x'),
  '.',
  '..two dots, and a dot alone before',
  'From the beginning of a line',
  'blanks at the end   ',
  '\tа tab, Кириллица, 日本語, 🎉',
  '',
  '-- ',
  'Bcc: not a header, but a text that says so',
  '',
].join('\n')

describeServer('greenmail', (server) => {
  describe('what arrives at others', () => {
    test('H38 H39 is whole, once for each, in lines that every relay carries, and says nothing of who is hidden', async () => {
      const running = server()
      const [to, cc, hidden] = [running.user(), running.user(), running.user()] as const
      await using device = await openDevice(running, noWait)
      const { engine, account } = device
      const references = Array.from({ length: 40 }, (_, index) => `<message-${index}@example.com>`)
      const subject = `Grüße ${'und noch mehr Wörter '.repeat(30)}`.trim()
      const html = `<p>${'<b>ü</b>'.repeat(800)}</p>`
      const draft = await engine.drafts.create({
        accountId: account.id,
        to: `"Bob, Example" <${to.address}>`,
        cc: `Zoë Example <${cc.address}>`,
        bcc: `Hidden Example <${hidden.address}>`,
        subject,
        text: difficult,
        html,
        inReplyTo: references.at(-1) ?? '',
        references,
        metadata: { secret: 'for the program alone' },
        tags: ['private-tag'],
      })
      const file = incompressible(300_000)
      await engine.drafts.attach(draft.id, { filename: 'Übersicht — sehr lang, mit Komma.pdf', content: file })
      // In Drafts it has its private fields and its Bcc.
      await settle(device)
      expect((await device.drafts())[0]?.bytes.toString('latin1')).toMatch(/^X-Everdraft-Id: /im)
      const before = Date.now()
      const record = await sendIt(device, draft.id)

      const mails = await Promise.all([to, cc, hidden].map((user) => arrivedAt(running, user, record)))
      expect(new Set(mails.map((mail) => sha256(asSent(mail)))).size).toBe(1)
      for (const mail of mails) {
        expectLines(asSent(mail))
        const names = fields(mail).map((field) => field.split(':')[0]?.toLowerCase() ?? '')
        for (const name of ['date', 'from', 'to', 'cc', 'subject', 'message-id', 'references', 'in-reply-to']) {
          expect(
            names.filter((one) => one === name),
            name,
          ).toHaveLength(1)
        }
        expect(names.filter((name) => name.startsWith('x-everdraft') || name === 'bcc')).toEqual([])
        const said = asSent(mail).toString('latin1')
        expect(said).not.toContain(hidden.address)
        expect(said).not.toMatch(/private-tag|for the program|Hidden Example/)
        expect(said).not.toContain(draft.id)

        const parsed = await parseMessage(asSent(mail))
        expect(parsed.subject).toBe(subject)
        expect(parsed.text.replace(/\n$/, '')).toBe(difficult.replace(/\n$/, ''))
        expect(parsed.html?.trim()).toBe(html)
        expect(parsed.references).toEqual(references)
        expect(parsed.attachments.map(({ filename, sha256: digest }) => [filename, digest])).toEqual([
          ['Übersicht — sehr lang, mit Komma.pdf', sha256(file)],
        ])
        const date = Date.parse(/^Date: (.*)\r$/m.exec(said)?.[1] ?? '')
        expect(date).toBeGreaterThanOrEqual(before - 1_000)
        expect(date).toBeLessThanOrEqual(Date.now())
      }
      // The copy in Sent is the same mail, and knows who was hidden.
      const copies = await device.foreign((raw) => raw.listMessages('Sent'))
      expect(copies).toHaveLength(1)
      const copy = copies[0]?.bytes.toString('latin1') ?? ''
      expect(copy).toContain(`Hidden Example <${hidden.address}>`)
      const body = asSent(mails[0] as Buffer)
        .toString('latin1')
        .split('\r\n\r\n')
        .slice(1)
        .join('\r\n\r\n')
      // GreenMail takes the end of the last line away.
      expect(copy.trimEnd().endsWith(body.trimEnd())).toBe(true)
    })

    test('H38 answers and answers to them stay one thread, in both mailboxes', async () => {
      const running = server()
      const [ann, bob] = [running.user(), running.user()] as const
      await using one = await openDevice({ ...running, user: () => ann }, noWait)
      await using other = await openDevice({ ...running, user: () => bob }, noWait)
      const draft = await one.engine.drafts.create({
        accountId: one.account.id,
        to: bob.address,
        subject: 'A question',
        text: 'How?\n',
      })
      const ids: string[] = []
      const question = await sendIt(one, draft.id)
      ids.push(question.messageId)
      await arrivedAt(running, bob, question)
      for (const [from, to, words] of [
        [other, ann, 'Thus.\n'],
        [one, bob, 'Thank you.\n'],
        [other, ann, 'At any time.\n'],
      ] as const) {
        const reply = await from.engine.drafts.reply(from.account.id, { messageId: ids.at(-1) ?? '', mode: 'reply' })
        await from.engine.drafts.save(reply.id, { text: words })
        const record = await sendIt(from, reply.id)
        const mail = await arrivedAt(running, to, record)
        const parsed = await parseMessage(mail)
        expect(parsed.inReplyTo).toBe(ids.at(-1))
        expect(parsed.references).toEqual(ids)
        expect(parsed.subject).toBe('Re: A question')
        ids.push(record.messageId)
      }
      expect(new Set(ids).size).toBe(4)
    })
  })
})
