import type { Draft, FolderPath } from '@everdraft/core'
import Database from 'better-sqlite3'
import { describe, expect, test } from 'vitest'

import { type Device, incompressible, openDevice, settle, sha256, type TargetServer } from './harness.ts'

const picture = incompressible(30_000)
const report = incompressible(400_000)

/** As it came from somebody else: HTML with a picture within, a file, and a Bcc that some programs leave in. */
function original(messageId: string, to: string): string {
  return [
    'From: Bob Example <bob@example.com>',
    `To: ${to}, Cy <cy@example.com>`,
    'Bcc: eve@example.net',
    'Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=',
    `Message-ID: ${messageId}`,
    'References: <first@example.com>',
    'Date: Sat, 21 Nov 2026 10:00:00 +0000',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=outer',
    '',
    '--outer',
    'Content-Type: multipart/related; boundary=inner',
    '',
    '--inner',
    'Content-Type: text/html; charset=utf-8',
    '',
    '<p>As you see: <img src="cid:seen@example.com"></p>',
    ...part('inner', 'image/png', 'inline', picture, 'Content-ID: <seen@example.com>'),
    '--inner--',
    ...part('outer', 'application/pdf', 'attachment; filename="Quartal.pdf"', report),
    '--outer--',
    '',
  ].join('\r\n')
}

function part(boundary: string, type: string, disposition: string, bytes: Uint8Array, ...fields: readonly string[]) {
  const encoded = Buffer.from(bytes).toString('base64').replaceAll(/.{76}/g, '$&\r\n')
  const header = [`Content-Type: ${type}`, `Content-Disposition: ${disposition}`, ...fields]
  return [`--${boundary}`, ...header, 'Content-Transfer-Encoding: base64', '', encoded]
}

async function contentsOf(device: Device, draft: Draft): Promise<readonly string[]> {
  const hashes: string[] = []
  for (const { id } of draft.attachments) {
    const pieces: Uint8Array[] = []
    for await (const piece of (await device.engine.drafts.readAttachment(draft.id, id)).content) pieces.push(piece)
    hashes.push(sha256(Buffer.concat(pieces)))
  }
  return hashes
}

/** Also those that are not complete: in a copy, as the store is in use. */
async function blobsIn({ engine, file }: Device): Promise<unknown> {
  await engine.backup(`${file}.copy`)
  const database = new Database(`${file}.copy`, { readonly: true })
  try {
    return database.prepare('select count(*) from blob').pluck().get()
  } finally {
    database.close()
  }
}

/** What a user is promised of answers, on every server. */
export function repliesSuite(server: () => TargetServer): void {
  describe('an answer to a message on the server', () => {
    test('H39 a reply has the thread, the quote and the picture in it, and nobody who was hidden', async () => {
      await using device = await openDevice(server())
      const { user, account } = device
      await device.foreign((raw) => raw.append('INBOX', original('<asked@example.com>', user.address), []))
      const reply = await device.engine.drafts.reply(account.id, {
        messageId: '<asked@example.com>',
        mode: 'reply_all',
      })
      expect(reply).toMatchObject({
        status: 'draft',
        subject: 'Re: Grüße',
        from: { address: user.address },
        to: [{ address: 'bob@example.com' }, { address: 'cy@example.com' }],
        bcc: [],
        inReplyTo: '<asked@example.com>',
        references: ['<first@example.com>', '<asked@example.com>'],
        attachments: [{ contentId: 'seen@example.com', disposition: 'inline', size: picture.length }],
      })
      expect(reply.html).toContain('cid:seen@example.com')
      expect(reply.text).toContain('> As you see:')
      expect(await contentsOf(device, reply)).toEqual([sha256(picture)])
      await settle(device)
      const [copy, ...others] = await device.drafts()
      expect(others).toEqual([])
      expect(copy!.bytes.toString('utf8')).toContain('In-Reply-To: <asked@example.com>')
      expect(JSON.stringify(reply) + copy!.bytes.toString('utf8')).not.toContain('eve@')
      // Reading it was no deed of ours: it is as unread as before.
      const flags = await device.foreign(async (raw) => (await raw.listMessages('INBOX')).map((one) => one.flags))
      expect(flags.flat().filter((flag) => flag.toLowerCase() === '\\seen')).toEqual([])
    })

    test('H13 a forward has every attachment of a message in Sent, byte for byte, also once it is on the server', async () => {
      await using device = await openDevice(server())
      const folder = (server().supports.sent ?? 'INBOX') as FolderPath
      await device.foreign((raw) => raw.append(folder, original('<told@example.com>', device.user.address), ['\\Seen']))
      const forward = await device.engine.drafts.reply(device.account.id, {
        messageId: 'told@example.com',
        mode: 'forward',
      })
      expect(forward).toMatchObject({ subject: 'Fwd: Grüße', to: [], inReplyTo: null })
      expect(forward.attachments.map(({ filename, contentType }) => [filename, contentType])).toEqual([
        ['attachment', 'image/png'],
        ['Quartal.pdf', 'application/pdf'],
      ])
      expect(await contentsOf(device, forward)).toEqual([sha256(picture), sha256(report)])
      await settle(device)
      expect((await device.get(forward.id)).sync.state).toBe('synchronized')
      expect((await device.drafts()).map((copy) => copy.bytes.toString('utf8').includes('eve@'))).toEqual([false])
    })

    test('H31 cut in the middle nothing half made is left, and it can be asked for again', async () => {
      await using device = await openDevice(server())
      await device.foreign((raw) => raw.append('INBOX', original('<cut@example.com>', device.user.address), []))
      const ask = { messageId: '<cut@example.com>', mode: 'forward' } as const
      device.proxy.cutAfter({ direction: 'toClient', bytes: 200_000, how: 'rst' })
      await expect(device.engine.drafts.reply(device.account.id, ask)).rejects.toMatchObject({
        code: 'CONNECTION_LOST',
      })
      expect((await device.engine.drafts.list({ accountId: device.account.id })).total).toBe(0)
      expect(await blobsIn(device)).toBe(0)
      expect((await device.engine.drafts.reply(device.account.id, ask)).attachments).toHaveLength(2)
    })
  })
}
