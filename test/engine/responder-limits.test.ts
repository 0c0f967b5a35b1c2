import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createEngine, type Responder, type Umid } from '@everdraft/core'
import { imap } from '@everdraft/mail'
import { keyFile, sqlite } from '@everdraft/sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'

import { mail, openAnswering, second, thanks } from './answering-device.ts'

const retrying = { firstBackOffMs: 1, longestBackOffMs: 2 }

describe('a responder', () => {
  test('H36 that fails for one mail for good keeps no other waiting: it is parked with its reason, and tried when asked', async () => {
    const well = { now: false }
    const answer: Responder = (request, options) => {
      if (request.message.subject === 'poison' && !well.now) throw new RangeError('with words of the mail')
      return thanks(request, options)
    }
    await using answering = await openAnswering({ answer, timing: retrying })
    const { engine, account, events } = answering.device
    await answering.arrives(mail({ subject: 'poison' }), mail({ subject: 'good' }))
    await answering.device.sync()
    await expect.poll(() => events.some(({ type }) => type === 'task-parked'), { timeout: 10_000 }).toBe(true)
    expect(await answering.outcomes()).toHaveLength(1)
    const parked = (await engine.tasks.list(account.id)).items.find(({ state }) => state === 'parked')
    expect(parked).toMatchObject({
      kind: 'responder_answer',
      lastError: { code: 'RESPONDER_THREW', message: 'it threw RangeError' },
    })
    expect(answering.asked.filter(({ message }) => message.subject === 'poison')).toHaveLength(12)
    well.now = true
    await engine.tasks.retry(account.id, parked!.id)
    await expect.poll(() => answering.outcomes()).toHaveLength(2)
  })

  test('that hangs is not waited for longer than it may take, and its late answer is none', async () => {
    const late = Promise.withResolvers<null>()
    let calls = 0
    await using answering = await openAnswering({
      input: { timeoutMs: 1_000 },
      timing: retrying,
      answer: async (request, options) => {
        calls += 1
        if (calls > 1) return { text: 'In time.' }
        await late.promise
        return await thanks(request, options)
      },
    })
    await answering.arrives(mail())
    await answering.device.sync()
    await expect.poll(() => answering.outcomes(), { timeout: 5_000 }).toHaveLength(1)
    late.resolve(null)
    await answering.settle()
    expect(await answering.outcomes()).toMatchObject([{ draftBody: 'In time.' }])
  })

  test('whose module is not there parks the mail, which is answered once it is', async () => {
    await using answering = await openAnswering({ input: { module: 'other' } })
    const { engine, account } = answering.device
    await answering.arrives(mail())
    await answering.device.sync()
    const { items } = await engine.tasks.list(account.id)
    expect(items.find(({ kind }) => kind === 'responder_answer')).toMatchObject({
      state: 'parked',
      lastError: { code: 'RESPONDER_NOT_THERE', message: 'there is no responder other' },
    })
    await engine.responders.set(account.id, { module: 'test' })
    await answering.settle()
    expect(await answering.outcomes()).toHaveLength(1)
  })

  test('that is removed leaves nothing of its mails in the queue, and the next one does not answer them', async () => {
    await using answering = await openAnswering({ input: { module: 'other' } })
    const { engine, account } = answering.device
    await answering.arrives(mail())
    await answering.device.sync()
    await engine.responders.remove(account.id)
    await answering.settle()
    expect((await engine.tasks.list(account.id)).items.map(({ kind }) => kind)).toEqual(['mailbox_sync'])
    await engine.responders.set(account.id, { module: 'test' })
    await answering.settle()
    expect(answering.asked).toEqual([])
  })

  test('has a secret that lies in the store only sealed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'everdraft-sealed-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    await using answering = await openAnswering({ engine: { secrets: keyFile(join(folder, 'key')) } })
    const { engine, account, file } = answering.device
    const { secret } = await engine.responders.set(account.id, { url: 'https://hooks.example.com/' })
    expect(secret).toMatch(/^whsec_/)
    const stored = await Promise.all([file, `${file}-wal`].map((path) => readFile(path)))
    expect(stored.some((bytes) => bytes.includes('hooks.example.com'))).toBe(true)
    expect(stored.some((bytes) => bytes.includes(secret!))).toBe(false)
    expect((await engine.responders.set(account.id, { url: 'https://hooks.example.com/' })).secret).toBeNull()
  })

  test('that writes more than it may within an hour waits with the rest', async () => {
    await using answering = await openAnswering({ input: { hourlyLimit: 2 } })
    const { engine, account } = answering.device
    await answering.arrives(mail(), mail(), mail())
    await answering.settle()
    expect(await answering.outcomes()).toHaveLength(2)
    const { items } = await engine.tasks.list(account.id)
    const waiting = items.filter(({ kind }) => kind === 'responder_answer')
    expect(waiting).toMatchObject([{ state: 'waiting' }])
    expect(waiting[0]!.nextRunAt).toBeGreaterThan(Date.now() + 3_500_000)
  })

  test('is asked about several conversations at once, and within one about one mail after the other', async () => {
    const running = new Set<string>()
    const together: number[] = []
    let open = 6
    const all = Promise.withResolvers<void>()
    const responder: Responder = async ({ message }) => {
      const [conversation = ''] = message.references.length === 0 ? [message.messageId ?? ''] : message.references
      expect(running).not.toContain(conversation)
      running.add(conversation)
      together.push(running.size)
      open -= 1
      if (running.size === 3 || open === 0) all.resolve()
      await all.promise
      running.delete(conversation)
      return { text: `About ${message.subject}` }
    }
    await using answering = await openAnswering({ answer: responder })
    const roots = [1, 2, 3].map((one) => `<${one}@example.com>`)
    await answering.arrives(...roots.map((messageId) => mail({ messageId, subject: `first of ${messageId}` })))
    await answering.arrives(...roots.map((id) => mail({ inReplyTo: id, references: id, subject: `second of ${id}` })))
    await answering.settle()
    expect(Math.max(...together)).toBe(3)
    expect(await answering.drafts()).toHaveLength(3)
    const outcomes = await answering.outcomes()
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual([
      ...Array.from({ length: 3 }, () => 'draft_created'),
      ...Array.from({ length: 3 }, () => 'superseded'),
    ])
    const latest = outcomes.filter(({ status }) => status === 'draft_created')
    expect(latest.every(({ draftSubject }) => draftSubject.includes('second'))).toBe(true)
  })

  test('that is asked about several at once writes no more than it may within an hour', async () => {
    const asked = Promise.withResolvers<void>()
    let count = 0
    const responder: Responder = async () => {
      count += 1
      if (count === 3) asked.resolve()
      await asked.promise
      return { text: 'An answer.' }
    }
    await using answering = await openAnswering({ answer: responder, input: { hourlyLimit: 1 } })
    await answering.arrives(...[1, 2, 3].map((one) => mail({ messageId: `<${one}@example.com>` })))
    await answering.device.sync()
    await expect.poll(async () => (await answering.outcomes()).length, { timeout: 10_000 }).toBe(1)
    const { engine, account } = answering.device
    await expect
      .poll(async () => (await engine.tasks.list(account.id)).items.filter(({ kind }) => kind === 'responder_answer'))
      .toMatchObject([{ state: 'waiting' }, { state: 'waiting' }])
    expect(await answering.outcomes()).toHaveLength(1)
  })

  test('is left to the program that has it: another one on the same store asks nobody, and loses no mail', async () => {
    await using answering = await openAnswering()
    const { device } = answering
    await answering.arrives(mail())
    await device.engine.close()
    {
      await using other = await createEngine({ storage: sqlite(device.file), mailbox: imap(), watch: false })
      expect(await other.sync(device.account.id, { waitMs: 10_000 })).toMatchObject({ settled: true, errors: [] })
      expect((await other.outcomes.list({ accountId: device.account.id })).total).toBe(0)
    }
    await device.restart()
    await answering.settle()
    expect(await answering.outcomes()).toHaveLength(1)
  })

  test('asks about nothing that came before a store was put back from a backup: it may have been answered', async () => {
    await using answering = await openAnswering()
    const { device } = answering
    const backup = `${device.file}.backup`
    await device.engine.backup(backup)
    const { store } = answering.mailServer
    // The clock of a mailbox counts whole seconds.
    const lately = mail({ date: new Date().toUTCString().replace('GMT', '+0000') })
    const before = { flags: [], internalDateMs: Date.now() - 1_000 }
    store.append(store.find('ann', 'INBOX')!, { bytes: Buffer.from(lately), ...before })
    await answering.settle()
    await device.engine.close()
    await Promise.all(['-wal', '-shm'].map((ending) => rm(`${device.file}${ending}`, { force: true })))
    await copyFile(backup, device.file)
    await device.restart()
    await answering.settle()
    expect(answering.asked).toHaveLength(1)
    // That the lost store has made is here again, as a draft of another device.
    expect(answering.texts()).toHaveLength(1)
    expect(await answering.drafts()).toHaveLength(1)
    await answering.arrives(mail({ subject: 'from now on' }))
    await answering.settle()
    expect(answering.asked.map(({ message }) => message.subject)).toEqual(['Prices', 'from now on'])
  })

  test('may send by itself where that is wanted: once, and marked as written by a program', async () => {
    await using answering = await openAnswering({ engine: { draftOnly: false } })
    await answering.arrives(mail({ messageId: '<first@example.com>' }))
    await answering.settle()
    await expect.poll(() => answering.taken('Thank you for')).toBe(1)
    const [submission] = answering.mailServer.submissions
    expect(Buffer.from(submission!.bytes).toString()).toContain('Auto-Submitted: auto-replied\r\n')
    const [outcome] = await answering.outcomes()
    const status = async (id: Umid) => (await answering.device.get(id)).status
    await expect.poll(() => status(outcome!.messageId)).toBe('sent')
    await answering.arrives(second())
    await answering.settle()
    // RFC 3834 §2: two programs do not answer each other for ever.
    expect(answering.asked).toHaveLength(1)
    expect(answering.texts()).toEqual([])
  })
})
