import { describe, expect, test } from 'vitest'

import { settle } from '../live/harness.ts'
import { openEmbedded } from './embedded-device.ts'

describe('H37 what must not leave the device does not', () => {
  test('a draft marked local-only sends not one byte of its text, and is durable all the same', async () => {
    await using embedded = await openEmbedded({ without: ['COMPRESS=DEFLATE'] })
    const { device } = embedded
    let said = ''
    device.proxy.cutAfter({
      direction: 'toServer',
      how: 'fin',
      at(data) {
        said += Buffer.from(data).toString('latin1')
        return null
      },
    })
    const secret = await device.engine.drafts.create({
      accountId: device.account.id,
      to: 'bob@example.com',
      subject: 'Subject of the secret',
      text: 'to be encrypted\n',
      policy: 'local-only',
    })
    const open = await device.create({ subject: 'Subject of the open one' })
    await device.engine.drafts.save(secret.id, { text: 'to be encrypted, edited\n' })
    await device.attach(secret.id, new TextEncoder().encode('an enclosed secret'))
    await device.engine.drafts.flush(secret.id)
    await embedded.upload()
    await settle(device)
    await device.restart()
    await settle(device)
    expect(said).toContain('Subject of the open one')
    expect(said).not.toMatch(/secret|encrypted/)
    expect(said).not.toContain(Buffer.from('an enclosed').toString('base64').slice(0, 12))
    expect((await device.get(open.id)).sync.state).toBe('synchronized')
    const kept = await device.get(secret.id)
    expect(kept).toMatchObject({
      text: 'to be encrypted, edited\n',
      policy: 'local-only',
      sync: { state: 'local-only', pending: null, lastError: null },
    })
    expect(kept.attachments).toHaveLength(1)
    expect(embedded.texts()).toHaveLength(1)
  })

  test('an answer to a message can be local-only, too', async () => {
    await using embedded = await openEmbedded()
    const { device, mailServer } = embedded
    const asked = [
      'From: carol@example.com',
      'To: ann@example.org',
      'Subject: A question',
      'Message-ID: <asked@example.com>',
      'Date: Sat, 21 Nov 2026 10:00:00 +0000',
      '',
      'the question',
      '',
    ].join('\r\n')
    await device.foreign((raw) => raw.append('INBOX', asked))
    const answer = await device.engine.drafts.reply(device.account.id, {
      messageId: 'asked@example.com',
      mode: 'reply',
      policy: 'local-only',
    })
    await device.engine.drafts.save(answer.id, { text: 'not for the server\n' })
    await settle(device)
    expect((await device.get(answer.id)).sync).toMatchObject({ state: 'local-only', pending: null })
    expect(mailServer.mailbox('ann', 'Drafts')).toEqual([])
  })
})
