import { createHash } from 'node:crypto'

import { mimeFormat } from '@everdraft/mail'
import { expect, test } from 'vitest'

import { openEmbedded } from './embedded-device.ts'

function createSha256() {
  const hash = createHash('sha256')
  return { update: (piece: Uint8Array) => void hash.update(piece), digest: () => hash.digest('hex') }
}

test('H38 identity, people, thread and notes of a draft are there after a restart, and on the server after an edit', async () => {
  await using embedded = await openEmbedded()
  const { device } = embedded
  const fields = {
    from: { address: 'ann+lists@example.org', name: 'Ann „A.“ Example, Ltd' },
    to: [{ address: 'bob@example.com', name: 'Bob' }],
    cc: [{ address: 'cy@bücher.example', name: '' }],
    bcc: [{ address: 'eve@example.net', name: 'Ève' }],
    subject: 'Grüße',
    html: '<p>As <b>said</b></p>',
    inReplyTo: '<asked@example.com>',
    references: ['<first@example.com>', '<asked@example.com>'],
  }
  const kept = { ...fields, metadata: { ticket: 7 }, tags: ['x'] }
  const draft = await device.engine.drafts.create({ accountId: device.account.id, text: 'one\n', ...kept })
  await embedded.upload()
  await device.restart()
  expect(await device.get(draft.id)).toMatchObject(kept)
  await device.engine.drafts.save(draft.id, { text: 'two\n' })
  await embedded.upload()
  await device.restart()
  expect(await device.get(draft.id)).toMatchObject({ ...kept, text: 'two\n', version: 2 })
  const [copy, ...others] = await device.drafts()
  expect(others).toEqual([])
  async function* bytes() {
    yield copy!.bytes
  }
  expect(await mimeFormat().parse(bytes(), createSha256)).toMatchObject({ ...fields, text: 'two\n' })
})
