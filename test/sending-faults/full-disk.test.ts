import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { SendRecord, Storage, SubmissionPort } from '@everdraft/core'
import { smtp } from '@everdraft/mail'
import { sqlite } from '@everdraft/sqlite'
import { expect, test } from 'vitest'

import { openSender } from '../engine/sender.ts'

class DiskFull extends Error {}

/** A disk that takes no commit while it is full. */
function fillingDisk(file: string) {
  const inner = sqlite(file)
  let toRefuse = 0
  const storage: Storage = {
    async open() {
      const opened = await inner.open()
      return {
        ...opened,
        answer(statement, parameters) {
          if (statement === 'commit' && toRefuse > 0) {
            toRefuse -= 1
            throw new DiskFull()
          }
          return opened.answer?.(statement, parameters) ?? []
        },
        describeError: (error) => (error instanceof DiskFull ? 'the disk is full' : opened.describeError(error)),
      }
    },
  }
  return {
    storage,
    /** The next commits fail. */
    refuse(commits: number) {
      toRefuse = commits
    },
    get refusals() {
      return toRefuse
    },
  }
}

/** Tells when the server has said yes to recipients, and to a mail, before anybody here hears of it. */
function telling(on: { readonly opened?: () => void; readonly taken?: () => void }): SubmissionPort {
  const port = smtp()
  return {
    async connect(settings, options) {
      const session = await port.connect(settings, options)
      return {
        capabilities: session.capabilities,
        get alive() {
          return session.alive
        },
        bytes: () => session.bytes(),
        async open(envelope) {
          const outcome = await session.open(envelope)
          on.opened?.()
          return outcome
        },
        async commit(body, given) {
          const outcome = await session.commit(body, given)
          on.taken?.()
          return outcome
        },
        reset: () => session.reset(),
        close: () => session.close(),
      }
    },
  }
}

async function sendBesideFullDisk(on: 'opened' | 'taken', refusals: number): Promise<SendRecord> {
  const folder = await mkdtemp(join(tmpdir(), 'everdraft-full-'))
  try {
    const disk = fillingDisk(join(folder, 'everdraft.db'))
    let isFilled = false
    const fill = (): void => {
      if (!isFilled) disk.refuse(refusals)
      isFilled = true
    }
    const timing = { firstBackOffMs: 10, longestBackOffMs: 100 }
    await using sender = await openSender({}, timing, { storage: disk.storage, submission: telling({ [on]: fill }) })
    const { device } = sender
    const draft = await device.create({ text: 'only once\n' })
    const { id } = await device.engine.drafts.send(draft.id)
    const record = await sender.ends(id)
    expect(disk.refusals).toBe(0)
    expect(sender.taken('only once')).toBe(1)
    return record
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

test('H21 H24 the disk is full when the server has taken it: the answer is stored once there is room, and nothing is in doubt', async () => {
  const record = await sendBesideFullDisk('taken', 2)
  expect(record).toMatchObject({ status: 'sent', phase: 'cleaned', attempts: 1, error: null })
  expect(record.events.filter(({ type }) => type === 'answered-ok')).toHaveLength(1)
})

test('H25 the disk is full when the server has said yes to recipients: nothing goes, and it is sent once there is room', async () => {
  const record = await sendBesideFullDisk('opened', 1)
  expect(record).toMatchObject({ status: 'sent', phase: 'cleaned', attempts: 1, error: null })
})
