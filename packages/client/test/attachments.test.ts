import { createHash, randomBytes } from 'node:crypto'
import { openAsBlob } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'

import { createIdempotencyKey, type UploadProgress } from '../src/index.ts'
import { start } from './harness.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

async function fileOf(bytes: Uint8Array): Promise<Blob> {
  const folder = await mkdtemp(join(tmpdir(), 'everdraft-client-test-'))
  onTestFinished(async () => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'file'), bytes)
  return await openAsBlob(join(folder, 'file'), { type: 'application/pdf' })
}

test('a file goes out as it is read, says how far it is, and comes back byte for byte', async () => {
  const { client, accountId, addDraft } = await start()
  const draftId = await addDraft('With a file')
  const bytes = randomBytes(3_000_000)
  const told: UploadProgress[] = []
  const attachment = await client.attach({
    accountId,
    draftId,
    filename: "Anns Übersicht (2) 'neu'.pdf",
    content: await fileOf(bytes),
    onProgress: (progress) => void told.push(progress),
  })
  expect(attachment).toMatchObject({
    filename: "Anns Übersicht (2) 'neu'.pdf",
    content_type: 'application/pdf',
    size: bytes.length,
    sha256: sha256(bytes),
    disposition: 'attachment',
  })
  expect(told.length).toBeGreaterThan(2)
  expect(told.map(({ sentBytes }) => sentBytes)).toEqual(
    told.map(({ sentBytes }) => sentBytes).toSorted((a, b) => a - b),
  )
  expect(told.at(-1)).toEqual({ sentBytes: bytes.length, totalBytes: bytes.length })

  const whole = await client.download({ accountId, draftId, attachmentId: attachment.id })
  expect(whole).toMatchObject({ contentType: 'application/pdf', size: bytes.length })
  expect(sha256(await new Response(whole.content).bytes())).toBe(sha256(bytes))
  const rest = await client.download({ accountId, draftId, attachmentId: attachment.id, start: 2_999_990 })
  expect(rest.size).toBe(10)
  expect(Buffer.from(await new Response(rest.content).bytes())).toEqual(bytes.subarray(2_999_990))
})

test('bytes and streams are attached, too; under one key once, and not to another version', async () => {
  const { client, accountId, addDraft } = await start()
  const draftId = await addDraft('With files')
  const target = { accountId, draftId }
  const idempotencyKey = createIdempotencyKey()
  const bytes = new TextEncoder().encode('text')
  const first = await client.attach({ ...target, filename: 'a.txt', content: bytes, idempotencyKey, version: 1 })
  const again = await client.attach({ ...target, filename: 'a.txt', content: bytes, idempotencyKey })
  expect([first.id, again.id]).toEqual([idempotencyKey, idempotencyKey])
  const stream = new Blob([bytes, bytes]).stream()
  const image = { disposition: 'inline', contentId: 'image@example.org', contentType: 'image/png' } as const
  const told: UploadProgress[] = []
  await client.attach({
    ...target,
    filename: 'b.png',
    content: stream,
    ...image,
    onProgress: (at) => void told.push(at),
  })
  expect(told.at(-1)).toEqual({ sentBytes: 8, totalBytes: null })
  const { data: page } = await client.GET('/accounts/{id}/drafts/{draft_id}/attachments', {
    params: { path: { id: accountId, draft_id: draftId } },
  })
  expect(page.items).toMatchObject([
    { filename: 'a.txt', content_type: 'application/octet-stream', size: 4 },
    { filename: 'b.png', content_type: 'image/png', size: 8, disposition: 'inline', content_id: 'image@example.org' },
  ])
  await expect(client.attach({ ...target, filename: 'c', content: bytes, version: 1 })).rejects.toMatchObject({
    code: 'VERSION_MISMATCH',
  })
})

test('an upload that is called off leaves nothing', async () => {
  const { client, accountId, addDraft, engine } = await start()
  const draftId = await addDraft('Called off')
  const controller = new AbortController()
  let told = 0
  // It never ends by itself.
  const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (stream) => stream.enqueue(new Uint8Array(65_536)),
  })
  const attached = client.attach({
    accountId,
    draftId,
    filename: 'endless',
    content: endless,
    signal: controller.signal,
    onProgress: () => {
      told += 1
      if (told === 20) controller.abort()
    },
  })
  await expect(attached).rejects.toMatchObject({ name: 'AbortError' })
  const { data: draft } = await client.GET('/accounts/{id}/drafts/{draft_id}', {
    params: { path: { id: accountId, draft_id: draftId } },
  })
  expect(draft).toMatchObject({ version: 1, attachments: [] })
  await engine.housekeep()
})
