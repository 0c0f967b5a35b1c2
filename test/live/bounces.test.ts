import { createSmtpSink, describeServer, literal, type ServerName } from '@everdraft/testkit'
import { expect, onTestFinished, test } from 'vitest'

import { reachedPhase } from '../engine/reached-phase.ts'
import { openDevice, settle } from './harness.ts'

/** As the server that took the mail writes it (RFC 3464), from what it knows: the envelope. */
function report(envid: string, recipient: string): string {
  return `Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.example.com>
To: ann@example.org
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
 boundary="cut"

--cut
Content-Type: text/plain

This is the mail system at host mx.example.com.

--cut
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com
Original-Envelope-Id: ${envid}

Final-Recipient: rfc822; ${recipient}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 No such user here

--cut--
`.replaceAll('\n', '\r\n')
}

/** More than one look goes back over. */
const oldMails = 250

for (const name of ['dovecot24', 'cyrus310', 'dovecot23', 'greenmail'] satisfies ServerName[]) {
  describeServer(name, (server) => {
    test('H10 what came back into INBOX marks its recipient, also where old mail was put back after it, and INBOX is as it was', async () => {
      const running = server()
      const user = running.user()
      const sink = await createSmtpSink({ users: { [user.user]: user.password } })
      onTestFinished(() => sink.close())
      await using device = await openDevice(
        { ...running, user: () => user, smtpPort: sink.port },
        { sentCopyWaitMs: 0, sentCopyLookAgainMs: 3_600_000 },
      )
      const { engine, account } = device
      const words = `words of ${crypto.randomUUID()}`
      const to = ['bob@example.com', 'carla@example.com']
      const draft = await engine.drafts.create({ accountId: account.id, to, text: `${words}\n` })
      const { id } = await engine.drafts.send(draft.id)
      await reachedPhase(device, id, 'cleaned')
      const mail = sink.received.find(({ bytes }) => bytes.toString().includes(words))
      const envid = String(mail?.parameters['ENVID'])
      await device.foreign(async (raw) => {
        await raw.append('INBOX', 'From: bob@example.com\r\nSubject: News\r\n\r\nNothing of ours.\r\n')
        await raw.append('INBOX', report(envid, 'carla@example.com'))
        for (let count = 0; count < oldMails; count += 1) {
          const old = `From: bob@example.com\r\nSubject: Old news ${count}\r\n\r\nOf long ago.\r\n`
          await raw.ok('APPEND INBOX () "03-Jan-2024 04:05:06 +0000" ', literal(old))
        }
      })
      await settle(device)
      const record = await engine.sends.get(id)
      expect(record).toMatchObject({ status: 'sent', phase: 'cleaned' })
      expect(record.recipients).toMatchObject([
        { address: 'bob@example.com', status: 'accepted', reason: null },
        { address: 'carla@example.com', status: 'bounced', reason: { message: '550 5.1.1 No such user here' } },
      ])
      const inbox = await device.foreign((raw) => raw.listMessages('INBOX'))
      expect(inbox).toHaveLength(2 + oldMails)
      expect(inbox.flatMap(({ flags }) => flags).filter((flag) => flag.toLowerCase() !== '\\recent')).toEqual([])
    })
  })
}
