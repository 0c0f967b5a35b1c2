import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import type { Umid } from '@everdraft/core'
import { describeServer, poorerDovecot, type RunningServer } from '@everdraft/testkit'
import { expect, test } from 'vitest'

import { type Device, incompressible, openDevice, settle, sha256 } from './harness.ts'
import { parseMessage } from './parse-message.ts'

const child = fileURLToPath(new URL('upload-child.ts', import.meta.url))
const megabyte = 1_000_000

/** 60 in `pnpm proof`. */
const large = Number(process.env['EVERDRAFT_LARGE_MB'] ?? 15)

async function inChild(device: Device, ...args: readonly string[]): Promise<Record<string, unknown>> {
  const running = spawn(process.execPath, [child, device.file, device.account.id, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  running.stdout.on('data', (data: Buffer) => void (said += data.toString('utf8')))
  const [code] = (await once(running, 'close')) as [number | null]
  if (code !== 0) throw new Error(`the child ended with ${code}`)
  return JSON.parse(said) as Record<string, unknown>
}

function foreignDraft(index: number): string {
  return [
    'From: Ann Example <ann@example.com>',
    `To: Bob Example <bob${index}@example.com>`,
    `Subject: Foreign draft ${index}`,
    `Message-ID: <${index}.foreign@desktop.example.com>`,
    'Date: Fri, 20 Nov 2026 10:00:00 +0000',
    '',
    `${String(index).repeat(20)}\r\n`.repeat(40),
    '',
  ].join('\r\n')
}

describeServer('dovecot24', (server: () => RunningServer) => {
  test('1,000 drafts of another program are taken in, each once, and a second look at them costs next to nothing', async () => {
    await using device = await openDevice(server())
    await device.foreign(async (raw) => {
      for (let index = 0; index < 1_000; index += 1) await raw.append('Drafts', foreignDraft(index), ['\\Draft'])
    })
    await settle(device)
    const { items, total } = await device.engine.drafts.list({ accountId: device.account.id, limit: 500 })
    expect(total).toBe(1_000)
    expect(new Set(items.map((item) => item.subject)).size).toBe(500)
    const mark = device.proxy.mark()
    expect(await device.sync()).toMatchObject({ imported: 0, uploaded: 0 })
    expect(device.proxy.since(mark).toClient).toBeLessThan(1_000)
    expect(await device.drafts()).toHaveLength(1_000)
  }, 120_000)

  test(`a draft of ${large} MB goes up once, and comes down whole on another device`, async () => {
    const target = server()
    await using first = await openDevice(target)
    await using second = await openDevice({ ...target, user: () => first.user })
    const bytes = incompressible(large * megabyte)
    const draft = await first.create({ subject: 'Large' })
    await first.attach(draft.id, bytes)
    const mark = first.proxy.mark()
    await settle(first)
    expect(first.proxy.since(mark).toServer).toBeLessThan(large * megabyte * 1.4)
    await settle(second)
    const there = await second.get(draft.id)
    expect(there.sync).toMatchObject({ state: 'synchronized', pending: null })
    expect(there.attachments.map((one) => one.sha256)).toEqual([sha256(bytes)])
    // An edit over there leaves the file where it is.
    const before = second.proxy.mark()
    await second.engine.drafts.save(draft.id, { text: 'edited on the second\n' })
    await settle(second)
    expect(second.proxy.since(before).toServer).toBeLessThan(5_000)
    const [copy, ...others] = await first.drafts()
    expect(others).toEqual([])
    expect((await parseMessage(copy!.bytes)).attachments.map((one) => one.sha256)).toEqual([sha256(bytes)])
  }, 180_000)

  test('an upload of 100 MB, compressed on the line, holds less than 50 MB of memory', async () => {
    await uploadsLarge(server())
  }, 180_000)
})

describeServer(
  'dovecot23',
  (server: () => RunningServer) => {
    test('an upload of 100 MB in base64 holds less than 50 MB of memory', async () => {
      await uploadsLarge(server())
    }, 180_000)
  },
  poorerDovecot(['BINARY', 'COMPRESS=DEFLATE'], { literal8: false, compress: false }),
)

/** In a process as it comes: what its collector of garbage has not looked at yet counts, too. */
async function uploadsLarge(server: RunningServer): Promise<void> {
  await using device = await openDevice(server)
  await device.engine.close()
  const { id, sha256: digest } = await inChild(device, 'attach', String(100 * megabyte))
  const { extraBytes } = await inChild(device, 'upload', '0', String(id))
  await device.restart()
  expect((await device.get(id as Umid)).sync.state).toBe('synchronized')
  const copies = await device.drafts()
  const digests = await Promise.all(copies.map(async (one) => (await parseMessage(one.bytes)).attachments[0]?.sha256))
  expect(digests).toContain(digest)
  expect(extraBytes).toBeLessThan(50 * megabyte)
}
