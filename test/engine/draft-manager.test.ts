import { randomUUID } from 'node:crypto'

import {
  type AttachmentId,
  type DraftManagerRequest,
  type DraftStateInput,
  type Storage,
  type Version,
} from '@everdraft/core'
import { sqlite } from '@everdraft/sqlite'
import { describe, expect, test } from 'vitest'

import { type OfflineManager, openOfflineManager, umid } from './draft-manager-engine.ts'

const nobody = '00000000-0000-7000-8000-000000000000'
const minuteMs = 60_000

/** A draft that the laptop has made. */
async function written(
  manager: OfflineManager,
  draft: DraftStateInput = { subject: 'One', body: 'a\n' },
): Promise<string> {
  const draftId = randomUUID()
  await manager.done({ action: 'auto-save', draftId, deviceId: 'laptop', draft })
  return draftId
}

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

  test('a disk that refuses is STORAGE_ERROR, and what was stored stays', async () => {
    let isFull = false
    const manager = await openOfflineManager((file) => {
      const inner = sqlite(file)
      const storage: Storage = {
        async open() {
          const opened = await inner.open()
          return {
            ...opened,
            answer(statement, parameters) {
              if (isFull && statement === 'commit') throw new Error('full')
              return opened.answer?.(statement, parameters) ?? []
            },
            describeError: (error) =>
              String(error) === 'Error: full' ? 'the disk is full' : opened.describeError(error),
          }
        },
      }
      return storage
    })
    const draftId = await written(manager)
    isFull = true
    const answer = await manager.failed({ action: 'auto-save', draftId, draft: { body: 'b' } })
    expect(answer).toMatchObject({ errorCode: 'STORAGE_ERROR', error: 'the disk is full' })
    isFull = false
    expect((await manager.done({ action: 'get', draftId })).draft).toMatchObject({ body: 'a\n', version: 1 })
    await manager.engine.close()
    expect(await manager.failed({ action: 'get', draftId })).toMatchObject({ errorCode: 'STORAGE_ERROR' })
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

describe('a conflict', () => {
  const both = { subject: 'One', body: 'Dear Bob,\n\nfirst\n\nlast\n' }

  /** The phone has saved on version 1 what the laptop does not know of. */
  async function movedOn(): Promise<{
    readonly manager: OfflineManager
    readonly draftId: string
    readonly heard: number
  }> {
    const manager = await openOfflineManager()
    const draftId = await written(manager, both)
    const heard = manager.clock.nowMs
    manager.clock.nowMs += minuteMs
    const draft = { version: 1, body: both.body.replace('first', 'by phone') }
    await manager.done({ action: 'auto-save', draftId, deviceId: 'phone', draft })
    manager.clock.nowMs += minuteMs
    return { manager, draftId, heard }
  }

  const claims = [
    ['the version', (_heard: number) => ({ version: 1 }), 'laptop'],
    ['the time', (heard: number) => ({ lastSavedAt: heard }), 'tablet'],
    ['the device', (_heard: number) => ({}), 'laptop'],
  ] as const
  test.each(claims)('is detected by %s', async (_name, claim, deviceId) => {
    const { manager, draftId, heard } = await movedOn()
    const draft = { ...claim(heard), body: both.body.replace('last', 'by laptop') }
    const merged = await manager.done({ action: 'auto-save', draftId, deviceId, draft })
    expect(merged).toMatchObject({
      conflictDetected: true,
      draft: { version: 3, body: 'Dear Bob,\n\nby phone\n\nby laptop\n' },
      conflict: { baseVersion: 1, remoteVersion: 2, resolutionStrategy: 'merge', conflictId: null },
      saveMetadata: { conflict: { remoteVersion: 2, remoteModifiedAt: heard + minuteMs, resolutionStrategy: 'merge' } },
    })
  })

  test('is none where nobody else has saved, nor where a client says nothing that is new', async () => {
    const { manager, draftId } = await movedOn()
    const own = await manager.done({ action: 'auto-save', draftId, deviceId: 'phone', draft: { subject: 'Two' } })
    expect(own).toMatchObject({ conflictDetected: false, draft: { version: 3 } })
    const nothingNew = await manager.done({
      action: 'auto-save',
      draftId,
      deviceId: 'laptop',
      draft: { ...both, version: 1 },
    })
    expect(nothingNew).toMatchObject({ conflictDetected: false, draft: { version: 3, subject: 'Two' } })
  })

  const strategies = [
    [true, 'local-wins', 'by laptop', 'by phone'],
    [false, 'remote-wins', 'by phone', 'by laptop'],
  ] as const
  test.each(strategies)(
    'preferLocal %s is %s, and what lost is in the history',
    async (preferLocal, strategy, wins, loses) => {
      const { manager, draftId } = await movedOn()
      const draft = { version: 1, body: both.body.replace('first', 'by laptop') }
      const asked = {
        action: 'auto-save',
        draftId,
        deviceId: 'laptop',
        draft,
        recoveryOptions: { preferLocal },
      } as const
      const saved = await manager.done(asked)
      expect(saved).toMatchObject({
        conflictDetected: true,
        conflict: { resolutionStrategy: strategy, conflictId: null },
      })
      expect(saved.draft?.body).toContain(wins)
      const bodies: string[] = []
      for (const { version } of await manager.engine.drafts.history(umid(draftId))) {
        bodies.push((await manager.engine.drafts.restore(umid(draftId), version)).text)
      }
      expect(bodies.some((body) => body.includes(loses))).toBe(true)
    },
  )

  test('that cannot be merged is CONFLICT_ERROR, nothing is saved over, and both are kept', async () => {
    const { manager, draftId } = await movedOn()
    const draft = { version: 1, subject: 'Two', body: both.body.replace('first', 'by laptop') }
    const answer = await manager.failed({ action: 'auto-save', draftId, deviceId: 'laptop', draft })
    expect(answer).toMatchObject({
      errorCode: 'CONFLICT_ERROR',
      output: {
        conflictDetected: true,
        draft: { version: 2, subject: 'One', body: both.body.replace('first', 'by phone') },
        conflict: { baseVersion: 1, remoteVersion: 2, fields: ['body'] },
        saveMetadata: { savedAt: null },
      },
    })
    const [conflict] = await manager.engine.drafts.conflicts(umid(draftId))
    expect(conflict).toMatchObject({
      id: answer.output?.conflict?.conflictId,
      local: { text: both.body.replace('first', 'by laptop'), subject: 'Two' },
      remote: { text: both.body.replace('first', 'by phone') },
    })
  })

  test('that waits is over when its device saves again, and wins', async () => {
    const { manager, draftId } = await movedOn()
    const save = { action: 'auto-save', draftId, deviceId: 'laptop' } as const
    const draft = { version: 1, body: both.body.replace('first', 'by laptop') }
    expect((await manager.failed({ ...save, draft })).errorCode).toBe('CONFLICT_ERROR')
    const wins = await manager.done({ ...save, draft, recoveryOptions: { preferLocal: true } })
    expect(wins.draft?.body).toBe(draft.body)
    const [conflict] = await manager.engine.drafts.conflicts(umid(draftId))
    expect(conflict).toMatchObject({ resolution: 'superseded', local: { text: draft.body } })
  })

  test('H19 a save on an old base, or of a page that has not loaded, overwrites nothing', async () => {
    const { manager, draftId } = await movedOn()
    for (const draft of [
      { subject: '', body: '' },
      { subject: '', body: '', version: 2 },
    ]) {
      const blank = await manager.failed({ action: 'auto-save', draftId, deviceId: 'laptop', draft })
      expect(blank.errorCode).toBe('VALIDATION_ERROR')
    }
    const another = { subject: 'Of another draft', body: 'of another draft\n', version: 1 }
    const stale = await manager.failed({ action: 'auto-save', draftId, deviceId: 'laptop', draft: another })
    expect(stale.errorCode).toBe('CONFLICT_ERROR')
    expect((await manager.done({ action: 'get', draftId })).draft?.body).toBe(both.body.replace('first', 'by phone'))
    const future = await manager.failed({ action: 'auto-save', draftId, draft: { body: 'b', version: 9 } })
    expect(future).toMatchObject({ errorCode: 'VALIDATION_ERROR', errors: [{ path: 'draft.version' }] })
  })

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
})

describe('attachments', () => {
  test('H13 a save that does not name them leaves them, one that names some removes the others, and the history has all', async () => {
    const manager = await openOfflineManager()
    const draftId = await written(manager)
    const id = umid(draftId)
    for (const [index, filename] of ['a.bin', 'b.bin'].entries()) {
      await manager.engine.drafts.attach(id, { filename, content: new Uint8Array(1_000).fill(index) })
    }
    const saved = await manager.done({ action: 'auto-save', draftId, draft: { body: 'b' } })
    const [first, second] = saved.draft!.attachments
    expect(saved.draft?.attachments).toMatchObject([
      { filename: 'a.bin', size: 1_000, missing: false, uploadedAt: manager.clock.nowMs },
      { filename: 'b.bin', missing: false },
    ])
    const removed = await manager.done({ action: 'auto-save', draftId, draft: { body: 'b', attachments: [first!] } })
    expect(removed).toMatchObject({
      draft: { attachments: [{ id: first?.id }] },
      saveMetadata: { changesSummary: { attachmentsRemoved: 1, fieldsChanged: ['attachments'] } },
    })
    const taken = await manager.done({
      action: 'auto-save',
      draftId,
      draft: { body: 'b', attachments: [first!, { ...second!, filename: 'c.bin' }] },
    })
    expect(taken.draft?.attachments).toMatchObject([
      { id: first?.id },
      { id: second?.id, filename: 'c.bin', missing: false },
    ])
    const { content } = await manager.engine.drafts.readAttachment(id, second!.id as AttachmentId)
    let bytes = 0
    for await (const piece of content) bytes += piece.length
    expect(bytes).toBe(1_000)
  })

  test('H15 one that is named twice, or saved again, is there once', async () => {
    const manager = await openOfflineManager()
    const draftId = await written(manager)
    await manager.engine.drafts.attach(umid(draftId), { filename: 'a.bin', content: new Uint8Array(10) })
    const { draft } = await manager.done({ action: 'get', draftId })
    const missing = { id: randomUUID(), filename: 'b.bin', size: 5 }
    const attachments = [...draft!.attachments, ...draft!.attachments, missing, missing]
    for (const deviceId of ['laptop', 'phone', 'laptop']) {
      const saved = await manager.done({ action: 'auto-save', draftId, deviceId, draft: { body: 'b', attachments } })
      expect(saved.draft?.attachments.map(({ filename }) => filename)).toEqual(['a.bin', 'b.bin'])
    }
    expect(await manager.engine.drafts.history(umid(draftId))).toHaveLength(3)
  })

  test('one whose bytes are not stored is kept, marked missing, and the draft is not sent without it', async () => {
    const manager = await openOfflineManager()
    const { engine } = manager
    const id = randomUUID()
    const missing = {
      id,
      filename: 'scan.pdf',
      mimeType: 'application/pdf',
      size: 4,
      contentId: null,
      blobUrl: 'https://example.com/scan',
    }
    const draft = { subject: 'One', body: 'a\n', to: [{ address: 'bob@example.com' }], attachments: [missing] }
    const draftId = await written(manager, draft)
    const expected = { ...missing, missing: true, uploadedAt: null }
    expect((await manager.done({ action: 'get', draftId })).draft?.attachments).toEqual([expected])
    await manager.done({ action: 'auto-save', draftId, draft: { body: 'b\n' } })
    expect((await manager.done({ action: 'get', draftId })).draft?.attachments).toEqual([expected])
    await expect(engine.drafts.send(umid(draftId))).rejects.toMatchObject({
      code: 'UNSENDABLE',
      errors: [{ path: 'attachments[0]', message: 'is not here in whole: its bytes are missing' }],
    })
    await engine.drafts.attach(umid(draftId), {
      id: id as AttachmentId,
      filename: 'scan.pdf',
      contentType: 'application/pdf',
      content: new Uint8Array(4),
    })
    const { draft: whole } = await manager.done({ action: 'get', draftId })
    expect(whole?.attachments).toMatchObject([{ id, missing: false, size: 4 }])
    expect(await engine.drafts.send(umid(draftId), { undoMs: minuteMs })).toMatchObject({ status: 'queued' })
  })

  test('one that is missing can be given up, and then it is sent without', async () => {
    const manager = await openOfflineManager()
    const attachments = [{ id: randomUUID(), filename: 'scan.pdf', size: 4 }]
    const draftId = await written(manager, {
      subject: 'One',
      body: 'a\n',
      to: [{ address: 'bob@example.com' }],
      attachments,
    })
    const saved = await manager.done({ action: 'auto-save', draftId, draft: { body: 'a\n', attachments: [] } })
    expect(saved.saveMetadata?.changesSummary).toMatchObject({ attachmentsRemoved: 1, fieldsChanged: ['attachments'] })
    expect(await manager.engine.drafts.send(umid(draftId), { undoMs: minuteMs })).toMatchObject({ status: 'queued' })
  })
})

describe('get, list and delete', () => {
  test('get with the syncToken that a draft has comes without the draft, until it has changed', async () => {
    const manager = await openOfflineManager()
    const draftId = await written(manager)
    const { draft } = await manager.done({ action: 'get', draftId })
    const same = await manager.done({ action: 'get', draftId, syncToken: draft!.syncToken })
    expect(same).toMatchObject({ changed: false, stats: { itemsAffected: 0 } })
    expect(same).not.toHaveProperty('draft')
    await manager.done({ action: 'auto-save', draftId, draft: { body: 'b' } })
    const changed = await manager.done({ action: 'get', draftId, syncToken: draft!.syncToken })
    expect(changed).toMatchObject({ changed: true, draft: { body: 'b' } })
  })

  test('list shows live drafts without their bodies, newest change first, page by page', async () => {
    const manager = await openOfflineManager()
    const ids: string[] = []
    for (let index = 0; index < 5; index += 1) {
      manager.clock.nowMs += 1_000
      ids.unshift(await written(manager, { subject: `${index}`, body: 'a', bodyHtml: '<p>a</p>' }))
    }
    await manager.done({ action: 'delete', draftId: ids.pop()! })
    const { drafts, total } = await manager.done({ action: 'list' })
    expect(drafts?.map(({ draftId }) => draftId)).toEqual(ids)
    expect(drafts?.every(({ body, bodyHtml }) => body === '' && bodyHtml === null)).toBe(true)
    expect(total).toBe(4)
    const page = await manager.done({ action: 'list', limit: 2, offset: 1 })
    expect(page.drafts?.map(({ draftId }) => draftId)).toEqual(ids.slice(1, 3))
    expect(page.stats.itemsAffected).toBe(2)
  })

  test('delete puts a draft into the trash, frees its bytes, and is for the tenant and the user alone', async () => {
    const manager = await openOfflineManager()
    const draftId = await written(manager)
    const { owner } = manager.account
    for (const other of [await manager.addAccount('acme', 'eve'), await manager.addAccount('globex', 'ann')]) {
      const refused = await manager.failed({ action: 'delete', draftId }, { owner: other.owner })
      expect(refused).toMatchObject({ error: 'Unauthorized', errorCode: 'UNAUTHORIZED' })
      const within = await manager.failed({ action: 'delete', draftId, accountId: other.id }, { owner: other.owner })
      expect(within.error).toBe('Unauthorized')
    }
    const deleted = await manager.done({ action: 'delete', draftId }, { owner })
    expect(deleted).toMatchObject({ draft: { draftId, status: 'discarded' }, stats: { itemsAffected: 1 } })
    expect(deleted.stats.storageUsed).toBeLessThan(0)
    for (const action of ['get', 'delete', 'auto-save'] as const) {
      const refused = await manager.failed({ action, draftId, draft: { body: 'b' } })
      expect(refused.errorCode, action).toBe('DRAFT_MANAGER_ERROR')
    }
    expect((await manager.engine.drafts.undiscard(umid(draftId))).text).toBe('a\n')
  })

  test('delete at another version than the client saw deletes nothing', async () => {
    const manager = await openOfflineManager()
    const draftId = await written(manager)
    await manager.done({ action: 'auto-save', draftId, draft: { body: 'b' } })
    const refused = await manager.failed({ action: 'delete', draftId, draft: { version: 1 } })
    expect(refused.errorCode).toBe('CONFLICT_ERROR')
    expect((await manager.done({ action: 'get', draftId })).draft?.status).toBe('draft')
    await manager.done({ action: 'delete', draftId, draft: { version: 2 } })
  })

  test('what has left the trash for good is not there, and its id is not used again', async () => {
    const manager = await openOfflineManager()
    const draftId = await written(manager)
    await manager.done({ action: 'delete', draftId })
    manager.clock.nowMs += 31 * 24 * 60 * minuteMs
    expect((await manager.engine.housekeep()).draftsEmptied).toBe(1)
    for (const action of ['get', 'delete', 'recover'] as const) {
      expect((await manager.failed({ action, draftId })).error, action).toBe('Unauthorized')
    }
    const again = await manager.failed({ action: 'auto-save', draftId, draft: { body: 'b' } })
    expect(again.errorCode).toBe('DRAFT_MANAGER_ERROR')
    expect((await manager.done({ action: 'list' })).total).toBe(0)
  })

  test('a draft that is in the outbox is shown, and neither saved nor deleted', async () => {
    const manager = await openOfflineManager()
    const draftId = await written(manager, { subject: 'One', body: 'a\n', to: [{ address: 'bob@example.com' }] })
    await manager.engine.drafts.send(umid(draftId), { undoMs: minuteMs })
    expect((await manager.done({ action: 'get', draftId })).draft?.status).toBe('queued')
    for (const action of ['auto-save', 'delete'] as const) {
      const refused = await manager.failed({ action, draftId, draft: { body: 'b' } })
      expect(refused).toMatchObject({ errorCode: 'DRAFT_MANAGER_ERROR', error: expect.stringContaining('queued') })
    }
  })
})
