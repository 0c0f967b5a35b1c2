import { expect, test } from 'vitest'

import { openEmbedded } from '../hazards/embedded-device.ts'

test('a program that saves without a pause does not keep the network waiting: its draft goes up meanwhile', async () => {
  await using embedded = await openEmbedded()
  const { device } = embedded
  const uploaded = await device.create({ text: 'to be uploaded\n' })
  const written = await device.create({ text: 'written all the while\n' })
  await device.engine.drafts.flush(uploaded.id)
  const up = new AbortController()
  device.engine.subscribe({}, (event) => {
    if (event.type === 'upload-finished' && event.draftId === uploaded.id) up.abort()
  })
  let saves = 0
  while (!up.signal.aborted && saves < 20_000) {
    saves += 1
    await device.engine.drafts.save(written.id, { text: `save ${saves}\n` })
  }
  expect(up.signal.aborted).toBe(true)
})
