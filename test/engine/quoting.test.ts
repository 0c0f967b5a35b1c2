import { expect, test } from 'vitest'

import { openEmbedded } from '../hazards/embedded-device.ts'
import { incompressible, settle, sha256 } from '../live/harness.ts'
import { parseMessage } from '../live/parse-message.ts'

/** An upload of words, with all that is asked before and after it. */
const fewBytes = 4_000

test('H13 H16 what lies on the server does not travel again, whatever becomes of the files beside it', async () => {
  await using embedded = await openEmbedded()
  const { device } = embedded
  const [scan, photo, note] = [incompressible(300_000), incompressible(200_000), incompressible(50_000)]
  const draft = await device.create()
  const { attachments } = await device.attach(draft.id, scan)
  await device.attach(draft.id, photo)
  await settle(device)

  const sends = async (what: () => Promise<unknown>, files: readonly Uint8Array[]): Promise<number> => {
    const mark = device.proxy.mark()
    await what()
    await settle(device)
    const hashes = files.map(sha256)
    expect((await device.get(draft.id)).attachments.map((one) => one.sha256)).toEqual(hashes)
    const [copy, ...others] = await device.drafts()
    expect(others).toEqual([])
    expect((await parseMessage(copy!.bytes)).attachments.map((one) => one.sha256)).toEqual(hashes)
    return device.proxy.since(mark).toServer
  }
  const { drafts } = device.engine

  // The other way round, as somebody takes the first away and adds it again.
  const reordered = async (): Promise<void> => {
    await drafts.detach(draft.id, attachments[0]!.id)
    await device.attach(draft.id, scan)
  }
  expect(await sends(reordered, [photo, scan])).toBeLessThan(fewBytes)
  const added = await sends(() => device.attach(draft.id, note), [photo, scan, note])
  expect(added).toBeGreaterThan(note.length)
  expect(added).toBeLessThan(note.length * 1.4 + fewBytes)
  const withoutFirst = async (): Promise<void> => {
    const [first] = (await device.get(draft.id)).attachments
    await drafts.detach(draft.id, first!.id)
  }
  expect(await sends(withoutFirst, [scan, note])).toBeLessThan(fewBytes)
  await device.restart()
  expect(await sends(() => device.engine.drafts.save(draft.id, { text: 'edited\n' }), [scan, note])).toBeLessThan(
    fewBytes,
  )
  // What was taken away from the copy, too, is not there to be quoted.
  const again = await sends(() => device.attach(draft.id, photo), [scan, note, photo])
  expect(again).toBeGreaterThan(photo.length)
  expect(again).toBeLessThan(photo.length * 1.4 + fewBytes)
})
