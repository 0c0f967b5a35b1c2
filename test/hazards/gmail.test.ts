import type { MailboxPort, MailboxSession, Uid } from '@everdraft/core'
import { imap } from '@everdraft/mail'
import { defaultCapabilities, type MailServerOptions } from '@everdraft/mailserver'
import { describe, expect, test } from 'vitest'

import { settle } from '../live/harness.ts'
import { type EmbeddedDevice, openEmbedded } from './embedded-device.ts'

const likeGmail: Omit<MailServerOptions, 'users'> = {
  capabilities: [...defaultCapabilities.filter((name) => name !== 'REPLACE' && name !== 'CATENATE'), 'X-GM-EXT-1'],
  quirks: { archivesExpunged: true },
  mailboxes: [
    { name: '[Gmail]/All Mail', specialUse: '\\All' },
    { name: '[Gmail]/Drafts', specialUse: '\\Drafts' },
    { name: '[Gmail]/Sent Mail', specialUse: '\\Sent' },
    { name: '[Gmail]/Trash', specialUse: '\\Trash' },
  ],
}

function countIn({ mailServer }: EmbeddedDevice, name: string): number {
  return mailServer.mailbox('ann', `[Gmail]/${name}`).length
}

/** A server that is slow to say by labels what was sent. */
function withLateLabels(session: MailboxSession): MailboxSession {
  return new Proxy(session, {
    get(target, name) {
      if (name === 'details') {
        return async (uids: readonly Uid[]) =>
          (await target.details(uids)).map((one) => ({
            ...one,
            gmailLabels: one.gmailLabels.filter((label) => label.toLowerCase() !== '\\sent'),
          }))
      }
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

describe('H08 on a server with labels, as Gmail', () => {
  test('an older copy goes by way of the trash, and nothing of it stays in All Mail', async () => {
    await using embedded = await openEmbedded(likeGmail, { probe: true })
    const { device } = embedded
    const draft = await device.create({ text: 'one\n' })
    await embedded.upload()
    expect([countIn(embedded, 'Drafts'), countIn(embedded, 'All Mail'), countIn(embedded, 'Trash')]).toEqual([1, 1, 0])
    for (const text of ['two\n', 'three\n']) {
      await device.engine.drafts.save(draft.id, { text })
      await embedded.upload()
    }
    expect([countIn(embedded, 'Drafts'), countIn(embedded, 'All Mail'), countIn(embedded, 'Trash')]).toEqual([1, 1, 0])
    await device.engine.drafts.discard(draft.id)
    await embedded.upload()
    expect([countIn(embedded, 'Drafts'), countIn(embedded, 'All Mail'), countIn(embedded, 'Trash')]).toEqual([0, 0, 0])
  })

  test('a draft that was sent is the sent mail itself: the clean-up of its draft does not touch it', async () => {
    await using embedded = await openEmbedded(likeGmail)
    const { device } = embedded
    const draft = await device.create({ text: 'sent from the web page\n' })
    await embedded.upload()
    // For a moment the message has both labels.
    await device.foreign(async (raw) => {
      await raw.command('SELECT "[Gmail]/Drafts"')
      await raw.command('UID COPY 1:* "[Gmail]/Sent Mail"')
    })
    await device.engine.drafts.discard(draft.id)
    await embedded.upload()
    expect([countIn(embedded, 'Sent Mail'), countIn(embedded, 'All Mail'), countIn(embedded, 'Trash')]).toEqual([
      1, 1, 0,
    ])
    await settle(device)
    expect([countIn(embedded, 'Sent Mail'), countIn(embedded, 'All Mail')]).toEqual([1, 1])
  })

  test('also where its labels do not say yet that it was sent: it is known by X-GM-MSGID', async () => {
    const port = imap()
    const mailbox: MailboxPort = {
      format: port.format,
      connect: async (settings, options) => withLateLabels(await port.connect(settings, options)),
    }
    await using embedded = await openEmbedded(likeGmail, { mailbox })
    const { device } = embedded
    const draft = await device.create({ text: 'sent from the web page\n' })
    const other = await device.create({ text: 'not sent\n' })
    await embedded.upload()
    await device.foreign(async (raw) => {
      await raw.command('SELECT "[Gmail]/Drafts"')
      await raw.command('UID COPY 1 "[Gmail]/Sent Mail"')
    })
    for (const { id } of [draft, other]) await device.engine.drafts.discard(id)
    await embedded.upload()
    await settle(device)
    expect([countIn(embedded, 'Sent Mail'), countIn(embedded, 'All Mail'), countIn(embedded, 'Trash')]).toEqual([
      1, 1, 0,
    ])
    const [left, ...others] = embedded.mailServer.mailbox('ann', '[Gmail]/Drafts')
    expect(others).toEqual([])
    expect(new TextDecoder().decode(left?.bytes)).toContain('sent from the web page')
  })

  test('a folder that holds all mail never supplies drafts, whatever it is called', async () => {
    const mailboxes = [{ name: 'Drafts', specialUse: '\\All' }]
    await using embedded = await openEmbedded({ ...likeGmail, mailboxes })
    const { device, mailServer } = embedded
    await device.foreign(async (raw) => {
      await raw.append('Drafts', 'Subject: somebody’s letter\r\n\r\ntext\r\n', [])
    })
    const report = await device.engine.accounts.verify(device.account.id)
    expect(report).toMatchObject({ draftsFolder: null })
    await device.sync()
    expect((await device.engine.drafts.list()).total).toBe(0)
    expect(mailServer.mailbox('ann', 'Drafts')).toHaveLength(1)
  })
})
