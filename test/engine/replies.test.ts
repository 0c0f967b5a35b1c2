import type { KnownOriginal, MessageId } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { openEmbedded } from '../hazards/embedded-device.ts'
import { incompressible, sha256 } from '../live/harness.ts'

const known: KnownOriginal = {
  messageId: '<known@example.com>' as MessageId,
  date: Date.UTC(2026, 10, 21),
  from: { address: 'bob@example.com', name: 'Bob Example' },
  sender: null,
  replyTo: [],
  to: [{ address: 'ann@example.org', name: '' }],
  cc: [],
  mailFollowupTo: [],
  listPost: null,
  subject: 'Plans',
  inReplyTo: null,
  references: [],
  text: 'Shall we?',
  html: null,
}

describe('an answer', () => {
  test('to a message that the app has is made offline, a forward with the files that it brings', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    device.proxy.refuse()
    const file = incompressible(300_000)
    const original = {
      ...known,
      attachments: [{ filename: 'plan.pdf', contentType: 'application/pdf', content: file }],
    }
    const { engine, account } = device
    const reply = await engine.drafts.reply(account.id, { original, mode: 'reply' })
    expect(reply).toMatchObject({
      subject: 'Re: Plans',
      to: [{ address: 'bob@example.com' }],
      inReplyTo: '<known@example.com>',
      attachments: [],
    })
    const forward = await engine.drafts.reply(account.id, { original, mode: 'forward' })
    expect(forward.attachments).toMatchObject([{ filename: 'plan.pdf', sha256: sha256(file), size: file.length }])
    await expect(
      engine.drafts.reply(account.id, { messageId: '<known@example.com>', mode: 'reply' }),
    ).rejects.toMatchObject({ isConnectivity: true })
    expect((await engine.drafts.list()).total).toBe(2)
  })

  test('H39 a signed message is forwarded as a whole, byte for byte but for its Bcc; a reply quotes its text', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const signed = [
      'From: Bob Example <bob@example.com>',
      'To: ann@example.org',
      'Bcc: eve@example.net,',
      ' mallory@example.net',
      'Subject: Signed: a/b',
      'Message-ID: <signed@example.com>',
      'MIME-Version: 1.0',
      'Content-Type: multipart/signed; boundary=s; protocol="application/pgp-signature"',
      '',
      '--s',
      'Content-Type: text/plain',
      '',
      'my word',
      '--s',
      'Content-Type: application/pgp-signature',
      '',
      'not looked at',
      '--s--',
      '',
    ].join('\r\n')
    await device.foreign((raw) => raw.append('INBOX', signed, []))
    const { engine, account } = device
    const forward = await engine.drafts.reply(account.id, { messageId: '<signed@example.com>', mode: 'forward' })
    expect(forward.text).toContain('my word')
    expect(forward.attachments).toMatchObject([{ filename: 'Signed a b.eml', contentType: 'message/rfc822' }])
    const pieces: Uint8Array[] = []
    const [whole] = forward.attachments
    for await (const piece of (await engine.drafts.readAttachment(forward.id, whole!.id)).content) pieces.push(piece)
    const hidden = 'Bcc: eve@example.net,\r\n mallory@example.net\r\n'
    expect(Buffer.concat(pieces).toString()).toBe(signed.replace(hidden, ''))
    const reply = await engine.drafts.reply(account.id, { messageId: '<signed@example.com>', mode: 'reply' })
    expect(reply.text).toContain('> my word')
    expect(reply.attachments).toEqual([])
  })

  test('does not wait for an upload that is on the wire, and takes no folder from it', async () => {
    await using embedded = await openEmbedded()
    const { device, mailServer } = embedded
    const mail = 'From: bob@example.com\r\nSubject: Now\r\nMessage-ID: <now@example.com>\r\n\r\nnow?\r\n'
    await device.foreign((raw) => raw.append('INBOX', mail, []))
    const draft = await device.create()
    const slow = mailServer.faults.add({ on: { verb: 'APPEND' }, do: { kind: 'delay-reply', delayMs: 400 } })
    const started = new Promise<void>((resolve) => {
      device.engine.subscribe({}, (event) => {
        if (event.type === 'upload-started') resolve()
      })
    })
    let uploaded = false
    const uploading = embedded.upload().then(() => (uploaded = true))
    await started
    const reply = await device.engine.drafts.reply(device.account.id, { messageId: '<now@example.com>', mode: 'reply' })
    expect(reply.subject).toBe('Re: Now')
    expect({ uploaded, slow: slow.fired }).toEqual({ uploaded: false, slow: true })
    await uploading
    expect((await device.get(draft.id)).sync.state).toBe('synchronized')
  })

  test('can be made of what no draft may hold: controls in names, NUL in the text, no Message-ID in threads', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const broken = [
      'From: =?utf-8?Q?Bob=0D=0ABcc:_eve?= <bob@example.com>',
      'To: undisclosed-recipients:;',
      'Subject: =?utf-8?Q?one=0D=0Atwo=00?=',
      'Message-ID: <broken@example.com>',
      'In-Reply-To: your message of Tuesday',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      'a=00b',
      '--b',
      'Content-Type: image/png',
      'Content-ID: <a b@>',
      "Content-Disposition: attachment; filename*=utf-8''%0D%0A",
      '',
      'x',
      '--b--',
      '',
    ].join('\r\n')
    await device.foreign((raw) => raw.append('INBOX', broken, []))
    for (const mode of ['reply', 'forward'] as const) {
      const draft = await device.engine.drafts.reply(device.account.id, { messageId: '<broken@example.com>', mode })
      expect(draft.subject).toMatch(/^(Re|Fwd): one/)
      expect(JSON.stringify([draft.subject, draft.to, draft.text])).not.toMatch(/\\u0000|\\r/)
      await embedded.upload()
      expect((await device.get(draft.id)).sync.state).toBe('synchronized')
    }
  })
})

test('a draft without an account goes to the one of its sender, else from which its recipients were written to last, else the last used', async () => {
  await using embedded = await openEmbedded()
  const { engine, account: ann } = embedded.device
  const imap = {
    host: '127.0.0.1',
    port: embedded.mailServer.imapPort,
    security: 'none',
    user: 'x',
    password: 'x',
  } as const
  const work = await engine.accounts.add({ address: 'ann@work.example', imap })
  const club = await engine.accounts.add({ address: 'ann@club.example', imap })
  await engine.drafts.create({ accountId: ann.id, to: 'bob@example.com' })
  await engine.drafts.create({ accountId: work.id, cc: 'Bob <BOB@example.com>', to: 'boss@work.example' })
  await engine.drafts.create({ accountId: club.id, to: 'chess@club.example' })
  const picked = async (fields: Parameters<typeof engine.drafts.create>[0]) => {
    const draft = await engine.drafts.create(fields)
    await engine.drafts.discard(draft.id)
    return draft.accountId
  }
  expect(await picked({ to: 'bob@example.com' })).toBe(work.id)
  expect(await picked({ from: 'ANN@example.org', to: 'bob@example.com' })).toBe(ann.id)
  expect(await picked({ bcc: 'Chess@club.example' })).toBe(club.id)
  expect(await picked({ from: 'nobody@example.net', to: 'boss@work.example' })).toBe(work.id)
  // Work was used last, by the discarded ones too.
  expect(await picked({ to: 'stranger@example.com' })).toBe(work.id)
  expect(await picked({})).toBe(work.id)
})
