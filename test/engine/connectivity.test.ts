import { describe, expect, test } from 'vitest'

import { openEmbedded } from '../hazards/embedded-device.ts'

describe('a platform that says whether there is a network', () => {
  test('H29 offline nothing is tried and no attempt is counted; online what waited goes up at once', async () => {
    let online = true
    const listeners = new Set<() => void>()
    const connectivity = {
      isOnline: () => online,
      subscribe: (changed: () => void) => {
        listeners.add(changed)
        return () => void listeners.delete(changed)
      },
    }
    function become(state: boolean): void {
      online = state
      for (const changed of listeners) changed()
    }
    await using embedded = await openEmbedded({}, { connectivity })
    const { device } = embedded
    become(false)
    device.proxy.cutAll('fin')
    const draft = await device.create({ text: 'one\n' })
    const mark = device.proxy.mark()
    for (let round = 0; round < 5; round += 1) await device.sync()
    expect(device.proxy.since(mark)).toMatchObject({ connections: 0, toServer: 0 })
    const waiting = await device.get(draft.id)
    expect(waiting.sync).toMatchObject({ pending: { reason: 'offline' }, lastError: { code: 'UNREACHABLE' } })
    const { items } = await device.engine.tasks.list(device.account.id)
    expect(items.every((task) => task.attempts === 0)).toBe(true)
    become(true)
    await expect.poll(async () => (await device.get(draft.id)).sync.state).toBe('synchronized')
  })
})
