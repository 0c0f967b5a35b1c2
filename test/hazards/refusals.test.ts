import type { Umid } from '@everdraft/core'
import type { CommandAction } from '@everdraft/mailserver'
import { describe, expect, test } from 'vitest'

import { incompressible } from '../live/harness.ts'
import { openEmbedded } from './embedded-device.ts'

/** As servers have refused a message that is too large: without a tag, when it is announced or once it is there. */
const refusals: readonly { readonly name: string; readonly at?: 'literal'; readonly action: CommandAction }[] = [
  { name: 'BAD without a tag when it is announced', at: 'literal', action: { kind: 'untagged-bad', text: 'Too long' } },
  { name: 'BAD without a tag once it is there', action: { kind: 'untagged-bad', text: 'Too long' } },
  {
    name: 'BAD without a tag, and the end of the connection',
    at: 'literal',
    action: { kind: 'untagged-bad', text: 'Too long', andThen: 'cut' },
  },
  { name: 'a tagged BAD', action: { kind: 'answer', status: 'BAD', text: 'Too long' } },
  { name: 'a tagged NO', at: 'literal', action: { kind: 'answer', status: 'NO', text: '[TOOBIG] Too long' } },
]

describe('H05 an upload that the server refuses poisons nothing', () => {
  test.for(refusals)('$name: the draft is parked, the others go up', async ({ at, action }) => {
    await using embedded = await openEmbedded({ without: ['REPLACE'] })
    const { device, mailServer } = embedded
    const poison = await device.create({ subject: 'poison' })
    await device.attach(poison.id, incompressible(150_000))
    const fine = await device.create({ subject: 'fine' })
    const fault = mailServer.faults.add({
      on: { verb: 'APPEND', minLiteralBytes: 100_000, times: 'always', ...(at === undefined ? {} : { at }) },
      do: action,
    })
    await embedded.upload()
    expect(fault.fired).toBe(true)
    const parked = await device.get(poison.id)
    expect(parked.sync).toMatchObject({ state: 'local-only', pending: { reason: 'parked' } })
    expect(parked.sync.lastError?.message).toContain('Too long')
    const goesUp = async (id: Umid, version: number): Promise<void> => {
      await device.engine.drafts.flush(id)
      const up = { state: 'synchronized', uploadedVersion: version, lastError: null }
      await expect.poll(async () => (await device.get(id)).sync).toMatchObject(up)
    }
    await goesUp(fine.id, 1)

    // It is not tried again and again, and what comes later passes it by.
    const mark = device.proxy.mark()
    await device.engine.drafts.save(fine.id, { text: 'edited\n' })
    await goesUp(fine.id, 2)
    expect((await device.get(poison.id)).sync.pending).toMatchObject({ reason: 'parked' })
    expect(device.proxy.since(mark).toServer).toBeLessThan(5_000)

    // Without what was too large it is an upload like any other.
    fault.remove()
    const [scan] = parked.attachments
    await device.engine.drafts.detach(poison.id, scan!.id)
    await goesUp(poison.id, 3)
    expect(embedded.texts()).toHaveLength(2)
  })
})
