import { randomUUID } from 'node:crypto'

import type { DraftManagerOutput, DraftStateInput } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { type OfflineManager, openOfflineManager, umid } from './draft-manager-engine.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

interface Begun {
  readonly manager: OfflineManager
  readonly draftId: string
  /** A tab that has written on top of version 1, and never sent it. */
  readonly crash: (draft?: DraftStateInput, deviceId?: string) => Promise<string>
  readonly recover: (fields?: Partial<Parameters<OfflineManager['done']>[0]>) => Promise<DraftManagerOutput>
  readonly texts: () => Promise<readonly string[]>
}

async function begun(draft: DraftStateInput = { subject: 'One', body: 'first words\n' }): Promise<Begun> {
  const manager = await openOfflineManager()
  const draftId = randomUUID()
  await manager.done({ action: 'auto-save', draftId, deviceId: 'tab', draft })
  manager.clock.nowMs += minuteMs
  return {
    manager,
    draftId,
    async crash(state, deviceId = 'tab') {
      const saveId = randomUUID()
      await manager.done({
        action: 'auto-save',
        draftId,
        deviceId,
        saveId,
        beginSave: true,
        ...(state === undefined ? {} : { draft: state }),
      })
      return saveId
    },
    recover: (fields = {}) => manager.done({ action: 'recover', draftId, deviceId: 'tab', ...fields }),
    async texts() {
      const id = umid(draftId)
      const history = await manager.engine.drafts.history(id)
      const texts: string[] = []
      for (const { version } of history) texts.push((await manager.engine.drafts.changesSince(id, version)).before.text)
      return texts
    },
  }
}

describe('a save that begins', () => {
  test('saves nothing, makes no draft, and is ended by its save', async () => {
    const { manager, draftId, crash, recover } = await begun()
    const saveId = await crash({ version: 1 })
    expect(await manager.engine.drafts.history(umid(draftId))).toHaveLength(1)
    expect((await recover({ recoveryOptions: { candidateId: `stored:${draftId}` } })).recovery?.recoveryReason).toBe(
      'browser-crash',
    )
    const another = await crash({ version: 1 })
    expect(another).not.toBe(saveId)
    await manager.done({
      action: 'auto-save',
      draftId,
      deviceId: 'tab',
      saveId: another,
      draft: { body: 'b', version: 1 },
    })
    expect((await recover()).recovery?.recoveryReason).toBe('manual-recovery')
    const fresh = randomUUID()
    const began = await manager.done({
      action: 'auto-save',
      draftId: fresh,
      saveId: randomUUID(),
      beginSave: true,
    })
    expect(began).toMatchObject({ saveMetadata: { savedAt: null, draftId: fresh }, stats: { itemsAffected: 0 } })
    expect((await manager.failed({ action: 'get', draftId: fresh })).error).toBe('Unauthorized')
  })

  test('that is told after its save changes nothing, and a later save of the device ends all that it began', async () => {
    const { manager, draftId, crash, recover } = await begun()
    const saveId = randomUUID()
    await manager.done({ action: 'auto-save', draftId, deviceId: 'tab', saveId, draft: { body: 'b\n', version: 1 } })
    await manager.done({ action: 'auto-save', draftId, deviceId: 'tab', saveId, beginSave: true })
    expect((await recover()).recovery?.recoveryReason).toBe('manual-recovery')
    await crash({ version: 2 })
    await crash({ version: 2 }, 'another tab')
    await manager.done({ action: 'auto-save', draftId, deviceId: 'tab', draft: { body: 'c\n', version: 2 } })
    await manager.done({ action: 'auto-save', draftId, deviceId: 'another tab', draft: { body: 'd\n', version: 3 } })
    expect((await recover()).recovery?.recoveryReason).toBe('manual-recovery')
  })

  test('needs a saveId and a draftId, and what it carries is checked as a save is', async () => {
    const { manager, draftId } = await begun()
    const saveId = randomUUID()
    for (const [fields, path] of [
      [{ draftId }, 'saveId'],
      [{ saveId }, 'draftId'],
      [{ draftId, saveId, draft: { subject: 'a\r\nBcc: b@example.com' } }, 'draft.subject'],
    ] as const) {
      const answer = await manager.failed({ action: 'auto-save', beginSave: true, ...fields })
      expect(answer).toMatchObject({ errorCode: 'VALIDATION_ERROR', errors: [{ path }] })
    }
  })
})

describe('recover', () => {
  test('reconnection: what was written on top of what is stored is stored, and nobody is asked', async () => {
    const { manager, recover, texts } = await begun()
    const draft = { body: 'first words, and more\n', version: 1, lastModifiedAt: manager.clock.nowMs }
    const recovered = await recover({ draft })
    expect(recovered).toMatchObject({
      conflictDetected: false,
      draft: { version: 2, body: draft.body, subject: 'One' },
      recovery: {
        recoveryReason: 'reconnection',
        autoRecovered: true,
        userConfirmationRequired: false,
        recoveredAt: manager.clock.nowMs,
        lastKnownState: { version: 2, body: draft.body },
      },
      stats: { itemsAffected: 1 },
    })
    expect(await texts()).toEqual([draft.body, 'first words\n'])
    const again = await recover({ draft })
    expect(again).toMatchObject({
      draft: { version: 2 },
      recovery: { userConfirmationRequired: false },
      stats: { itemsAffected: 0 },
    })
  })

  test('browser-crash: a save that was begun with its text is stored as far as it was told', async () => {
    const { crash, recover, draftId } = await begun()
    const saveId = await crash({ body: 'first words, and half a', version: 1 })
    const recovered = await recover()
    expect(recovered).toMatchObject({
      draft: { version: 2, body: 'first words, and half a' },
      recovery: { recoveryReason: 'browser-crash', autoRecovered: true, draftId },
    })
    expect(recovered.recovery?.candidates.map(({ candidateId }) => candidateId)).toContain(`unfinished-save:${saveId}`)
    expect((await recover()).recovery?.recoveryReason).toBe('manual-recovery')
  })

  test('browser-crash: of a save that was begun without its text the client’s shadow has it', async () => {
    const { crash, recover } = await begun()
    await crash({ version: 1 })
    const recovered = await recover({ draft: { body: 'from the shadow\n', version: 1 } })
    expect(recovered).toMatchObject({
      draft: { body: 'from the shadow\n' },
      recovery: { recoveryReason: 'browser-crash', autoRecovered: true },
    })
  })

  test('browser-crash: a draft that was never stored is begun', async () => {
    const manager = await openOfflineManager()
    const draftId = randomUUID()
    const saveId = randomUUID()
    const draft = { subject: 'New', body: 'never sent\n' }
    await manager.done({ action: 'auto-save', draftId, saveId, beginSave: true, draft })
    const recovered = await manager.done({ action: 'recover', draftId })
    expect(recovered).toMatchObject({ draft: { draftId, version: 1, ...draft }, recovery: { autoRecovered: true } })
  })

  test('manual-recovery: takes a draft out of the trash', async () => {
    const { manager, draftId, recover } = await begun()
    await manager.done({ action: 'delete', draftId })
    const recovered = await recover()
    expect(recovered).toMatchObject({
      draft: { status: 'draft', body: 'first words\n' },
      recovery: { recoveryReason: 'manual-recovery', autoRecovered: true },
    })
    expect((await manager.done({ action: 'list' })).total).toBe(1)
  })

  test('asks where the recovered text and the stored one went different ways, and changes nothing', async () => {
    const { manager, draftId, recover, texts } = await begun()
    await manager.done({ action: 'auto-save', draftId, deviceId: 'phone', draft: { body: 'by phone\n', version: 1 } })
    manager.clock.nowMs += minuteMs
    const draft = { body: 'by this tab, and longer\n', version: 1, lastModifiedAt: manager.clock.nowMs }
    const asked = await recover({ draft })
    expect(asked).toMatchObject({
      conflictDetected: true,
      draft: { version: 2, body: 'by phone\n' },
      recovery: {
        autoRecovered: false,
        userConfirmationRequired: true,
        lastKnownState: { body: draft.body, version: 1 },
        candidates: [
          { source: 'local', rank: 1, reason: ['newest', 'longest', 'most-edited'], differs: true },
          { source: 'stored', rank: 2, reason: ['most-edited'], differs: false },
        ],
      },
      stats: { itemsAffected: 0 },
    })
    expect(await texts()).toEqual(['by phone\n', 'first words\n'])
  })

  test('preferLocal true takes what the client has, and what was stored is in the history', async () => {
    const { manager, draftId, recover, texts } = await begun()
    await manager.done({ action: 'auto-save', draftId, deviceId: 'phone', draft: { body: 'by phone\n', version: 1 } })
    const draft = { body: 'by this tab\n', version: 1 }
    const taken = await recover({ draft, recoveryOptions: { preferLocal: true } })
    expect(taken).toMatchObject({
      conflictDetected: false,
      draft: { body: 'by this tab\n', version: 3 },
      recovery: { autoRecovered: false, userConfirmationRequired: false },
    })
    expect(await texts()).toEqual(['by this tab\n', 'by phone\n', 'first words\n'])
  })

  test('preferLocal false leaves what is stored, and what the client had is in the history', async () => {
    const { manager, draftId, crash, recover, texts } = await begun()
    await manager.done({ action: 'auto-save', draftId, deviceId: 'phone', draft: { body: 'by phone\n', version: 1 } })
    await crash({ version: 1 })
    const draft = { body: 'by this tab\n', version: 1 }
    const left = await recover({ draft, recoveryOptions: { preferLocal: false } })
    expect(left).toMatchObject({ draft: { body: 'by phone\n' }, recovery: { userConfirmationRequired: false } })
    expect(await texts()).toEqual(['by phone\n', 'by this tab\n', 'by phone\n', 'first words\n'])
    expect((await recover()).recovery?.recoveryReason).toBe('manual-recovery')
  })

  test('a conflict that waits is a candidate, and is decided by preferLocal', async () => {
    for (const [preferLocal, wins] of [
      [true, 'by this tab\n'],
      [false, 'by phone\n'],
    ] as const) {
      const { manager, draftId, recover } = await begun()
      await manager.done({ action: 'auto-save', draftId, deviceId: 'phone', draft: { body: 'by phone\n', version: 1 } })
      const clash = {
        action: 'auto-save',
        draftId,
        deviceId: 'tab',
        draft: { body: 'by this tab\n', version: 1 },
      } as const
      expect((await manager.failed(clash)).errorCode).toBe('CONFLICT_ERROR')
      expect((await recover()).recovery).toMatchObject({ userConfirmationRequired: true })
      const decided = await recover({ recoveryOptions: { preferLocal } })
      expect(decided).toMatchObject({ draft: { body: wins }, recovery: { userConfirmationRequired: false } })
      const [conflict] = await manager.engine.drafts.conflicts(umid(draftId))
      expect(conflict?.resolvedAt).not.toBeNull()
      expect(conflict).toMatchObject({ local: { text: 'by this tab\n' }, remote: { text: 'by phone\n' } })
      expect((await recover()).recovery?.userConfirmationRequired).toBe(false)
    }
  })

  test('what a client still has takes the place of the conflict that it had: one decision is enough', async () => {
    for (const preferLocal of [true, false]) {
      const { manager, draftId, recover } = await begun()
      await manager.done({ action: 'auto-save', draftId, deviceId: 'phone', draft: { body: 'by phone\n', version: 1 } })
      const draft = { body: 'by this tab\n', version: 1 }
      const clash = { action: 'auto-save', draftId, deviceId: 'tab', draft } as const
      const first = await manager.failed(clash)
      const again = await manager.failed(clash)
      expect(again.output?.conflict?.conflictId).toBe(first.output?.conflict?.conflictId)
      const longer = { ...clash, draft: { ...draft, body: 'by this tab, and longer\n' } }
      expect((await manager.failed(longer)).errorCode).toBe('CONFLICT_ERROR')
      const open = async (): Promise<number> =>
        (await manager.engine.drafts.conflicts(umid(draftId))).filter(({ resolvedAt }) => resolvedAt === null).length
      expect(await open()).toBe(1)
      manager.clock.nowMs += minuteMs
      const decided = await recover({ draft: longer.draft, recoveryOptions: { preferLocal } })
      expect(decided.draft?.body).toBe(preferLocal ? 'by this tab, and longer\n' : 'by phone\n')
      expect(await open()).toBe(0)
      expect((await recover()).recovery?.userConfirmationRequired).toBe(false)
    }
  })

  test('a decision settles what other tabs had begun, too, and loses none of their words', async () => {
    const { crash, recover, texts } = await begun()
    await crash({ body: 'by another tab\n', version: 1 }, 'another tab')
    const draft = { body: 'by this tab\n', version: 1 }
    expect((await recover({ draft })).recovery?.userConfirmationRequired).toBe(true)
    const decided = await recover({ draft, recoveryOptions: { preferLocal: true } })
    expect(decided.draft?.body).toBe('by this tab\n')
    expect(await texts()).toContain('by another tab\n')
    expect((await recover()).recovery?.recoveryReason).toBe('manual-recovery')
  })

  test('a client without a name ends nothing that another one has begun', async () => {
    const { manager, draftId, crash, recover } = await begun()
    await crash({ body: 'of somebody without a name\n', version: 1 }, 'unknown')
    await manager.done({ action: 'auto-save', draftId, draft: { body: 'of another one\n', version: 1 } })
    const { recovery } = await recover()
    expect(recovery).toMatchObject({ recoveryReason: 'browser-crash', userConfirmationRequired: true })
  })

  test('H19 what a slip has emptied is found in the history, and taken by its candidateId', async () => {
    const long = 'a long letter, with much in it\n'.repeat(20)
    const { manager, draftId, recover } = await begun({ subject: 'One', body: long })
    for (const body of ['', 'x']) {
      await manager.done({ action: 'auto-save', draftId, deviceId: 'tab', draft: { body } })
    }
    expect((await recover()).recovery).toMatchObject({ autoRecovered: true, candidates: [{ source: 'stored' }] })
    const { recovery } = await recover({ recoveryReason: 'manual-recovery' })
    const longest = recovery?.candidates.find(({ reason }) => reason.includes('longest'))
    expect(longest).toMatchObject({ source: 'revision', candidateId: `revision:${draftId}:1` })
    const taken = await recover({
      recoveryReason: 'manual-recovery',
      recoveryOptions: { candidateId: longest!.candidateId },
    })
    expect(taken).toMatchObject({ draft: { body: long, version: 4 }, recovery: { userConfirmationRequired: false } })
    const wrong = await manager.failed({ action: 'recover', draftId, recoveryOptions: { candidateId: 'revision:9' } })
    expect(wrong).toMatchObject({ errorCode: 'VALIDATION_ERROR', errors: [{ path: 'recoveryOptions.candidateId' }] })
  })

  test('without a draftId it looks at the drafts in which the device has begun to save, else at those that changed last', async () => {
    const { manager, draftId, crash } = await begun()
    const other = randomUUID()
    manager.clock.nowMs += minuteMs
    await manager.done({ action: 'auto-save', draftId: other, deviceId: 'phone', draft: { body: 'another draft\n' } })
    const nothingBegun = await manager.done({ action: 'recover' })
    expect(nothingBegun.recovery).toMatchObject({
      draftId: other,
      autoRecovered: true,
      recoveryReason: 'manual-recovery',
    })
    expect(nothingBegun.recovery?.candidates).toHaveLength(2)
    await crash({ body: 'first words, and more\n', version: 1 })
    const recovered = await manager.done({ action: 'recover', deviceId: 'tab' })
    expect(recovered).toMatchObject({
      draft: { draftId, body: 'first words, and more\n' },
      recovery: { draftId, recoveryReason: 'browser-crash', autoRecovered: true },
    })
    // In two drafts at once: somebody is to choose.
    await crash({ body: 'one\n', version: 2 })
    const second = {
      action: 'auto-save',
      draftId: other,
      deviceId: 'tab',
      beginSave: true,
      saveId: randomUUID(),
    } as const
    await manager.done({ ...second, draft: { body: 'two\n', version: 1 } })
    const both = await manager.done({ action: 'recover', deviceId: 'tab' })
    expect(both.recovery).toMatchObject({ userConfirmationRequired: true, autoRecovered: false })
    expect(new Set(both.recovery?.candidates.map((one) => one.draftId))).toEqual(new Set([draftId, other]))
  })

  test('what is older than maxRecoveryAge is not recovered', async () => {
    const { manager, draftId, crash, recover } = await begun()
    await crash({ body: 'long ago\n', version: 1 })
    manager.clock.nowMs += 8 * dayMs
    const answer = await manager.failed({ action: 'recover', draftId, deviceId: 'tab' })
    expect(answer).toMatchObject({ errorCode: 'RECOVERY_ERROR', error: 'what is there is older than maxRecoveryAge' })
    const recovered = await recover({ recoveryOptions: { maxRecoveryAge: 9 * dayMs } })
    expect(recovered.draft?.body).toBe('long ago\n')
    const empty = await manager.addAccount('acme', 'bob')
    expect(await manager.failed({ action: 'recover', accountId: empty.id })).toMatchObject({
      errorCode: 'RECOVERY_ERROR',
      error: 'nothing is there to recover',
    })
  })

  test('a client whose own text is too old is told so, and what was begun long ago stays for who wants it', async () => {
    const { manager, draftId, crash, recover } = await begun()
    await crash({ body: 'long ago\n', version: 1 })
    const lastModifiedAt = manager.clock.nowMs
    manager.clock.nowMs += 8 * dayMs
    await manager.done({ action: 'auto-save', draftId, deviceId: 'phone', draft: { body: 'by phone\n', version: 1 } })
    const asked = { action: 'recover', draftId, deviceId: 'tab' } as const
    const draft = { body: 'long ago, too\n', version: 1, lastModifiedAt }
    expect((await manager.failed({ ...asked, draft })).errorCode).toBe('RECOVERY_ERROR')
    expect((await recover()).recovery).toMatchObject({ autoRecovered: true, candidates: [{ source: 'stored' }] })
    const { recovery } = await recover({ recoveryOptions: { maxRecoveryAge: 9 * dayMs } })
    expect(recovery).toMatchObject({ userConfirmationRequired: true, candidates: [{}, { source: 'unfinished-save' }] })
  })

  test('what was begun on a draft that is in the outbox stays until it can be kept', async () => {
    const { manager, draftId, crash, recover } = await begun({
      subject: 'One',
      body: 'a\n',
      to: [{ address: 'b@example.com' }],
    })
    await crash({ body: 'more words\n', version: 1 })
    const send = await manager.engine.drafts.send(umid(draftId), { undoMs: minuteMs })
    expect((await recover()).recovery?.userConfirmationRequired).toBe(true)
    const asked = { action: 'recover', draftId, deviceId: 'tab' } as const
    const refused = await manager.failed({ ...asked, recoveryOptions: { preferLocal: true } })
    expect(refused.errorCode).toBe('DRAFT_MANAGER_ERROR')
    await recover({ recoveryOptions: { preferLocal: false } })
    await manager.engine.sends.cancel(send.id)
    expect((await recover()).draft?.body).toBe('more words\n')
  })

  test('over maxDraftSize it is VALIDATION_ERROR', async () => {
    const { manager, draftId } = await begun()
    const draft = { body: 'a'.repeat(1_048_576), version: 1 }
    const answer = await manager.failed({ action: 'recover', draftId, draft, maxDraftSize: 1_048_576 })
    expect(answer).toMatchObject({ errorCode: 'VALIDATION_ERROR', errors: [{ path: 'draft' }] })
  })

  test('H13 the attachments stay, and preserveAttachments false takes none of what is recovered', async () => {
    const { manager, draftId, recover } = await begun()
    await manager.engine.drafts.attach(umid(draftId), { filename: 'a.bin', content: new Uint8Array(10) })
    const { draft: stored } = await manager.done({ action: 'get', draftId })
    const named = { id: randomUUID(), filename: 'b.bin', size: 5 }
    const draft = { body: 'more\n', version: 2, attachments: [...stored!.attachments, named] }
    const without = await recover({ draft, recoveryOptions: { preserveAttachments: false } })
    expect(without.draft).toMatchObject({ body: 'more\n', attachments: [{ filename: 'a.bin', missing: false }] })
    const withThem = await recover({ draft: { ...draft, body: 'and more\n', version: 3 } })
    expect(withThem.draft).toMatchObject({
      body: 'and more\n',
      attachments: [
        { filename: 'a.bin', missing: false },
        { filename: 'b.bin', missing: true },
      ],
    })
    expect((await recover()).draft?.attachments).toHaveLength(2)
  })

  test('a draft that was deleted elsewhere, and is written on here, is asked about', async () => {
    const { manager, draftId, recover } = await begun()
    await manager.done({ action: 'delete', draftId })
    const draft = { body: 'first words, and more\n', version: 1 }
    const asked = await recover({ draft })
    expect(asked).toMatchObject({ draft: { status: 'discarded' }, recovery: { userConfirmationRequired: true } })
    const taken = await recover({ draft, recoveryOptions: { preferLocal: true } })
    expect(taken.draft).toMatchObject({ status: 'draft', body: 'first words, and more\n' })
  })

  test('a client that speaks of a version that is not here, as after a backup was put back, is asked', async () => {
    const { recover } = await begun()
    const asked = await recover({ draft: { body: 'of version 7\n', version: 7 } })
    expect(asked).toMatchObject({ draft: { version: 1 }, recovery: { userConfirmationRequired: true } })
  })
})
