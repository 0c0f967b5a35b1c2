import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import type { Draft, Umid } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { createMailServer } from '@everdraft/mailserver'
import { describeServer } from '@everdraft/testkit'

import { type Device, openDevice, settle, type TargetServer } from '../live/harness.ts'

/** `pnpm proof` asks for more. */
const cycles = Number(process.env['EVERDRAFT_KILLS'] ?? 12)
const writer = fileURLToPath(new URL('writer.ts', import.meta.url))

/** What the writer said before it was killed after `lifeMs`. */
async function writeUntilKilled(device: Device, seed: number, lifeMs: number): Promise<Acknowledged> {
  const { file, account } = device
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

async function survivesKills(server: TargetServer): Promise<void> {
  await using device = await openDevice(server)
  let acknowledged = 0
  const heads = new Map<Umid, Draft>()
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    await device.engine.close()
    const { versions, discarded } = await writeUntilKilled(device, cycle, (cycle * 37) % 240)
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
        const hash = createHash('sha256')
        for await (const piece of content) hash.update(piece)
        expect(hash.digest('hex')).toBe(attachment.sha256)
      }
      heads.set(id, draft)
    }
  }
  expect(acknowledged).toBeGreaterThan(cycles)
  await settle(device)
  const texts = (await device.drafts()).map((message) => message.bytes.toString('latin1'))
  for (const { id, status, text } of heads.values()) {
    const copies = texts.filter((copy) => copy.includes(`X-Everdraft-Id: ${id}`))
    expect(copies.length, `copies of ${id}, which is ${status}`).toBe(status === 'discarded' ? 0 : 1)
    for (const copy of copies) expect(copy).toContain(text.trim())
  }
}

const patience = 60_000 + cycles * 10_000

describe('the embedded server', () => {
  test(
    `kill -9 at ${cycles} random moments: every acknowledged save is there, and every draft is once on the server`,
    async () => {
      const mailServer = createMailServer({ users: [{ name: 'ann', password: 'secret' }] })
      await mailServer.listen()
      try {
        await survivesKills({
          host: '127.0.0.1',
          imapPort: mailServer.imapPort,
          supports: { catenate: true, uidplus: true, sent: 'Sent' },
          user: () => ({ user: 'ann', password: 'secret', address: 'ann@example.org' }),
        })
      } finally {
        await mailServer.close()
      }
    },
    patience,
  )
})

describeServer('dovecot24', (server) => {
  test(
    `kill -9 at ${cycles} random moments: every acknowledged save is there, and every draft is once on the server`,
    () => survivesKills(server()),
    patience,
  )
})
