import type { EventCursor, ToldEvent } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { openEmbedded } from '../hazards/embedded-device.ts'
import { settle } from '../live/harness.ts'

describe('events', () => {
  test('are told again since a cursor, also after a restart, each once and in order', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const heard: ToldEvent[] = []
    const off = device.engine.subscribe({}, (event) => void heard.push(event))
    const draft = await device.create({ text: 'one\n' })
    await device.engine.drafts.save(draft.id, { text: 'two\n' })
    off()
    const cursor = heard.at(-1)!.cursor
    await device.engine.drafts.save(draft.id, { text: 'three\n' })
    await device.restart()
    const again: ToldEvent[] = []
    device.engine.subscribe({ after: cursor }, (event) => void again.push(event))
    // While the log is read, more happens.
    await device.engine.drafts.save(draft.id, { text: 'four\n' })
    await settle(device)
    await expect.poll(() => again.some((event) => event.type === 'upload-finished')).toBe(true)
    const saves = again.filter((event) => event.type === 'draft-saved')
    expect(saves.map((event) => event.version as number)).toEqual([3, 4])
    const cursors = again.map((event) => event.cursor as number)
    expect(cursors).toEqual(cursors.toSorted((a, b) => a - b))
    expect(new Set(cursors).size).toBe(cursors.length)
    expect(cursors.every((one) => one > cursor)).toBe(true)
  })

  test('are told to who comes with a cursor that this store has not come to, as after a backup was put back', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const before = await device.create()
    const heard: ToldEvent[] = []
    device.engine.subscribe({ after: 1_000_000 as EventCursor }, (event) => void heard.push(event))
    const after = await device.create()
    await device.engine.drafts.save(after.id, { text: 'two\n' })
    await expect.poll(() => heard.some((event) => event.type === 'draft-saved')).toBe(true)
    const created = heard.flatMap((event) => (event.type === 'draft-created' ? [event.draftId] : []))
    expect(created).toContain(after.id)
    expect(created).not.toContain(before.id)
    expect(new Set(heard.map((event) => event.cursor)).size).toBe(heard.length)
  })

  test('of one account are not told to the subscriber of another', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const other = await device.engine.accounts.add({
      address: 'other@example.org',
      imap: { host: '127.0.0.1', port: 1, security: 'none', user: 'other', password: 'x' },
    })
    const heard: ToldEvent[] = []
    device.engine.subscribe({ accountId: other.id, after: 0 as EventCursor }, (event) => void heard.push(event))
    await device.create()
    await device.engine.drafts.create({ accountId: other.id })
    await expect.poll(() => heard.some((event) => event.type === 'draft-created')).toBe(true)
    expect(new Set(heard.map((event) => event.accountId))).toEqual(new Set([other.id]))
  })
})

describe('the timeline of a task', () => {
  test('says when it was planned, each run and how it ended, also when it is done', async () => {
    await using embedded = await openEmbedded()
    const { device, mailServer } = embedded
    await device.create()
    const tasks = await device.engine.tasks.list(device.account.id)
    const upload = tasks.items.find((task) => task.kind === 'draft_upload')!
    mailServer.faults.add({
      on: { verb: 'APPEND' },
      do: { kind: 'answer', status: 'NO', text: '[OVERQUOTA] full' },
    })
    await embedded.upload()
    await embedded.upload()
    const steps = await device.engine.tasks.timeline(device.account.id, upload.id)
    expect(steps.map((step) => step.what)).toEqual(['planned', 'started', 'parked', 'started', 'done'])
    expect(steps[2]!.error).toMatchObject({ code: 'OVERQUOTA' })
    const left = await device.engine.tasks.list(device.account.id)
    expect(left.items.some((task) => task.id === upload.id)).toBe(false)
  })

  test('is there after a restart, and goes on', async () => {
    await using embedded = await openEmbedded()
    const { device, mailServer } = embedded
    const { id: accountId } = device.account
    const draft = await device.create()
    const { items } = await device.engine.tasks.list(accountId)
    const { id } = items.find((task) => task.key === draft.id)!
    const told = async () => (await device.engine.tasks.timeline(accountId, id)).map((step) => step.what)
    mailServer.faults.add({ on: { verb: 'APPEND' }, do: { kind: 'answer', status: 'NO', text: '[OVERQUOTA] full' } })
    await embedded.upload()
    const before = await device.engine.tasks.get(accountId, id)
    await device.restart()
    expect(await device.engine.tasks.get(accountId, id)).toEqual(before)
    expect(await told()).toEqual(['planned', 'started', 'parked'])
    await embedded.upload()
    await device.restart()
    expect(await told()).toEqual(['planned', 'started', 'parked', 'started', 'done'])
  })

  test('is part of the task, as it stands in the queue and after it has left it', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const draft = await device.create()
    const { id: accountId } = device.account
    const { items } = await device.engine.tasks.list(accountId)
    const upload = items.find((task) => task.key === draft.id)!
    const { timeline, ...waiting } = await device.engine.tasks.get(accountId, upload.id)
    expect(waiting).toEqual(upload)
    expect(timeline.map((step) => step.what)).toEqual(['planned'])
    await embedded.upload()
    expect(await device.engine.tasks.get(accountId, upload.id)).toMatchObject({
      id: upload.id,
      kind: 'draft_upload',
      key: draft.id,
      state: 'done',
      attempts: 1,
      superseded: null,
      createdAt: upload.createdAt,
      timeline: await device.engine.tasks.timeline(accountId, upload.id),
    })
    const another = await device.engine.accounts.add({
      address: 'other@example.org',
      imap: { host: '127.0.0.1', port: 1, security: 'none', user: 'x', password: 'x' },
    })
    await expect(device.engine.tasks.get(another.id, upload.id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})
