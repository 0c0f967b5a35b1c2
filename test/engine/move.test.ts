import { createMailServer } from '@everdraft/mailserver'
import { describe, expect, test } from 'vitest'

import { type Device, incompressible, openDevice } from '../live/harness.ts'

async function openTwoAccounts() {
  const mailServer = createMailServer({
    users: [
      { name: 'ann', password: 'secret' },
      { name: 'work', password: 'secret' },
    ],
  })
  await mailServer.listen()
  const device: Device = await openDevice({
    host: '127.0.0.1',
    imapPort: mailServer.imapPort,
    supports: { catenate: true, uidplus: true, sent: 'Sent' },
    user: () => ({ user: 'ann', password: 'secret', address: 'ann@example.org' }),
  })
  const work = await device.engine.accounts.add({
    address: 'ann@work.example',
    imap: { host: '127.0.0.1', port: mailServer.imapPort, security: 'none', user: 'work', password: 'secret' },
  })
  return {
    device,
    mailServer,
    work,
    copies: (user: string) => mailServer.mailbox(user, 'Drafts').length,
    async [Symbol.asyncDispose]() {
      await device[Symbol.asyncDispose]()
      await mailServer.close()
    },
  }
}

describe('a draft that moves to another account', () => {
  test('goes with its history and attachments, and ends as one copy, there', async () => {
    await using two = await openTwoAccounts()
    const { device, work } = two
    const draft = await device.create({ text: 'one\n' })
    const bytes = incompressible(300_000)
    await device.attach(draft.id, bytes)
    await device.sync()
    expect([two.copies('ann'), two.copies('work')]).toEqual([1, 0])
    const moved = await device.engine.drafts.move(draft.id, work.id)
    expect(moved).toMatchObject({ id: draft.id, accountId: work.id, from: { address: 'ann@work.example' } })
    await device.engine.sync(work.id, { waitMs: 30_000 })
    await device.engine.sync(device.account.id, { waitMs: 30_000 })
    expect([two.copies('ann'), two.copies('work')]).toEqual([0, 1])
    expect(await device.get(draft.id)).toMatchObject({ sync: { state: 'synchronized' } })
    expect(await device.engine.drafts.history(draft.id)).toHaveLength(3)
    const { content } = await device.engine.drafts.readAttachment(draft.id, moved.attachments[0]!.id)
    const pieces: Uint8Array[] = []
    for await (const piece of content) pieces.push(piece)
    expect(Buffer.concat(pieces).equals(Buffer.from(bytes))).toBe(true)
  })

  test('its copy in the old account stays until the new account has one: it is never nowhere', async () => {
    await using two = await openTwoAccounts()
    const { device, work, mailServer } = two
    const draft = await device.create({ text: 'one\n' })
    await device.sync()
    await device.engine.drafts.move(draft.id, work.id)
    const fault = mailServer.faults.add({
      on: { verb: 'APPEND', times: 'always' },
      do: { kind: 'answer', status: 'NO', text: '[UNAVAILABLE] come back later' },
    })
    await device.engine.sync(device.account.id, { waitMs: 30_000 })
    await device.engine.sync(work.id, { waitMs: 30_000 })
    await device.engine.sync(device.account.id, { waitMs: 30_000 })
    expect(fault.fired).toBe(true)
    expect([two.copies('ann'), two.copies('work')]).toEqual([1, 0])
    await device.restart()
    await device.engine.sync(device.account.id, { waitMs: 30_000 })
    expect(two.copies('ann')).toBe(1)
    fault.remove()
    await device.engine.sync(work.id, { waitMs: 30_000 })
    await device.engine.sync(device.account.id, { waitMs: 30_000 })
    expect([two.copies('ann'), two.copies('work')]).toEqual([0, 1])
  })

  test('discarded before it arrived, it leaves both accounts', async () => {
    await using two = await openTwoAccounts()
    const { device, work } = two
    const draft = await device.create({ text: 'one\n' })
    await device.sync()
    await device.engine.drafts.move(draft.id, work.id)
    await device.engine.drafts.discard(draft.id)
    await device.engine.sync(work.id, { waitMs: 30_000 })
    await device.engine.sync(device.account.id, { waitMs: 30_000 })
    expect([two.copies('ann'), two.copies('work')]).toEqual([0, 0])
  })
})
