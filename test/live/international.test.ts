import { createSmtpSink, describeServer, type ServerName } from '@everdraft/testkit'
import { expect, onTestFinished, test } from 'vitest'

import { reachedPhase } from '../engine/reached-phase.ts'
import { openDevice, settle } from './harness.ts'

for (const name of ['dovecot24', 'cyrus310', 'greenmail'] satisfies ServerName[]) {
  describeServer(name, (server) => {
    test('a mail to an international address goes by SMTPUTF8 with ENVID, and one copy lies in Sent', async () => {
      const running = server()
      const user = running.user()
      const sink = await createSmtpSink({ users: { [user.user]: user.password } })
      onTestFinished(() => sink.close())
      await using device = await openDevice(
        { ...running, user: () => user, smtpPort: sink.port },
        { sentCopyWaitMs: 0, sentCopyLookAgainMs: 3_600_000 },
      )
      const { engine, account } = device
      const to = ['Jörg <jörg@example.com>', 'ann@bücher.example']
      const draft = await engine.drafts.create({ accountId: account.id, to, bcc: '用户@例子.example', text: 'Grüße\n' })
      await settle(device)
      const { id } = await engine.drafts.send(draft.id)
      await reachedPhase(device, id, 'cleaned')
      const [mail, ...others] = sink.received
      expect(others).toEqual([])
      expect(mail?.parameters).toMatchObject({ SMTPUTF8: true, BODY: '8BITMIME', RET: 'HDRS', ENVID: id })
      expect(mail?.recipients).toHaveLength(3)
      expect(mail?.bytes.toString()).toMatch(/^To: .*<jörg@example\.com>,\r\n ann@xn--bcher-kva\.example\r$/m)
      const sent = await device.foreign((raw) => raw.listMessages('Sent'))
      expect(sent).toHaveLength(1)
      expect(Buffer.from(sent[0]!.bytes).toString()).toMatch(
        /^Bcc: 用户@例子\.example\r\n[^]*^To: .*<jörg@example\.com>,/m,
      )
      expect(await device.drafts()).toEqual([])
    })
  })
}
