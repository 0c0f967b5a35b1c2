import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { createEngine, type SendId } from '@everdraft/core'
import { imap, smtp } from '@everdraft/mail'
import { sqlite } from '@everdraft/sqlite'
import { expect, test } from 'vitest'

import { openFaultySender } from './faulty-sender.ts'

const program = fileURLToPath(new URL('../crash/sender-once.ts', import.meta.url))
const hourMs = 3_600_000

test('H35 two processes on one store: one has it, and when that one dies the other sends what is scheduled, once', async () => {
  await using sender = await openFaultySender()
  const { device } = sender
  await device.engine.close()
  const child = spawn(process.execPath, [program, device.file, device.account.id, 'scheduled', '', String(hourMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  try {
    const [said] = (await once(child.stdout, 'data')) as [Buffer]
    const id = said.toString('latin1').trim() as SendId
    for (let times = 0; times < 5; times += 1) {
      const opening = createEngine({ storage: sqlite(device.file), mailbox: imap(), submission: smtp() })
      await expect(opening).rejects.toMatchObject({ code: 'STORAGE_IN_USE' })
    }
    child.kill('SIGKILL')
    await ended
    await device.restart()
    expect(await sender.rest(id)).toMatchObject({ status: 'queued', attempts: 0 })
    expect(sender.sink.deliveries).toEqual([])
    // The other process looked at the clock of the machine, and later.
    sender.pass(2 * hourMs)
    const sent = await sender.rest(id)
    expect(sent).toMatchObject({ status: 'sent', phase: 'cleaned', attempts: 1 })
    await device.restart()
    await sender.rest(id)
    expect(sender.got(sent)).toEqual([1, 1])
  } finally {
    child.kill('SIGKILL')
    await ended
  }
})
