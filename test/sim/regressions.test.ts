import { expect, test } from 'vitest'

import { openScripted } from './device.ts'
import { createWorld, pass } from './world/world.ts'

test('a disk that is full at the first start is said to be full, and the next start goes well', async () => {
  const network = { faultRate: 0, slowRate: 0 }
  const world = createWorld({ seed: 'full', without: [], withDraftsFolder: true, appendLimitBytes: null, network })
  world.disk.fateOf = (commit) => (commit === 1 ? 'full' : 'stored')
  world.start()
  await pass(world, 10_000)
  expect(world.complaints).toEqual([])
  expect(world.trace.lines.join('\n')).toContain('start: STORAGE_ERROR')
  expect(world.engine).not.toBeNull()
})

test('a late copy of the head is kept where another program has taken the copy that was bound', async () => {
  const { world, ...device } = await openScripted({ without: ['CATENATE'] })
  const draft = await device.create('A letter')
  await pass(world, 5_000)
  await device.save(draft, 'first words')
  world.network.fateOf = (verb) => {
    if (verb !== 'UID REPLACE') return { kind: 'pass' }
    world.network.fateOf = () => ({ kind: 'pass' })
    return { kind: 'late', lateMs: 60_000 }
  }
  await pass(world, 20_000)
  const [bound = 0] = device.uids()
  device.removeByHand(bound)
  await pass(world, 600_000)
  expect(device.complaintsAtRest()).toEqual([])
  expect(device.uids()).toHaveLength(1)
})

test('a copy that another program takes just before it is to be replaced parks nothing', async () => {
  const { world, ...device } = await openScripted({ without: ['CATENATE'] })
  const draft = await device.create('A letter')
  await pass(world, 5_000)
  await device.save(draft, 'first words')
  world.network.fateOf = (verb) => {
    if (verb !== 'UID REPLACE') return { kind: 'pass' }
    world.network.fateOf = () => ({ kind: 'pass' })
    for (const uid of device.uids()) device.removeByHand(uid)
    // Servers differ in whether they say so.
    return { kind: 'answer', status: 'NO', text: 'No such message' }
  }
  await pass(world, 20_000)
  expect(device.texts().map((text) => text.includes('first words'))).toEqual([true])
  await device.rest()
  expect(device.complaintsAtRest()).toEqual([])
})

test('an old copy that the server only says it removed is tried again, and not forgotten until somebody looks', async () => {
  const { world, ...device } = await openScripted({ without: ['CATENATE', 'REPLACE'] })
  const draft = await device.create('A letter')
  await pass(world, 5_000)
  await device.save(draft, 'first words')
  world.network.fateOf = (verb) => {
    if (verb !== 'UID STORE') return { kind: 'pass' }
    world.network.fateOf = () => ({ kind: 'pass' })
    return { kind: 'pretend' }
  }
  await pass(world, 30_000)
  expect(device.complaintsAtRest()).toEqual([])
  expect(device.uids()).toHaveLength(1)
})

test('without UIDPLUS, a debt of another UIDVALIDITY makes no EXPUNGE of a foreign message under the same UID', async () => {
  const { world, ...device } = await openScripted({ without: ['CATENATE', 'REPLACE', 'UIDPLUS'] })
  const first = await device.create('A letter')
  await pass(world, 5_000)
  const foreign = device.putByHand('not ours')
  const second = await device.create('Another letter')
  await pass(world, 5_000)
  // The first letter owes its old copy, and is kept from paying.
  world.network.fateOf = (verb) =>
    verb === 'UID STORE' ? { kind: 'answer', status: 'NO', text: '[INUSE] Busy' } : { kind: 'pass' }
  await device.save(first, 'first words')
  // By then it waits minutes between its tries.
  await pass(world, 240_000)
  const [owed = 0] = device.uids()
  device.removeByHand(owed)
  // The foreign message has the UID of that debt from now on, and is marked.
  device.resetUidValidity()
  expect(device.uids()[0]).toBe(owed)
  device.markByHand(owed)
  world.network.fateOf = () => ({ kind: 'pass' })
  for (const words of ['second words', 'third words']) {
    await device.save(second, words)
    await device.flush(second)
    await pass(world, 2_000)
  }
  expect(device.complaints()).toEqual([])
  await device.rest()
  expect(device.complaintsAtRest()).toEqual([])
  expect(device.texts()).toContain(foreign)
})

test('a copy that comes under the UID of another draft, after a restore from a backup, is no failure', async () => {
  const { world, ...device } = await openScripted()
  world.server.backUp()
  const first = await device.create('A letter')
  const second = await device.create('Another letter')
  await pass(world, 10_000)
  expect(device.uids()).toEqual([1, 2])
  world.server.restore()
  // The second comes first, and the server gives it the UID that was the first one's.
  await device.save(second, 'second words')
  await device.flush(second)
  await pass(world, 30_000)
  await device.save(first, 'first words')
  await device.rest()
  expect(device.complaintsAtRest()).toEqual([])
  expect(device.uids()).toHaveLength(2)
})

test('under a new folder, too, a UID that a restored server gives out twice is no failure', async () => {
  const { world, ...device } = await openScripted({ withDraftsFolder: false })
  const first = await device.create('A letter')
  await pass(world, 10_000)
  world.server.backUp()
  const second = await device.create('Another letter')
  await pass(world, 10_000)
  world.server.restore()
  await device.create('A third letter')
  await pass(world, 10_000)
  await device.save(first, 'first words')
  await device.save(second, 'second words')
  await device.rest()
  expect(device.complaintsAtRest()).toEqual([])
  expect(device.uids()).toHaveLength(3)
})

test('a text that another program has just sent is not uploaded again, although no round has seen that it went', async () => {
  const { world, ...device } = await openScripted()
  const draft = await device.create('A letter')
  await pass(world, 10_000)
  device.sendByHand(1)
  await device.save(draft, 'a last thought')
  await pass(world, 20_000)
  await device.rest()
  expect(device.complaints()).toEqual([])
  expect(device.uids()).toEqual([])
  expect(world.trace.lines.join('\n')).toContain('FOUND_IN_SENT')
})

test.each(['kept', 'said', 'noted', 'replaced'] as const)(
  'our copy in Sent goes when the server files one after it, with a Message-ID that is %s',
  async (messageIds) => {
    const { world, ...device } = await openScripted({ provider: { filesAfterMs: 60_000, messageIds } })
    const draft = await device.create('A letter')
    await device.send(draft, 'bob@example.org')
    await pass(world, 30_000)
    expect(device.inSent()).toEqual(['engine'])
    await pass(world, 120_000)
    await device.rest()
    expect(device.inSent()).toEqual(['provider'])
    expect(device.complaintsAtRest()).toEqual([])
  },
)

test('our copy in Sent goes, too, when the server files one for a recipient who was put off', async () => {
  const { world, ...device } = await openScripted({ provider: { filesAfterMs: 0 } })
  let isGreylisted = true
  world.provider.verdictOn = (address) => (isGreylisted && address === 'carol@example.org' ? 'temporary' : 'accepted')
  world.network.fateOf = (verb) => {
    if (verb !== 'the dot') return { kind: 'pass' }
    world.network.fateOf = () => ({ kind: 'pass' })
    return { kind: 'cut-before' }
  }
  const draft = await device.create('A letter')
  const { id } = await device.send(draft, 'bob@example.org, carol@example.org')
  await pass(world, 10_000)
  expect((await device.record(id)).recipients.map(({ status }) => status)).toEqual(['unknown', 'temporary'])
  isGreylisted = false
  // Nobody has it, and so the server files nothing: we do.
  await device.resolve(id, 'sent')
  await pass(world, 30_000)
  expect(device.inSent()).toEqual(['engine'])
  await pass(world, 600_000)
  await device.rest()
  expect(world.provider.deliveries.map(({ recipients }) => recipients)).toEqual([['carol@example.org']])
  expect(device.inSent()).toEqual(['provider'])
  expect(device.complaintsAtRest()).toEqual([])
})

test('a mail of which only the user says that it was sent teaches nothing about what its server files', async () => {
  const { world, ...device } = await openScripted({ provider: { filesAfterMs: 5_000 } })
  world.network.fateOf = (verb) => {
    if (verb !== 'the dot') return { kind: 'pass' }
    world.network.fateOf = () => ({ kind: 'pass' })
    return { kind: 'cut-before' }
  }
  const lost = await device.send(await device.create('A letter'), 'bob@example.org')
  await pass(world, 10_000)
  await device.resolve(lost.id, 'sent')
  await pass(world, 200_000)
  expect(device.inSent()).toEqual(['engine'])
  await device.send(await device.create('Another letter'), 'bob@example.org')
  await pass(world, 60_000)
  // The server was waited for, as any of which nothing is known.
  expect(device.inSent()).toEqual(['engine', 'provider'])
  await device.rest()
  expect(device.complaintsAtRest()).toEqual([])
})

test('an old copy that comes late goes also when the server will not have the newest text', async () => {
  const { world, ...device } = await openScripted({ appendLimitBytes: 2_000 })
  world.network.fateOf = (verb) => {
    if (verb !== 'APPEND') return { kind: 'pass' }
    world.network.fateOf = () => ({ kind: 'pass' })
    return { kind: 'late', lateMs: 20_000 }
  }
  const draft = await device.create('A letter')
  await pass(world, 10_000)
  await device.attach(draft, new Uint8Array(3_000))
  await pass(world, 60_000)
  await device.rest()
  expect(device.uids()).toHaveLength(1)
  expect(device.complaints()).toEqual([])
})
