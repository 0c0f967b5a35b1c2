import { randomUUID } from 'node:crypto'

import { type DraftManagerRequest, type Version } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { openOfflineManager, umid, written } from './draft-manager-engine.ts'

const nobody = '00000000-0000-7000-8000-000000000000'
const minuteMs = 60_000

describe('auto-save', () => {
  test('an unknown draftId begins a draft at version 1, and each save after it is one more', async () => {
    const { done, engine, clock } = await openOfflineManager()
    const draftId = randomUUID()
    const first = await done({ action: 'auto-save', draftId, draft: { subject: 'One', body: 'a' } })
    expect(first).toMatchObject({
      actionPerformed: 'auto-save',
      conflictDetected: false,
      draft: {
        draftId,
        version: 1,
        subject: 'One',
        body: 'a',
        bodyHtml: null,
        isDirty: true,
        status: 'draft',
        tenantId: 'acme',
        userId: 'ann',
      },
      saveMetadata: { draftId, device: 'unknown', savedAt: clock.nowMs, conflict: null },
    })
    for (const version of [2, 3, 4]) {
      clock.nowMs += 1_000
      const { draft } = await done({ action: 'auto-save', draftId, draft: { body: `a${version}` } })
      expect(draft).toMatchObject({ version, subject: 'One', body: `a${version}`, lastSavedAt: clock.nowMs })
    }
    expect((await engine.drafts.history(umid(draftId))).map(({ version }) => version)).toEqual([4, 3, 2, 1])
  })

  test('a first save that comes twice at once begins one draft', async () => {
    const { ask, engine } = await openOfflineManager()
    const draftId = randomUUID()
    const save = { action: 'auto-save', draftId, draft: { subject: 'One', body: 'a' } } as const
    const answers = await Promise.all([ask(save), ask(save), ask(save)])
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 'success', output: { draft: { version: 1 }, conflictDetected: false } })
    }
    expect(await engine.drafts.history(umid(draftId))).toHaveLength(1)
  })

  test('without a draftId it begins a draft and says which', async () => {
    const { done, engine } = await openOfflineManager()
    const { draft } = await done({ action: 'auto-save', draft: { body: 'a' } })
    expect((await engine.drafts.get(umid(draft?.draftId))).text).toBe('a')
  })

  test('is a save like any other: the same draft, history and events', async () => {
    const { done, engine, account } = await openOfflineManager()
    const events: string[] = []
    engine.subscribe({ accountId: account.id }, ({ type }) => {
      if (type.startsWith('draft-')) events.push(type)
    })
    const { draft } = await done({ action: 'auto-save', deviceId: 'tab-1', draft: { subject: 'One', body: 'a' } })
    const id = umid(draft?.draftId)
    await engine.drafts.save(id, { subject: 'Two' })
    const { draft: seen } = await done({ action: 'get', draftId: id })
    expect(seen).toMatchObject({ subject: 'Two', version: 2 })
    const [, first] = await engine.drafts.history(id)
    expect(first).toMatchObject({ device: 'tab-1', by: 'user', version: 1 })
    await done({ action: 'auto-save', draftId: id, draft: { body: 'b' } }, { by: 'program' })
    expect((await engine.drafts.history(id))[0]).toMatchObject({ device: 'unknown', by: 'program', version: 3 })
    expect(events).toEqual(['draft-created', 'draft-saved', 'draft-saved'])
  })

  test('needs a subject or a body', async () => {
    const { failed } = await openOfflineManager()
    for (const draft of [undefined, {}, { to: [{ address: 'bob@example.com' }] }, { subject: ' ', body: '' }]) {
      const answer = await failed({ action: 'auto-save', ...(draft === undefined ? {} : { draft }) })
      expect(answer).toMatchObject({ errorCode: 'VALIDATION_ERROR', errors: [{ path: 'draft' }] })
    }
  })

  test('an empty body is a body, beside a subject', async () => {
    const { done } = await openOfflineManager()
    const { draft } = await done({ action: 'auto-save', draft: { subject: 'One', body: '' } })
    expect(draft).toMatchObject({ subject: 'One', body: '', version: 1 })
    const emptied = await done({ action: 'auto-save', draft: { draftId: draft!.draftId, body: 'a' } })
    expect(emptied.draft).toMatchObject({ body: 'a', version: 2 })
    const again = await done({ action: 'auto-save', draft: { draftId: draft!.draftId, body: '' } })
    expect(again.draft).toMatchObject({ subject: 'One', body: '', version: 3 })
  })

  test('ids are UUIDs, and figures are in range', async () => {
    const { ask, account } = await openOfflineManager()
    const draft = { body: 'a' }
    const wrong: readonly (readonly [Partial<DraftManagerRequest>, string])[] = [
      [{ accountId: 'ann' }, 'accountId'],
      [{ draftId: 'one' }, 'draftId'],
      [{ draft: { ...draft, draftId: 'one' } }, 'draft.draftId'],
      [{ draftId: nobody, draft: { ...draft, draftId: account.id } }, 'draft.draftId'],
      [{ draft: { ...draft, accountId: nobody } }, 'draft.accountId'],
      [{ autoSaveInterval: 999 }, 'autoSaveInterval'],
      [{ autoSaveInterval: 60_001 }, 'autoSaveInterval'],
      [{ autoSaveInterval: 1_500.5 }, 'autoSaveInterval'],
      [{ maxDraftSize: 1_048_575 }, 'maxDraftSize'],
      [{ recoveryOptions: { maxRecoveryAge: 0 } }, 'recoveryOptions.maxRecoveryAge'],
      [{ deviceId: '' }, 'deviceId'],
      [{ deviceId: 'a\nb' }, 'deviceId'],
      [{ saveId: 'one' }, 'saveId'],
      [{ unansweredSaveIds: [nobody, 'one'] }, 'unansweredSaveIds[1]'],
      [{ draft: { ...draft, version: -1 } }, 'draft.version'],
      [{ draft: { ...draft, version: 1.5 } }, 'draft.version'],
      [{ draft: { ...draft, scheduledSendTime: -1 } }, 'draft.scheduledSendTime'],
    ]
    for (const [fields, path] of wrong) {
      const answer = await ask({ action: 'auto-save', draft, ...fields })
      expect(answer, path).toMatchObject({ status: 'error', errorCode: 'VALIDATION_ERROR', errors: [{ path }] })
    }
    for (const fields of [{ autoSaveInterval: 1_000 }, { autoSaveInterval: 60_000 }, { maxDraftSize: 1_048_576 }]) {
      expect(await ask({ action: 'auto-save', draft, ...fields })).toMatchObject({ status: 'success' })
    }
  })

  test('absent fields are unchanged', async () => {
    const manager = await openOfflineManager()
    const draft = {
      subject: 'One',
      body: 'a',
      bodyHtml: '<p>a</p>',
      to: [{ address: 'bob@example.com', name: 'Bob Example' }],
      cc: [{ address: 'carl@example.com', name: '' }],
      bcc: [{ address: 'dora@example.com', name: '' }],
      tags: ['one', 'two'],
      references: ['<a@example.com>'],
      scheduledSendTime: Date.UTC(2026, 1, 1),
    }
    const draftId = await written(manager, draft)
    const saved = await manager.done({ action: 'auto-save', draftId, draft: { subject: 'Two' } })
    expect(saved.draft).toMatchObject({ ...draft, subject: 'Two', version: 2 })
    expect(saved.saveMetadata?.changesSummary.fieldsChanged).toEqual(['subject'])
    const emptied = await manager.done({
      action: 'auto-save',
      draftId,
      draft: { subject: 'Two', bodyHtml: null, scheduledSendTime: null, tags: [], cc: [] },
    })
    expect(emptied.draft).toMatchObject({ bodyHtml: null, scheduledSendTime: null, tags: [], cc: [], body: 'a' })
    expect(emptied.saveMetadata?.changesSummary.fieldsChanged.toSorted()).toEqual(
      ['bodyHtml', 'cc', 'scheduledSendTime', 'tags'].toSorted(),
    )
  })

  test('tags and references stay as they are given, and two devices’ tags become one list', async () => {
    const manager = await openOfflineManager()
    const draftId = await written(manager, {
      body: 'a',
      tags: ['one'],
      references: ['a@example.com', '<b@example.com>'],
    })
    const first = { action: 'auto-save', draftId, draft: { body: 'a', version: 1, tags: ['one', 'two'] } } as const
    await manager.done({ ...first, deviceId: 'phone' })
    const { draft } = await manager.done({
      ...first,
      deviceId: 'laptop',
      draft: { ...first.draft, tags: ['one', 'three'] },
    })
    expect(draft?.tags.toSorted()).toEqual(['one', 'three', 'two'])
    expect(draft?.references).toEqual(['<a@example.com>', '<b@example.com>'])
    const wrong = await manager.failed({ action: 'auto-save', draftId, draft: { body: 'a', references: ['no id'] } })
    expect(wrong).toMatchObject({ errorCode: 'VALIDATION_ERROR', errors: [{ path: 'draft.references[0]' }] })
  })

  test('the syncToken is another one with each stored revision, and only then', async () => {
    const manager = await openOfflineManager()
    const draftId = await written(manager)
    const seen = new Set<string>()
    for (const body of ['b', 'c', 'b']) {
      const { draft } = await manager.done({ action: 'auto-save', draftId, draft: { body } })
      expect(seen.has(draft!.syncToken)).toBe(false)
      seen.add(draft!.syncToken)
      const again = await manager.done({ action: 'auto-save', draftId, draft: { body } })
      expect(again.draft?.syncToken).toBe(draft?.syncToken)
    }
  })

  test('H17 a save that changes nothing makes no version, and looking at a draft makes none', async () => {
    const manager = await openOfflineManager()
    const draftId = await written(manager)
    const { draft } = await manager.done({ action: 'get', draftId })
    manager.clock.nowMs += minuteMs
    const saved = await manager.done({ action: 'auto-save', draftId, deviceId: 'phone', draft: draft! })
    expect(saved).toMatchObject({
      draft: { version: 1, lastSavedAt: draft?.lastSavedAt },
      conflictDetected: false,
      saveMetadata: { changesSummary: { fieldsChanged: [], bytesAdded: 0 } },
      stats: { itemsAffected: 0 },
    })
    await manager.done({ action: 'list' })
    await manager.done({ action: 'recover', draftId })
    expect(await manager.engine.drafts.history(umid(draftId))).toHaveLength(1)
  })

  test('over maxDraftSize it is VALIDATION_ERROR, by its text or by its attachments, and nothing is stored', async () => {
    const manager = await openOfflineManager()
    const draftId = await written(manager)
    const maxDraftSize = 1_048_576
    const large = await manager.failed({
      action: 'auto-save',
      draftId,
      maxDraftSize,
      draft: { body: 'a'.repeat(maxDraftSize) },
    })
    expect(large).toMatchObject({ errorCode: 'VALIDATION_ERROR', errors: [{ path: 'draft' }] })
    const attachments = [{ id: randomUUID(), filename: 'a.bin', size: 26_214_400 }]
    const claimed = await manager.failed({ action: 'auto-save', draftId, draft: { body: 'b', attachments } })
    expect(claimed.errorCode).toBe('VALIDATION_ERROR')
    await manager.engine.drafts.attach(umid(draftId), { filename: 'b.bin', content: new Uint8Array(maxDraftSize) })
    const attached = await manager.failed({ action: 'auto-save', draftId, maxDraftSize, draft: { body: 'b' } })
    expect(attached.errorCode).toBe('VALIDATION_ERROR')
    expect((await manager.done({ action: 'auto-save', draftId, draft: { body: 'c' } })).draft).toMatchObject({
      body: 'c',
    })
    expect((await manager.engine.drafts.history(umid(draftId))).map(({ version }) => version)).toEqual([3, 2, 1])
    const fresh = randomUUID()
    await manager.failed({
      action: 'auto-save',
      draftId: fresh,
      maxDraftSize,
      draft: { body: 'a'.repeat(maxDraftSize) },
    })
    expect((await manager.failed({ action: 'get', draftId: fresh })).error).toBe('Unauthorized')
  })

  test('compression governs how the version before is stored, and the savings are what that takes less', async () => {
    const manager = await openOfflineManager()
    const body = 'the same words again\n'.repeat(500)
    const draftId = await written(manager, { body })
    const compressed = await manager.done({ action: 'auto-save', draftId, draft: { body: `${body}b` } })
    expect(compressed.stats.compressionSavings).toBeGreaterThan(10_000)
    const whole = await manager.done({
      action: 'auto-save',
      draftId,
      enableCompression: false,
      draft: { body: `${body}c` },
    })
    expect(whole.stats.compressionSavings).toBe(0)
    expect((await manager.done({ action: 'auto-save', draft: { body } })).stats.compressionSavings).toBe(0)
    for (const [version, text] of [
      [1, body],
      [2, `${body}b`],
    ] as const) {
      expect((await manager.engine.drafts.restore(umid(draftId), version as Version)).text).toBe(text)
    }
  })

  test('a save without compression loses no version that lies with the one before it', async () => {
    const manager = await openOfflineManager()
    const { drafts } = manager.engine
    const draftId = await written(manager, { body: 'version 1' })
    const id = umid(draftId)
    for (let version = 2; version <= 5; version += 1) {
      await manager.done({ action: 'auto-save', draftId, draft: { body: `version ${version}` } })
    }
    // What changes more than a text takes the last saves into the history.
    await drafts.attach(id, { filename: 'a.txt', content: new Uint8Array(10) })
    for (let version = 7; version <= 9; version += 1) {
      const draft = { body: `version ${version}` }
      await manager.done({ action: 'auto-save', draftId, enableCompression: false, draft })
    }
    await drafts.attach(id, { filename: 'b.txt', content: new Uint8Array(10) })
    await manager.done({ action: 'auto-save', draftId, enableCompression: false, draft: { body: 'version 11' } })
    expect((await drafts.history(id)).map(({ version }) => version)).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
    for (const [version, text] of [1, 2, 3, 4, 5, 5, 7, 8, 9, 9, 11].entries()) {
      expect((await drafts.restore(id, (version + 1) as Version)).text).toBe(`version ${text}`)
    }
  })

  test('its figures are measured', async () => {
    const manager = await openOfflineManager()
    manager.clock.stepMs = 7
    const answer = await manager.ask({ action: 'auto-save', draft: { body: 'a' } })
    if (answer.status === 'error') throw new Error(answer.error)
    const { stats, saveMetadata, draft } = answer.output
    expect(stats.operationDuration).toBeGreaterThanOrEqual(7)
    expect(stats.operationDuration % 7).toBe(0)
    expect(answer.duration).toBeGreaterThanOrEqual(stats.operationDuration)
    expect(answer.timestamp).toBeLessThanOrEqual(manager.clock.nowMs)
    expect(stats.storageUsed).toBe(saveMetadata?.changesSummary.bytesAdded)
    const { draftId } = draft!
    const larger = await manager.done({ action: 'auto-save', draftId, draft: { body: `a${'ä'.repeat(100)}` } })
    expect(larger.saveMetadata?.changesSummary.bytesAdded).toBe(200)
    expect(larger.stats.storageUsed).toBe(stats.storageUsed + 200)
    await manager.engine.drafts.attach(umid(draftId), { filename: 'a.bin', content: new Uint8Array(5_000) })
    const listed = await manager.done({ action: 'list' })
    expect(listed.stats.storageUsed).toBeGreaterThan(larger.stats.storageUsed + 5_000)
    const deleted = await manager.done({ action: 'delete', draftId })
    expect(deleted.stats).toMatchObject({ storageUsed: -listed.stats.storageUsed, trashUsed: listed.stats.storageUsed })
    expect((await manager.done({ action: 'list' })).stats.storageUsed).toBe(0)
  })
})
