import { randomUUID } from 'node:crypto'

import type { DraftManagerAnswer, DraftStateInput } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { type OfflineManager, openOfflineManager, umid, written } from './draft-manager-engine.ts'

describe('a save whose answer was lost', () => {
  test('is none with oneself: a save that is sent again, or whose answer never came', async () => {
    const manager = await openOfflineManager()
    const draftId = await written(manager, { body: 'a' })
    const [lost, next] = [randomUUID(), randomUUID()]
    const save = {
      action: 'auto-save',
      draftId,
      deviceId: 'laptop',
      saveId: lost,
      draft: { body: 'ab', version: 1 },
    } as const
    await manager.done(save)
    const again = await manager.done(save)
    expect(again).toMatchObject({
      conflictDetected: false,
      draft: { version: 2, body: 'ab' },
      saveMetadata: { saveId: lost },
    })
    const longer = { ...save, saveId: next, draft: { body: 'abc', version: 1 } }
    expect((await manager.failed(longer)).errorCode).toBe('CONFLICT_ERROR')
    const named = await manager.done({ ...longer, unansweredSaveIds: [lost] })
    expect(named).toMatchObject({ conflictDetected: false, draft: { version: 3, body: 'abc' } })
    // What somebody else has saved meanwhile is still theirs.
    await manager.done({ action: 'auto-save', draftId, deviceId: 'phone', draft: { body: 'of the phone', version: 3 } })
    const late = { ...save, saveId: randomUUID(), draft: { body: 'abcd', version: 1 }, unansweredSaveIds: [lost, next] }
    expect(await manager.failed(late)).toMatchObject({ output: { conflict: { baseVersion: 3 } } })
  })

  test('is answered as at first, whatever others have written since', async () => {
    const { manager, draftId } = await begun()
    const save = saving(draftId, { subject: 'Two', body: both.replace('first', 'by laptop'), version: 1 })
    const first = await manager.ask(save)
    manager.clock.nowMs += 1_000
    await manager.done({
      action: 'auto-save',
      draftId,
      deviceId: 'phone',
      draft: { body: 'of the phone\n', version: 2 },
    })
    manager.clock.nowMs += 1_000
    const again = await manager.ask(save)
    expect(withoutTimes(again)).toEqual(withoutTimes(first))
    expect(again).toMatchObject({ status: 'success', output: { draft: { version: 2, subject: 'Two' } } })
    expect(await manager.engine.drafts.history(umid(draftId))).toHaveLength(3)
    expect(await manager.engine.drafts.conflicts(umid(draftId))).toEqual([])
    // Until what was saved last is part of the history.
    for (let word = 1; word <= 16; word += 1)
      await manager.engine.drafts.save(umid(draftId), { text: `${word} words of the phone\n` })
    expect(withoutTimes(await manager.ask(save))).toEqual(withoutTimes(first))
    await manager.done({ action: 'delete', draftId })
    expect((await manager.ask(save)).status).toBe('success')
  })

  test('is answered as at first where it was merged, changed nothing, or began a draft without an id', async () => {
    const { manager, draftId } = await begun()
    await manager.done({
      action: 'auto-save',
      draftId,
      deviceId: 'phone',
      draft: { body: both.replace('last', 'by phone'), version: 1 },
    })
    const merged = saving(draftId, { body: both.replace('first', 'by laptop'), version: 1 })
    const nothing = saving(draftId, { subject: 'One', version: 1 })
    const { draftId: _none, ...fresh } = saving(draftId, { body: 'of a new one' })
    for (const save of [merged, nothing, fresh]) {
      const first = await manager.ask(save)
      await manager.done({ action: 'auto-save', draftId, deviceId: 'phone', draft: { subject: randomUUID() } })
      expect(withoutTimes(await manager.ask(save))).toEqual(withoutTimes(first))
    }
    expect((await manager.done({ action: 'list' })).total).toBe(2)
  })

  test('that was a conflict is the same conflict until it is decided, and then a save', async () => {
    const { manager, draftId } = await begun()
    const phone = { body: both.replace('first', 'by phone'), version: 1 }
    await manager.done({ action: 'auto-save', draftId, deviceId: 'phone', draft: phone })
    const save = saving(draftId, { body: both.replace('first', 'by laptop'), version: 1 })
    const first = await manager.failed(save)
    await manager.done({ action: 'auto-save', draftId, deviceId: 'phone', draft: { subject: 'Two', version: 2 } })
    expect(withoutTimes(await manager.failed(save))).toEqual(withoutTimes(first))
    const decide = { action: 'recover', draftId, deviceId: 'laptop', recoveryOptions: { preferLocal: true } } as const
    await manager.done(decide)
    const after = await manager.done(save)
    expect(after.draft).toMatchObject({ subject: 'Two', body: both.replace('first', 'by laptop') })
  })

  test('and whose id is taken for other words loses none of them', async () => {
    const { manager, draftId } = await begun()
    const save = saving(draftId, { body: 'a', version: 1 })
    await manager.done(save)
    const other = await manager.done({ ...save, draft: { body: 'a and more', version: 1 } })
    expect(other).toMatchObject({ conflictDetected: false, draft: { version: 3, body: 'a and more' } })
    expect((await manager.done(save)).draft).toMatchObject({ version: 2, body: 'a' })
  })

  test('and that comes after the one that names it changes nothing, and asks nobody', async () => {
    const { manager, draftId } = await begun()
    const late = saving(draftId, { body: 'Dear', version: 1 })
    const next = saving(draftId, { body: 'Dear Bob', version: 1 })
    const last = saving(draftId, { body: 'Dear Bob, hello', version: 1 })
    const answered = await manager.done({ ...next, unansweredSaveIds: [late.saveId] })
    expect(answered.draft).toMatchObject({ version: 2, body: 'Dear Bob' })
    await manager.done({ ...last, unansweredSaveIds: [late.saveId, next.saveId] })
    for (let time = 0; time < 2; time += 1) {
      const overtaken = await manager.done(late)
      expect(overtaken).toMatchObject({ conflictDetected: false, draft: { version: 2, body: 'Dear Bob' } })
    }
    expect((await manager.done({ action: 'get', draftId })).draft).toMatchObject({
      version: 3,
      body: 'Dear Bob, hello',
    })
    // Nobody is asked, and nothing is lost.
    expect(await manager.engine.drafts.conflicts(umid(draftId))).toMatchObject([
      { resolution: 'superseded', local: { text: 'Dear' } },
    ])
    expect((await manager.done({ action: 'recover', draftId, deviceId: 'laptop' })).recovery).toMatchObject({
      userConfirmationRequired: false,
      recoveryReason: 'manual-recovery',
    })
  })

  test('is found wherever it stands among others’ saves, and however many were lost', async () => {
    const { manager, draftId } = await begun()
    const phone = { action: 'auto-save', draftId, deviceId: 'phone' } as const
    await manager.done({ ...phone, draft: { body: both.replace('last', 'by phone'), version: 1 } })
    // Its answer is lost, and so is that the phone’s words are in it.
    const lost = saving(draftId, { body: both.replace('first', 'by laptop'), version: 1 })
    await manager.done(lost)
    await manager.done({ ...phone, draft: { subject: 'By phone', version: 3 } })
    const also = saving(draftId, { body: both.replace('first', 'by laptop, more'), version: 1 })
    await manager.done({ ...also, unansweredSaveIds: [lost.saveId] })
    const next = saving(draftId, { body: both.replace('first', 'by laptop, more and more'), version: 1 })
    const answer = await manager.done({ ...next, unansweredSaveIds: [lost.saveId, also.saveId] })
    expect(answer.draft).toMatchObject({
      subject: 'By phone',
      body: both.replace('first', 'by laptop, more and more').replace('last', 'by phone'),
    })
    expect(await manager.engine.drafts.conflicts(umid(draftId))).toEqual([])
  })

  test('and that was a conflict waits no more once a later one has its words', async () => {
    const { manager, draftId } = await begun()
    await manager.done({ action: 'auto-save', draftId, deviceId: 'phone', draft: { body: 'by phone\n', version: 1 } })
    const { deviceId: _device, ...lost } = saving(draftId, { body: 'by a tab', version: 1 })
    await manager.failed(lost)
    const next = { ...lost, saveId: randomUUID(), draft: { body: 'by a tab, more', version: 1 } }
    await manager.failed({ ...next, unansweredSaveIds: [lost.saveId] })
    const conflicts = await manager.engine.drafts.conflicts(umid(draftId))
    expect(conflicts).toMatchObject([
      { local: { text: 'by a tab, more' }, resolution: null },
      { local: { text: 'by a tab' }, resolution: 'superseded' },
    ])
  })
})

const both = 'Dear Bob,\n\nfirst\n\nlast\n'

async function begun(): Promise<{ readonly manager: OfflineManager; readonly draftId: string }> {
  const manager = await openOfflineManager()
  return { manager, draftId: await written(manager, { subject: 'One', body: both }) }
}

/** A save of the laptop, under an id of its own. */
function saving<Draft extends DraftStateInput>(draftId: string, draft: Draft) {
  return { action: 'auto-save', draftId, deviceId: 'laptop', saveId: randomUUID(), draft } as const
}

function withoutTimes({ output, ...answer }: DraftManagerAnswer): object {
  return {
    ...answer,
    timestamp: 0,
    duration: 0,
    output: { ...output, stats: { ...output?.stats, operationDuration: 0 } },
  }
}
