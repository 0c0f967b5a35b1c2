import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import type { Draft, Umid } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { type EmbeddedDevice, openEmbedded } from '../hazards/embedded-device.ts'
import { settle } from '../live/harness.ts'

/** `pnpm proof` asks for more. */
const cycles = Number(process.env['EVERDRAFT_KILLS'] ?? 12)
const writer = fileURLToPath(new URL('writer.ts', import.meta.url))

/** What the writer said before it was killed after `lifeMs`. */
async function writeUntilKilled(embedded: EmbeddedDevice, seed: number, lifeMs: number): Promise<Acknowledged> {
  const { file, account } = embedded.device
  const child = spawn(process.execPath, [writer, file, account.id, String(seed)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  let complaints = ''
  child.stdout.on('data', (data: Buffer) => {
    // From its first word on, so that starting up does not count as life.
    if (said === '') setTimeout(() => child.kill('SIGKILL'), lifeMs)
    said += data.toString('latin1')
  })
  child.stderr.on('data', (data: Buffer) => void (complaints += data.toString('utf8')))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  if (signal !== 'SIGKILL') throw new Error(`the writer ended by itself with ${code}: ${complaints}`)
  const versions = new Map<Umid, number>()
  const discarded = new Set<Umid>()
  for (const line of said.split('\n').slice(0, -1)) {
    const [id = '', version = ''] = line.split(' ')
    if (version === 'discarded') discarded.add(id as Umid)
    else versions.set(id as Umid, Number(version))
  }
  return { versions, discarded }
}

interface Acknowledged {
  readonly versions: ReadonlyMap<Umid, number>
  readonly discarded: ReadonlySet<Umid>
}

describe('kill -9', () => {
  test(`at ${cycles} random moments: every acknowledged save is there, and every draft is once on the server`, async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    let acknowledged = 0
    const heads = new Map<Umid, Draft>()
    for (let cycle = 0; cycle < cycles; cycle += 1) {
      await device.engine.close()
      const { versions, discarded } = await writeUntilKilled(embedded, cycle, (cycle * 37) % 240)
      await device.restart()
      acknowledged += versions.size
      for (const [id, version] of versions) {
        const draft = await device.get(id)
        expect(draft.version).toBeGreaterThanOrEqual(version)
        const history = await device.engine.drafts.history(id)
        expect(history.map((revision) => revision.version)).toEqual(
          Array.from({ length: draft.version }, (_, index) => draft.version - index),
        )
        expect(draft.status).toBe(discarded.has(id) ? 'discarded' : draft.status)
        for (const attachment of draft.attachments) {
          const { content } = await device.engine.drafts.readAttachment(id, attachment.id)
          let size = 0
          for await (const piece of content) size += piece.length
          expect(size).toBe(attachment.size)
        }
        heads.set(id, draft)
      }
    }
    expect(acknowledged).toBeGreaterThan(cycles)
    await settle(device)
    const texts = embedded.texts()
    for (const { id, status, text } of heads.values()) {
      const copies = texts.filter((copy) => copy.includes(`X-Everdraft-Id: ${id}`))
      expect(copies.length, `copies of ${id}, which is ${status}`).toBe(status === 'discarded' ? 0 : 1)
      for (const copy of copies) expect(copy).toContain(text.trim())
    }
  }, 600_000)
})
