import { describe, expect, test } from 'vitest'

import type { Draft } from '@everdraft/core'
import type { RawImap } from '@everdraft/testkit'

import { type EmbeddedDevice, openEmbedded } from '../hazards/embedded-device.ts'
import { openDevice, settle } from '../live/harness.ts'

/** As another program sends drafts: a copy into Sent under the Message-ID that it has, then the one in Drafts goes. */
async function sendAll(
  { device }: EmbeddedDevice,
  which: (subject: string) => boolean,
  file: 'into Sent' | 'nowhere' = 'into Sent',
): Promise<readonly string[]> {
  return await device.foreign(async (raw) => {
    const sent = (await raw.listMessages('Drafts')).filter(({ bytes }) => which(subjectOf(bytes)))
    if (file === 'into Sent') for (const { bytes } of sent) await fileInSent(raw, bytes)
    await raw.select('Drafts')
    await raw.markDeleted(
      'Drafts',
      sent.map(({ uid }) => uid),
    )
    await raw.expunge('Drafts')
    return sent.map(({ bytes }) => bytes.toString('latin1'))
  })
}

async function fileInSent(raw: RawImap, bytes: string | Uint8Array): Promise<void> {
  await raw.append('Sent', bytes, ['\\Seen'])
}

function subjectOf(bytes: Uint8Array): string {
  return /^Subject: (.*)\r$/m.exec(Buffer.from(bytes).toString('latin1'))?.[1] ?? ''
}

async function writeMany(embedded: EmbeddedDevice, count: number): Promise<readonly Draft[]> {
  const drafts: Draft[] = []
  for (let index = 0; index < count; index += 1) {
    drafts.push(await embedded.device.create({ subject: `letter ${index}` }))
  }
  await settle(embedded.device)
  return drafts
}

async function totals({ device }: EmbeddedDevice): Promise<{ readonly drafts: number; readonly inTrash: number }> {
  const { total: drafts } = await device.engine.drafts.list({ status: 'draft' })
  const { total: inTrash } = await device.engine.drafts.list({ status: 'discarded' })
  return { drafts, inTrash }
}

describe('a draft that another mail program has sent with its Message-ID', () => {
  test('goes to the local trash with its history, and is told with the mail that it became', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const draft = await device.create({ text: 'one\n' })
    await settle(device)
    await device.engine.drafts.save(draft.id, { text: 'two\n' })
    await settle(device)
    const { messageId } = (await device.get(draft.id)).sync
    await sendAll(embedded, () => true)
    await device.sync()
    // Only a second complete round confirms it.
    expect(await device.get(draft.id)).toMatchObject({ status: 'draft' })
    const { purged } = await device.sync()
    expect(purged).toBe(1)
    expect(await device.get(draft.id)).toMatchObject({ status: 'discarded', text: 'two\n' })
    expect(await device.engine.drafts.history(draft.id)).toHaveLength(2)
    expect(device.events.filter(({ type }) => type === 'draft-purged')).toMatchObject([
      { draftId: draft.id, sentAs: messageId },
    ])
    await settle(device)
    expect(embedded.texts()).toEqual([])
  })

  test('taken back from the trash is uploaded again, and goes again like any other', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const draft = await device.create({})
    await settle(device)
    await sendAll(embedded, () => true)
    for (let round = 0; round < 2; round += 1) await device.sync()
    await device.engine.drafts.undiscard(draft.id)
    await settle(device)
    expect(embedded.texts()).toHaveLength(1)
    await sendAll(embedded, () => true, 'nowhere')
    for (let round = 0; round < 2; round += 1) await device.sync()
    expect(await device.get(draft.id)).toMatchObject({ status: 'discarded' })
    expect(device.events.filter(({ type }) => type === 'draft-purged')).toMatchObject([{}, { sentAs: null }])
  })

  test('stays as long as a composer has it open', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const draft = await device.create({})
    await settle(device)
    const composer = device.engine.drafts.open(draft.id)
    await sendAll(embedded, () => true)
    for (let round = 0; round < 3; round += 1) await device.sync()
    expect(await device.get(draft.id)).toMatchObject({ status: 'draft' })
    await composer[Symbol.asyncDispose]()
    await device.sync()
    expect(await device.get(draft.id)).toMatchObject({ status: 'discarded' })
  })

  test('is not what a new draft of the same words comes from', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    await device.create({ subject: 'Every Monday', text: 'The same words as every week, without a change.\n' })
    await settle(device)
    const [bytes] = await sendAll(embedded, () => true)
    for (let round = 0; round < 2; round += 1) await device.sync()
    const next = bytes!
      .replace(/^Message-ID: .*$/m, 'Message-ID: <next.week@desktop.example.com>')
      .replaceAll(/^X-Everdraft-[^\r\n]*\r\n/gm, '')
    await device.foreign((raw) => raw.append('Drafts', next, ['\\Draft']))
    await settle(device)
    const { items } = await device.engine.drafts.list({ status: 'draft' })
    expect(items).toMatchObject([{ subject: 'Every Monday', succeeds: null }])
  })
})

describe('many drafts that were sent elsewhere at once', () => {
  test('are no mass loss', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    await writeMany(embedded, 12)
    await sendAll(embedded, (subject) => subject !== 'letter 0')
    for (let round = 0; round < 2; round += 1) expect((await device.sync()).errors).toEqual([])
    expect(await totals(embedded)).toEqual({ drafts: 1, inTrash: 11 })
  })

  test('go while those are held that nobody has sent', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    await writeMany(embedded, 20)
    // Of the fifteen that are left eight are gone without a trace.
    await sendAll(embedded, (subject) => /^letter [0-4]$/.test(subject))
    await sendAll(embedded, (subject) => /^letter ([5-9]|1[0-2])$/.test(subject), 'nowhere')
    for (let round = 0; round < 2; round += 1) {
      const { errors } = await device.sync()
      expect(errors).toMatchObject([{ code: 'MASS_VANISH', message: expect.stringMatching(/^8 copies/) }])
    }
    expect(await totals(embedded)).toEqual({ drafts: 15, inTrash: 5 })
  })

  test('are held no more when their mails show up in Sent late', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    await writeMany(embedded, 12)
    const bytes = await sendAll(embedded, () => true, 'nowhere')
    expect((await device.sync()).errors.map(({ code }) => code)).toEqual(['MASS_VANISH'])
    expect((await device.sync()).errors.map(({ code }) => code)).toEqual(['MASS_VANISH'])
    expect(await totals(embedded)).toEqual({ drafts: 12, inTrash: 0 })
    await device.foreign(async (raw) => {
      for (const one of bytes) await fileInSent(raw, one)
    })
    expect((await device.sync()).errors).toEqual([])
    expect(await totals(embedded)).toEqual({ drafts: 0, inTrash: 12 })
    expect(await device.engine.accounts.get(device.account.id)).toMatchObject({ lastError: null })
  })

  test('by another device of the same user are known by their mark (H35)', async () => {
    await using embedded = await openEmbedded()
    const { device, mailServer } = embedded
    await writeMany(embedded, 12)
    const { user } = device
    const target = {
      host: '127.0.0.1',
      imapPort: mailServer.imapPort,
      smtpPort: mailServer.smtpPort,
      supports: { catenate: true, uidplus: true, sent: 'Sent' },
      user: () => user,
    }
    await using other = await openDevice(target, { sentCopyWaitMs: 0 })
    await settle(other)
    const { items } = await other.engine.drafts.list({ status: 'draft' })
    expect(items).toHaveLength(12)
    for (const { id } of items) await other.engine.drafts.send(id)
    await expect.poll(() => embedded.texts().length, { timeout: 20_000, interval: 20 }).toBe(0)
    for (let round = 0; round < 2; round += 1) expect((await device.sync()).errors).toEqual([])
    expect(await totals(embedded)).toEqual({ drafts: 0, inTrash: 12 })
    const sentAs = device.events.flatMap((event) => (event.type === 'draft-purged' ? [event.sentAs] : []))
    expect(new Set(sentAs).size).toBe(12)
    expect(sentAs).not.toContain(null)
  })

  test('cost a look into Sent once, while they are held and nothing comes into it', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    await device.foreign(async (raw) => {
      for (let index = 0; index < 60; index += 1)
        await fileInSent(raw, `Message-ID: <${index}@example.org>\r\n\r\nold\r\n`)
    })
    await writeMany(embedded, 12)
    await sendAll(embedded, () => true, 'nowhere')
    const bytesOfARound = async (): Promise<number> => {
      const mark = device.proxy.mark()
      await device.sync()
      return device.proxy.since(mark).toClient
    }
    const first = await bytesOfARound()
    expect(await bytesOfARound()).toBeLessThan(first / 4)
    expect(await totals(embedded)).toEqual({ drafts: 12, inTrash: 0 })
    await device.foreign((raw) => fileInSent(raw, 'Message-ID: <new@example.org>\r\n\r\nnew\r\n'))
    expect(await bytesOfARound()).toBeGreaterThan(first / 4)
  })
})
