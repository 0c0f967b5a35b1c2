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
  expect(device.complaints()).toEqual([])
  expect(device.uids()).toHaveLength(1)
})
