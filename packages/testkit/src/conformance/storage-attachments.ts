import { createHash } from 'node:crypto'

import { expect, test } from 'vitest'

import { addAccount, collect, type StorageFixture } from './storage-fixture.ts'

const bytesOf = (size: number, seed: number): Uint8Array =>
  new Uint8Array(size).map((_each, index) => (index * 31 + seed + (index >> 8)) & 0xff)
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export function exerciseAttachments(fixture: () => StorageFixture): void {
  test('the bytes come back after a restart, whole and in part', async () => {
    const { engine, account } = await fixture().engineWithAccount()
    const draft = await engine.drafts.create({ accountId: account.id })
    const contents = [0, 1, 256, 262_144, 262_145, 700_000].map((size, seed) => bytesOf(size, seed))
    for (const [index, content] of contents.entries()) {
      const { attachment } = await engine.drafts.attach(draft.id, { filename: `${index}.bin`, content })
      expect(attachment).toMatchObject({ size: content.length, sha256: sha256(content) })
    }
    await engine.close()
    const again = await fixture().engine()
    const { attachments } = await again.drafts.get(draft.id)
    for (const [index, { id }] of attachments.entries()) {
      const content = contents[index] ?? new Uint8Array()
      const whole = await again.drafts.readAttachment(draft.id, id)
      expect(Buffer.compare(await collect(whole.content), content)).toBe(0)
      const part = await again.drafts.readAttachment(draft.id, id, { start: 250, end: 262_200 })
      expect(Buffer.compare(await collect(part.content), content.subarray(250, 262_200))).toBe(0)
    }
  })

  test('the same bytes are kept once for as long as somebody holds them', async () => {
    const { engine, account } = await fixture().engineWithAccount()
    const bytes = bytesOf(300_000, 7)
    const drafts = []
    for (const subject of ['one', 'two']) {
      const { id } = await engine.drafts.create({ accountId: account.id, subject })
      const { draft, attachment } = await engine.drafts.attach(id, { filename: 'a', content: bytes })
      drafts.push({ id: draft.id, attachment })
    }
    const [first, second] = drafts
    if (first === undefined || second === undefined) throw new Error('there are no drafts')
    await engine.drafts.discard(first.id)
    fixture().clock.now += 31 * 24 * 3_600_000
    expect(await engine.housekeep()).toMatchObject({ draftsEmptied: 1, blobsCollected: 0 })
    const { content } = await engine.drafts.readAttachment(second.id, second.attachment.id)
    expect(Buffer.compare(await collect(content), bytes)).toBe(0)
    await engine.drafts.discard(second.id)
    fixture().clock.now += 31 * 24 * 3_600_000
    expect(await engine.housekeep()).toMatchObject({ draftsEmptied: 1, blobsCollected: 1 })
  })

  test('a draft that moves to another account takes them along', async () => {
    const { engine, account } = await fixture().engineWithAccount()
    const other = await addAccount(engine, 'ben@example.com')
    const bytes = bytesOf(600_000, 3)
    const { id } = await engine.drafts.create({ accountId: account.id })
    const { attachment } = await engine.drafts.attach(id, { filename: 'a', content: bytes })
    await engine.drafts.move(id, other.id)
    await engine.accounts.remove(account.id, { unsent: 'discard' })
    await engine.housekeep()
    const { content } = await engine.drafts.readAttachment(id, attachment.id)
    expect(Buffer.compare(await collect(content), bytes)).toBe(0)
  })
}
