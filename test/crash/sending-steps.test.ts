import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import type { SendPhase, SendRecord } from '@everdraft/core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { type FaultySender, openFaultySender } from '../sending-faults/faulty-sender.ts'

const program = fileURLToPath(new URL('sender-once.ts', import.meta.url))

let sender: FaultySender
beforeAll(async () => {
  sender = await openFaultySender()
})
afterAll(async () => {
  await sender[Symbol.asyncDispose]()
})
beforeEach(() => {
  sender.sink.heal()
  sender.sink.onTaken = null
})

/** A process of its own sends one mail, and is killed. What became of the mail, once another has taken over. */
async function killed(
  text: string,
  dieAt: SendPhase | null,
  whileItRuns: (child: ChildProcess) => void = () => {},
): Promise<SendRecord> {
  const { device } = sender
  await device.engine.close()
  const child = spawn(
    process.execPath,
    [program, device.file, device.account.id, text, dieAt ?? '', dieAt === 'queued' ? '1000' : '0'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let complaints = ''
  child.stdout.resume()
  child.stderr.on('data', (data: Buffer) => void (complaints += data.toString('utf8')))
  whileItRuns(child)
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  expect([code, signal, complaints]).toEqual([null, 'SIGKILL', ''])
  await device.restart()
  const { items } = await device.engine.sends.list({ limit: 1 })
  const [newest] = items
  expect((await device.get((newest as SendRecord).draftId)).text).toBe(`${text}\n`)
  return await sender.recover((newest as SendRecord).id)
}

async function expectSentOnce(record: SendRecord): Promise<void> {
  expect(record).toMatchObject({ status: 'sent', phase: 'cleaned' })
  expect(sender.got(record)).toEqual([1, 1])
  expect((await sender.device.get(record.draftId)).status).toBe('sent')
  const drafts = await sender.device.drafts()
  expect(drafts.filter(({ flags }) => !flags.some((flag) => /deleted/i.test(flag)))).toEqual([])
  const sent = await sender.device.foreign((raw) => raw.listMessages('Sent'))
  expect(sent.filter(({ bytes }) => bytes.includes(record.messageId))).toHaveLength(1)
}

test.for<SendPhase>(['queued', 'checked', 'frozen', 'transmitting', 'accepted', 'filed', 'verified', 'cleaned'])(
  'H24 H31 kill -9 when the journal says %s: it goes on by itself, and is with everybody once',
  async (phase) => {
    await expectSentOnce(await killed(`killed when ${phase}`, phase))
  },
)

test('H21 kill -9 when the journal says that the dot may go: unknown, and not sent again by itself', async () => {
  const record = await killed('killed when dotting', 'dotting')
  await expectUnknown(record)
})

test.for([
  { when: 'the server has taken it, and has not said so', fault: true },
  { when: 'the server is about to say that it has taken it', fault: false },
])('H21 H24 kill -9 when $when: unknown, and taken once', async ({ when, fault }) => {
  const { sink } = sender
  if (fault) sink.fail('.', { kind: 'unanswered', andThen: 'hold' })
  const record = await killed(`killed when ${when}`, null, (child) => {
    sink.onTaken = () => void child.kill('SIGKILL')
  })
  expect(sender.got(record)).toEqual([1, 1])
  // The answer may have been faster than the signal: then it is sent, and says so.
  if (!fault && record.status === 'sent') {
    await expectSentOnce(record)
    return
  }
  await expectUnknown(record)
})

/** Until the user says what it is; and then it is that. */
async function expectUnknown({ id, draftId }: SendRecord): Promise<void> {
  const { engine } = sender.device
  const unknown = await engine.sends.get(id)
  expect(unknown).toMatchObject({ status: 'unknown', error: { code: 'INTERRUPTED' } })
  expect(unknown.events.at(-1)?.type).toBe('recovered')
  expect((await sender.device.get(draftId)).status).toBe('sending')
  const before = sender.got(unknown)
  expect(Math.max(...before)).toBeLessThanOrEqual(1)
  await engine.sends.resolve(id, 'sent')
  const resolved = await sender.recover(id)
  expect(resolved).toMatchObject({ status: 'sent', phase: 'cleaned' })
  expect(sender.got(resolved)).toEqual(before)
}
