import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import type { SendId, SendRecord } from '@everdraft/core'
import { createMailServer } from '@everdraft/mailserver'
import { expect, test } from 'vitest'

import { type Device, openDevice, settle } from '../live/harness.ts'

/** `pnpm proof` asks for more. */
const cycles = Number(process.env['EVERDRAFT_KILLS'] ?? 12)
const program = fileURLToPath(new URL('sender.ts', import.meta.url))

/** The consents that were acknowledged before the process was killed after `lifeMs`. */
async function sendUntilKilled(device: Device, seed: number, lifeMs: number): Promise<readonly SendId[]> {
  const { file, account } = device
  const child = spawn(process.execPath, [program, file, account.id, String(seed)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  let complaints = ''
  child.stdout.on('data', (data: Buffer) => {
    // From its first consent on, so that starting up does not count as life.
    if (said === '') setTimeout(() => child.kill('SIGKILL'), lifeMs)
    said += data.toString('latin1')
  })
  child.stderr.on('data', (data: Buffer) => void (complaints += data.toString('utf8')))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  if (signal !== 'SIGKILL') throw new Error(`the sender ended by itself with ${code}: ${complaints}`)
  return said.split('\n').slice(0, -1) as SendId[]
}

test(
  `H21 H24 H31 kill -9 at ${cycles} random moments of sending: each consent is taken at most once, and nothing is lost`,
  async () => {
    const mailServer = createMailServer({ users: [{ name: 'ann', password: 'secret' }] })
    await mailServer.listen()
    try {
      await using device = await openDevice(
        {
          host: '127.0.0.1',
          imapPort: mailServer.imapPort,
          smtpPort: mailServer.smtpPort,
          supports: { catenate: true, uidplus: true, sent: 'Sent' },
          user: () => ({ user: 'ann', password: 'secret', address: 'ann@example.org' }),
        },
        { sentCopyWaitMs: 0 },
      )
      const consents: SendId[] = []
      for (let cycle = 0; cycle < cycles; cycle += 1) {
        await device.engine.close()
        // The account's SMTP server is reached past the proxy: only what it has taken counts.
        consents.push(...(await sendUntilKilled(device, cycle, (cycle * 67) % 400)))
        await device.restart()
      }
      expect(consents.length).toBeGreaterThanOrEqual(cycles)
      await settle(device, 20)
      const unknown = await unknownOnes(device)
      for (const { id, phase, events } of unknown) {
        // Only where the process ended between the dot and the answer.
        expect({ id, phase, last: events.at(-1)?.type }).toMatchObject({ phase: 'unknown', last: 'recovered' })
      }
      const taken = mailServer.submissions.map(({ bytes }) => messageIdOf(bytes))
      expect(new Set(taken).size, 'no consent is taken twice').toBe(taken.length)
      const sent = mailServer.mailbox('ann', 'Sent').map(({ bytes }) => messageIdOf(bytes))
      expect(new Set(sent).size, 'one copy in Sent').toBe(sent.length)
      for (const id of consents) {
        const record = await device.engine.sends.get(id)
        const draft = await device.get(record.draftId)
        if (record.status === 'unknown') {
          expect(draft.status).toBe('sending')
          continue
        }
        expect(record).toMatchObject({ status: 'sent', phase: 'cleaned' })
        expect(taken).toContain(record.messageId)
        expect(sent).toContain(record.messageId)
        expect(draft.status).toBe('sent')
      }
      // Who was unknown may be resolved as sent, and is no draft any more.
      for (const { id } of unknown) await device.engine.sends.resolve(id, 'sent')
      await settle(device, 20)
      const drafts = (await device.drafts()).filter(({ flags }) => !flags.some((flag) => /deleted/i.test(flag)))
      const open = await device.engine.drafts.list({ accountId: device.account.id, status: 'draft', limit: 500 })
      expect(drafts).toHaveLength(open.items.filter(({ sync }) => sync.state !== 'local-only').length)
    } finally {
      await mailServer.close()
    }
  },
  120_000 + cycles * 15_000,
)

async function unknownOnes({ engine }: Device): Promise<readonly SendRecord[]> {
  return (await engine.sends.list({ status: 'unknown', limit: 500 })).items
}

function messageIdOf(bytes: Uint8Array): string {
  return /^Message-ID: (<[^>]+>)/im.exec(new TextDecoder().decode(bytes))?.[1] ?? ''
}
