import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { createMailServer, type MailServer } from '@everdraft/mailserver'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { mail } from '../engine/answering-device.ts'
import { type Device, openDevice, settle } from '../live/harness.ts'

/** `pnpm proof` asks for more. */
const cycles = process.env['EVERDRAFT_KILLS'] === undefined ? 3 : Math.ceil(Number(process.env['EVERDRAFT_KILLS']) / 5)
const stride = process.env['EVERDRAFT_CRASHES'] === 'all' ? 1 : 12
const program = fileURLToPath(new URL('answerer.ts', import.meta.url))

interface Death {
  /** 0: none. */
  readonly commit: number
  readonly when: 'before' | 'after'
  /** After it was asked first; null: it is not killed from outside. */
  readonly lifeMs: number | null
}

/** @returns whether it was killed, and did not end by itself */
async function answerUntilKilled({ file, account }: Device, { commit, when, lifeMs }: Death): Promise<boolean> {
  const child = spawn(process.execPath, [program, file, account.id, String(commit), when], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let complaints = ''
  child.stderr.on('data', (data: Buffer) => void (complaints += data.toString('utf8')))
  child.stdout.once('data', () => {
    if (lifeMs !== null) setTimeout(() => child.kill('SIGKILL'), lifeMs)
  })
  child.stdout.resume()
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  expect(complaints).toBe('')
  if (signal !== 'SIGKILL') expect(code).toBe(0)
  return signal === 'SIGKILL'
}

/** Each mail has one draft, here and on the server, whatever was cut. */
async function expectOneDraftEach({ engine, account, ...device }: Device, subjects: readonly string[]): Promise<void> {
  const { items } = await engine.outcomes.list({ accountId: account.id, limit: 500 })
  const expected = subjects.map((subject) => `Re: ${subject}`).toSorted()
  expect(items.map(({ draftSubject }) => draftSubject).toSorted()).toEqual(expected)
  expect(new Set(items.map(({ status }) => status))).toEqual(new Set(['draft_created']))
  const open = await engine.drafts.list({ accountId: account.id, status: 'draft', limit: 500 })
  expect(open.items.map(({ subject }) => subject).toSorted()).toEqual(expected)
  const copies = (await device.drafts()).filter(({ flags }) => !flags.some((flag) => /deleted/i.test(flag)))
  const copied = copies.map(({ bytes }) => /^Subject: (.*)\r$/m.exec(bytes.toString('latin1'))?.[1] ?? '')
  expect(copied.toSorted()).toEqual(expected)
}

describe('kill -9 of who answers mail', () => {
  let mailServer: MailServer
  let device: Device
  let subjects: string[]
  beforeEach(async () => {
    subjects = []
    mailServer = createMailServer({ users: [{ name: 'ann', password: 'secret' }] })
    await mailServer.listen()
    device = await openDevice(
      {
        host: '127.0.0.1',
        imapPort: mailServer.imapPort,
        supports: { catenate: true, uidplus: true, sent: 'Sent' },
        user: () => ({ user: 'ann', password: 'secret', address: 'ann@example.org' }),
      },
      {},
      { responders: { modules: { test: ({ message }) => ({ text: `about ${message.subject}` }) } } },
    )
    await device.engine.responders.set(device.account.id, { module: 'test' })
    await settle(device)
    await device.engine.close()
  })
  afterEach(async () => {
    await device[Symbol.asyncDispose]()
    await mailServer.close()
  })

  async function arrives(count: number): Promise<void> {
    for (let at = 0; at < count; at += 1) {
      const subject = `mail ${subjects.length}`
      subjects.push(subject)
      await device.foreign((raw) =>
        raw.append('INBOX', mail({ subject, messageId: `<${subjects.length}@example.com>` })),
      )
    }
  }

  test(
    `at ${cycles} random moments: one draft for each mail, none lost and none twice`,
    async () => {
      for (let cycle = 0; cycle < cycles; cycle += 1) {
        await arrives(4)
        const death = { commit: 0, when: 'before', lifeMs: (cycle * 37) % 120 } as const
        expect(await answerUntilKilled(device, death)).toBe(true)
      }
      await device.restart()
      await settle(device, 20)
      await expectOneDraftEach(device, subjects)
    },
    60_000 + cycles * 10_000,
  )

  test('right before and right after its writes: one draft for each mail, none lost and none twice', async () => {
    let deaths = 0
    for (let commit = 1, isOver = false; !isOver; commit += stride) {
      for (const when of ['before', 'after'] as const) {
        await arrives(1)
        const isKilled = await answerUntilKilled(device, { commit, when, lifeMs: null })
        if (isKilled) deaths += 1
        isOver = !isKilled
      }
    }
    expect(deaths).toBeGreaterThanOrEqual(3)
    await device.restart()
    await settle(device, 20)
    await expectOneDraftEach(device, subjects)
  }, 600_000)
})
