import type { Draft } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { openEmbedded } from '../hazards/embedded-device.ts'
import { type Device, openDevice, settle } from '../live/harness.ts'

interface Moved extends AsyncDisposable {
  readonly old: Device
  readonly fresh: Device
  /** In the order in which they were written. */
  readonly drafts: readonly Draft[]
  readonly texts: () => readonly string[]
  /** The line of the new device is there from now on. */
  readonly connect: () => void
}

/**
 * Two drafts that one device has on the server, and a new device of the same user that has taken their bundle in before it ever
 * saw the server. `meanwhile`: what happens on the old one after the export.
 */
async function move(
  meanwhile: (old: Device, drafts: readonly Draft[]) => Promise<void> = async () => {},
): Promise<Moved> {
  const embedded = await openEmbedded()
  const { device: old, mailServer } = embedded
  const drafts = [await old.create({ subject: 'first', text: 'one\n' }), await old.create({ subject: 'second' })]
  await old.attach(drafts[0]!.id, new Uint8Array(2_000).fill(7))
  await settle(old)
  const { bytes } = await old.engine.bundles.export(old.account.id, { attachments: true })
  const pieces: Uint8Array[] = []
  for await (const piece of bytes) pieces.push(piece.slice())
  await meanwhile(old, drafts)
  await settle(old)

  let isOnline = false
  const heard: ((isOnline: boolean) => void)[] = []
  const connectivity = {
    isOnline: () => isOnline,
    subscribe: (listener: (online: boolean) => void) => {
      heard.push(listener)
      return () => {}
    },
  }
  const target = {
    host: '127.0.0.1',
    imapPort: mailServer.imapPort,
    supports: { catenate: true, uidplus: true, sent: 'Sent' },
    user: () => ({ user: 'ann', password: 'secret', address: 'ann@example.org' }),
  }
  const fresh = await openDevice(target, {}, { connectivity })
  const { counts } = await fresh.engine.bundles.import(fresh.account.id, inPieces(pieces))
  expect(counts.created).toBe(2)
  return {
    old,
    fresh,
    drafts,
    texts: () => embedded.texts(),
    connect: () => {
      isOnline = true
      for (const listener of heard) listener(true)
    },
    async [Symbol.asyncDispose]() {
      await fresh[Symbol.asyncDispose]()
      await embedded[Symbol.asyncDispose]()
    },
  }
}

async function* inPieces(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* pieces
}

async function subjectsOf({ engine }: Device): Promise<readonly string[]> {
  const { items } = await engine.drafts.list({ status: 'draft' })
  return items.map(({ subject }) => subject).toSorted()
}

describe('a bundle that is taken in on a new device before its first round', () => {
  test('H15 meets its drafts on the server as what they are: none doubles, here or there', async () => {
    await using moved = await move()
    const { old, fresh, drafts, connect, texts } = moved
    connect()
    for (let round = 0; round < 2; round += 1) for (const device of [fresh, old]) await settle(device)
    for (const device of [fresh, old]) {
      expect(await subjectsOf(device)).toEqual(['first', 'second'])
      for (const { id } of drafts) expect((await device.get(id)).sync.state).toBe('synchronized')
    }
    expect(texts()).toHaveLength(2)
    // It is one draft from then on, wherever it is written.
    await fresh.engine.drafts.save(drafts[0]!.id, { text: 'by the new one\n' })
    for (const device of [fresh, old]) await settle(device)
    expect(await old.get(drafts[0]!.id)).toMatchObject({ text: 'by the new one\n', attachments: [{ size: 2_000 }] })
    expect(texts()).toHaveLength(2)
  })

  test('and uploads before it, the two copies become one', async () => {
    await using moved = await move()
    const { old, fresh, drafts, connect, texts } = moved
    connect()
    for (const { id } of drafts) await fresh.engine.drafts.flush(id)
    for (let round = 0; round < 3; round += 1) for (const device of [fresh, old]) await settle(device)
    for (const device of [fresh, old]) expect(await subjectsOf(device)).toEqual(['first', 'second'])
    expect(texts()).toHaveLength(2)
  })

  test('and that went on since on the other device alone: the newer words stay, the older ones are in the trash', async () => {
    await using moved = await move(async (old, [first]) => {
      await old.engine.drafts.save(first!.id, { subject: 'first, later', text: 'two\n' })
    })
    const { old, fresh, drafts, connect, texts } = moved
    connect()
    for (let round = 0; round < 3; round += 1) for (const device of [fresh, old]) await settle(device)
    for (const device of [fresh, old]) expect(await subjectsOf(device)).toEqual(['first, later', 'second'])
    const { items } = await fresh.engine.drafts.list({ status: 'draft' })
    expect(items.find(({ subject }) => subject === 'first, later')).toMatchObject({ succeeds: drafts[0]!.id })
    expect(await fresh.get(drafts[0]!.id)).toMatchObject({ status: 'discarded', text: 'one\n' })
    expect(texts()).toHaveLength(2)
  })

  test('and is written on here before it: what is on the server is what it was written upon', async () => {
    await using moved = await move()
    const { old, fresh, drafts, connect, texts } = moved
    await fresh.engine.drafts.save(drafts[0]!.id, { text: 'by the new one\n' })
    connect()
    for (let round = 0; round < 3; round += 1) for (const device of [fresh, old]) await settle(device)
    for (const device of [fresh, old]) {
      expect(await subjectsOf(device)).toEqual(['first', 'second'])
      expect(await device.get(drafts[0]!.id)).toMatchObject({
        text: 'by the new one\n',
        sync: { state: 'synchronized' },
      })
    }
    expect(texts()).toHaveLength(2)
  })

  test('and that both have written on since: the words of both are on both, and nothing is lost', async () => {
    await using moved = await move(async (old, [first]) => {
      await old.engine.drafts.save(first!.id, { subject: 'first, by the old one' })
    })
    const { old, fresh, drafts, connect, texts } = moved
    await fresh.engine.drafts.save(drafts[0]!.id, { subject: 'first, by the new one' })
    connect()
    for (let round = 0; round < 3; round += 1) for (const device of [fresh, old]) await settle(device)
    for (const device of [fresh, old]) {
      expect(await subjectsOf(device)).toEqual(['first, by the new one', 'first, by the old one', 'second'])
    }
    expect(texts()).toHaveLength(3)
  })
})
