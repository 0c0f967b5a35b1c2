import { copyFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { createEngine, type SendId } from '@everdraft/core'
import { imap, smtp } from '@everdraft/mail'
import { sqlite } from '@everdraft/sqlite'
import { describe, expect, test } from 'vitest'

import { type Device, settle } from '../live/harness.ts'
import { openSender, type Sender } from './sender.ts'

const hourMs = 3_600_000

/** A copy of the file while nobody has it open. */
async function copied(device: Device): Promise<string> {
  await device.engine.close()
  const copy = `${device.file}.copy`
  await copyFile(device.file, copy)
  await device.restart()
  return copy
}

async function putBack(device: Device, copy: string): Promise<void> {
  await device.engine.close()
  await Promise.all(['-wal', '-shm'].map((ending) => rm(`${device.file}${ending}`, { force: true })))
  await copyFile(copy, device.file)
  await device.restart()
}

async function scheduled({ device }: Sender, text: string): Promise<SendId> {
  const draft = await device.create({ text })
  return (await device.engine.drafts.send(draft.id, { sendAt: Date.now() + hourMs })).id
}

const restored = { status: 'queued', isHeld: true, error: { code: 'RESTORED' } } as const

describe('H35 a store that was put back from a backup', () => {
  for (const { what, copy } of [
    { what: 'a copy of the file', copy: copied },
    {
      what: 'a copy that the engine made',
      copy: async ({ engine, file }: Device) => {
        await engine.backup(`${file}.backup`)
        return `${file}.backup`
      },
    },
  ]) {
    test(`${what}: what was to be sent waits for a word, and goes then, once`, async () => {
      await using sender = await openSender()
      const { device } = sender
      const id = await scheduled(sender, 'to be sent\n')
      await putBack(device, await copy(device))
      expect(await device.engine.sends.get(id)).toMatchObject(restored)
      await settle(device)
      expect(sender.mailServer.submissions).toEqual([])
      // It stays so, also when the store is opened once more.
      await device.restart()
      expect(await device.engine.sends.get(id)).toMatchObject(restored)
      expect(await device.engine.sends.release(device.account.id)).toEqual({ released: 1 })
      expect(await device.engine.sends.get(id)).toMatchObject({ status: 'queued', isHeld: false, error: null })
      await device.restart()
      expect(await device.engine.sends.get(id)).toMatchObject({ isHeld: false })
      await device.engine.sends.retry(id)
      expect(await sender.reaches(id, 'cleaned')).toMatchObject({ status: 'sent' })
      expect(sender.taken('to be sent')).toBe(1)
      expect(await device.engine.sends.release(device.account.id)).toEqual({ released: 0 })
    })
  }

  test('what was sent since the backup is found in Sent, and does not go again', async () => {
    await using sender = await openSender()
    const { device } = sender
    const id = await scheduled(sender, 'sent meanwhile\n')
    const copy = await copied(device)
    await device.engine.sends.retry(id)
    await sender.reaches(id, 'cleaned')
    await putBack(device, copy)
    expect(await device.engine.sends.get(id)).toMatchObject(restored)
    // Also where somebody says go to this one alone.
    await device.engine.sends.retry(id)
    await expect.poll(async () => (await device.engine.sends.get(id)).error?.code).toBe('FOUND_IN_SENT')
    await settle(device)
    expect(sender.taken('sent meanwhile')).toBe(1)
  })

  test('what was on the wire when the copy was made is held, too', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const draft = await device.create({ text: 'on the wire\n' })
    mailServer.faults.add({ on: { verb: 'DATA' }, do: { kind: 'delay-reply', delayMs: 500 } })
    const { id } = await device.engine.drafts.send(draft.id)
    await sender.reaches(id, 'transmitting')
    await device.engine.backup(`${device.file}.backup`)
    await sender.reaches(id, 'cleaned')
    await putBack(device, `${device.file}.backup`)
    expect(await device.engine.sends.get(id)).toMatchObject(restored)
    await settle(device)
    expect(sender.taken('on the wire')).toBe(1)
  })

  test('who was left after an acceptance is held, and who has it is not asked about', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const draft = await device.engine.drafts.create({
      accountId: device.account.id,
      to: ['bob@example.com', 'carla@example.com'],
      text: 'for two\n',
    })
    mailServer.faults.add({ on: { verb: 'RCPT', nth: 2 }, do: { kind: 'smtp-reply', reply: '451 4.7.1 Later' } })
    const { id } = await device.engine.drafts.send(draft.id)
    await sender.reaches(id, 'cleaned')
    await putBack(device, await copied(device))
    const held = await device.engine.sends.get(id)
    expect(held).toMatchObject({ status: 'sent', isHeld: true, nextAttemptAt: null, error: { code: 'RESTORED' } })
    await device.engine.sends.retry(id)
    await expect
      .poll(async () => (await device.engine.sends.get(id)).recipients.map(({ status }) => status))
      .toEqual(['accepted', 'accepted'])
    expect(mailServer.submissions.map(({ envelope }) => envelope.to)).toEqual([
      ['bob@example.com'],
      ['carla@example.com'],
    ])
  })

  test('somewhere else, without what lay beside it: held', async () => {
    await using sender = await openSender()
    const { device } = sender
    const id = await scheduled(sender, 'elsewhere\n')
    const copy = await copied(device)
    const elsewhere = join(dirname(device.file), 'elsewhere.db')
    await copyFile(copy, elsewhere)
    await using engine = await createEngine({
      storage: sqlite(elsewhere),
      mailbox: imap(),
      submission: smtp(),
      watch: false,
      probe: false,
    })
    expect(await engine.sends.get(id)).toMatchObject(restored)
    // Where it was never away nothing is held.
    await device.restart()
    expect(await device.engine.sends.get(id)).toMatchObject({ isHeld: false })
  })
})
