import type { Umid } from '@everdraft/core'
import { createMailServer } from '@everdraft/mailserver'
import type { Direction } from '@everdraft/testkit'
import { describe, expect, test } from 'vitest'

import { type Device, incompressible, openDevice } from '../live/harness.ts'

const login = (user: string) => ({ security: 'none', user, password: 'secret' }) as const

async function openTwoAccounts() {
  const mailServer = createMailServer({
    users: [
      { name: 'ann', password: 'secret' },
      { name: 'work', password: 'secret' },
      { name: 'third', password: 'secret' },
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

  test('H31 is on a server at every moment, wherever the line is lost and the process ends, and one copy in the end', async () => {
    await using two = await openTwoAccounts()
    const { device, mailServer } = two
    const there = await device.engine.accounts.add({
      address: 'ann@third.example',
      imap: { ...login('third'), host: device.proxy.host, port: device.proxy.port },
    })
    const isThere = (id: Umid): boolean =>
      ['ann', 'third'].some((user) =>
        mailServer
          .mailbox(user, 'Drafts')
          .some(
            ({ bytes, flags }) =>
              Buffer.from(bytes).includes(`X-Everdraft-Id: ${id}`) && ![...flags].includes('\\Deleted'),
          ),
      )
    const rounds = async (): Promise<void> => {
      for (const { id } of [device.account, there, device.account, there, device.account]) {
        await device.engine.sync(id, { waitMs: 30_000 })
      }
    }
    await rounds()

    /** Loses the line with the so many-th piece of that direction; how many there were. */
    const moveAndCut = async (direction: Direction, place: number): Promise<number> => {
      const { id } = await device.create({ text: `cut ${direction} ${place}\n` })
      await device.sync()
      const absent: number[] = []
      let pieces = 0
      const cut = device.proxy.cutAfter({
        direction,
        how: 'rst',
        at: (data) => {
          pieces += 1
          if (!isThere(id)) absent.push(pieces)
          return pieces === place ? Math.floor(data.length / 2) : null
        },
      })
      await device.engine.drafts.move(id, there.id)
      await rounds()
      cut.cancel()
      expect({ absent, isThere: isThere(id) }).toEqual({ absent: [], isThere: true })
      await device.restart()
      for (const task of (await device.engine.tasks.list(there.id)).items) {
        await device.engine.tasks.retry(there.id, task.id)
      }
      await rounds()
      expect([two.copies('ann'), two.copies('third')], `${direction} ${place}`).toEqual([0, 1])
      expect(await device.get(id)).toMatchObject({ accountId: there.id, sync: { state: 'synchronized' } })
      await device.engine.drafts.discard(id)
      await rounds()
      return pieces
    }
    for (const direction of ['toServer', 'toClient'] as const) {
      const pieces = await moveAndCut(direction, Number.POSITIVE_INFINITY)
      expect(pieces).toBeGreaterThan(8)
      for (let place = 1; place <= pieces; place += Math.ceil(pieces / 5)) await moveAndCut(direction, place)
    }
  })
})
