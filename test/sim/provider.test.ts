import type { Draft } from '@everdraft/core'
import { expect, test } from 'vitest'

import { wireWithinBudget } from './checkers/wire-within-budget.ts'
import { bouncesAreTold } from './checkers/bounces-are-told.ts'
import { everyConsentExplainsItself } from './checkers/every-consent-explains-itself.ts'
import { openScripted, type ScriptedDevice } from './device.ts'
import { mailUser } from './world/server.ts'
import { pass, until } from './world/world.ts'

/** Large enough that a server which can is asked to fetch it. */
const file = new Uint8Array(8_500).fill(7)

function said({ world }: ScriptedDevice, verb: string): number {
  return world.trace.lines.filter((line) => line.includes(` > ${verb}`)).length
}

async function withFile(device: ScriptedDevice): Promise<Draft> {
  const draft = await device.create('A letter')
  const attached = await device.attach(draft, file)
  await pass(device.world, 10_000)
  return attached
}

test('a provider that fetches is sent no attachment, and what it delivers has it', async () => {
  const device = await openScripted({ provider: { fetches: true } })
  const draft = await withFile(device)
  await device.flush(draft)
  const { id } = await device.send(draft, 'bob@example.org')
  await pass(device.world, 60_000)
  expect(await device.record(id)).toMatchObject({ status: 'sent' })
  expect([said(device, 'BURL'), said(device, 'DATA')]).toEqual([1, 0])
  expect(device.world.provider.deliveries[0]?.bytes.length).toBeGreaterThan(file.length)
  await device.rest()
  expect(device.complaintsAtRest()).toEqual([])
})

test('a provider that finds the copy gone is sent the whole, once', async () => {
  const device = await openScripted({ provider: { fetches: true } })
  const { network } = device.world
  const draft = await withFile(device)
  await device.flush(draft)
  network.fateOf = (verb) => {
    if (verb === 'BURL') for (const uid of device.uids()) device.removeByHand(uid)
    return { kind: 'pass' }
  }
  const { id } = await device.send(draft, 'bob@example.org')
  await pass(device.world, 60_000)
  expect(await device.record(id)).toMatchObject({ status: 'sent' })
  expect([said(device, 'BURL'), said(device, 'DATA')]).toEqual([1, 1])
  expect(device.world.provider.deliveries).toHaveLength(1)
  await device.rest()
  expect(device.complaintsAtRest()).toEqual([])
})

test('what came back is told, and what is told of nobody’s report is noticed', async () => {
  const device = await openScripted({ provider: { bounceRate: 1 } })
  const { world } = device
  const { id } = await device.send(await device.create('A letter'), 'bob@example.org')
  await pass(world, 100_000)
  await device.rest()
  expect((await device.record(id)).recipients).toMatchObject([{ address: 'bob@example.org', status: 'bounced' }])
  expect(device.complaintsAtRest()).toEqual([])
  const checker = bouncesAreTold(world)
  world.disk.database.exec(`update send set state = replace(state, '"bounced"', '"accepted"')`)
  expect(checker.check().join()).toMatch(/is accepted, and a report says that it came back/)
  world.disk.database.exec(`update send set state = replace(state, '"accepted"', '"bounced"')`)
  ;(world.provider.bounced as unknown[]).length = 0
  expect(checker.check().join()).toMatch(/bounced, and nobody said so/)
})

test('a mail for later leaves at its hour, from the provider that holds it', async () => {
  const device = await openScripted({ provider: { holdsForSeconds: 86_400 } })
  const { world } = device
  const draft = await device.create('A letter')
  const sendAt = world.scheduler.now() + 7_200_000
  const addressed = await until(
    world,
    world.ask('address', (engine) => engine.drafts.save(draft.id, { to: 'bob@example.org' })),
  )
  world.ledger.show(addressed as Draft)
  const options = { confirm: true, sendAt, holdAtServer: true }
  const record = await until(
    world,
    world.ask('send', (engine) => engine.drafts.send(draft.id, options)),
  )
  if (record !== undefined) world.ledger.consent(record)
  await pass(world, 60_000)
  expect(world.provider.deliveries).toMatchObject([{ leavesAtMs: Math.ceil(sendAt / 1_000) * 1_000 }])
  await device.rest()
  expect(device.complaintsAtRest()).toEqual([])
  world.disk.database.exec(`update send set facts = json_set(facts, '$.heldUntil', ${sendAt + 60_000})`)
  expect(everyConsentExplainsItself(world).check().join()).toMatch(/is said to be held by the server/)
})

test('an upload too many, and a question that is asked too often, are noticed', async () => {
  const device = await openScripted()
  const { world } = device
  const checker = wireWithinBudget(world)
  await device.save(await device.create('A letter'), 'first words')
  await pass(world, 10_000)
  expect(checker.check()).toEqual([])
  const store = world.server.through('engine', { verb: 'APPEND', searchedForDeletedMs: 0 })
  const drafts = store.find(mailUser.name, 'Drafts')
  const [copy] = drafts?.messages() ?? []
  if (drafts === undefined || copy === undefined) throw new Error('nothing was uploaded')
  for (let times = 0; times < 3; times += 1) {
    store.append(drafts, { bytes: copy.bytes.slice(), flags: [], internalDateMs: 0 })
  }
  expect(checker.check().join()).toMatch(/4 messages were stored, at most 2 need be/)
  const { accountId } = world.ledger
  if (accountId === null) throw new Error('no account')
  const session = world.server.connect(
    { send: () => {}, close: () => {}, schedule: () => {} },
    { verb: '', searchedForDeletedMs: 0 },
  )
  session.start()
  for (let times = 0; times < 2_000; times += 1) session.receive(Buffer.from('a1 NOOP\r\n'))
  expect(checker.check().join()).toMatch(/bytes went to the server, at most/)
})
