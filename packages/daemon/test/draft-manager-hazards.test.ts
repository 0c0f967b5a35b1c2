import { randomUUID } from 'node:crypto'

import { describe, expect, test } from 'vitest'

import { type Answer, type Running, start } from './harness.ts'

interface Composer {
  readonly running: Running
  readonly draftId: string
  readonly path: string
  readonly ask: (asked: object) => Promise<Answer>
  /** As a browser attaches a file: under an id of its own. */
  readonly attach: (id: string, filename: string) => Promise<Answer>
  readonly versions: () => Promise<number>
}

async function compose(): Promise<Composer> {
  const running = await start()
  const { id } = await running.addAccount()
  const draftId = randomUUID()
  const path = `/accounts/${id}/drafts/${draftId}`
  const ask: Composer['ask'] = (json) => running.call('POST', `/accounts/${id}/draft-manager`, { json })
  await ask({ action: 'auto-save', draftId, deviceId: 'laptop', draft: { subject: 'One', body: 'Dear Bob,\n' } })
  return {
    running,
    draftId,
    path,
    ask,
    attach: (key, filename) =>
      running.call('POST', `${path}/attachments`, {
        body: filename.repeat(1_000),
        headers: {
          'content-type': 'application/octet-stream',
          'content-disposition': `attachment; filename="${filename}"`,
          'idempotency-key': key,
        },
      }),
    versions: async () => (await running.call('GET', `${path}/history`)).body.items.length,
  }
}

describe('over HTTP, the draft manager', () => {
  test('H13 loses no file, whatever is saved, merged, deleted, recovered or taken elsewhere', async () => {
    const { running, draftId, ask, attach } = await compose()
    for (const filename of ['a.bin', 'b.bin']) await attach(randomUUID(), filename)
    const save = { action: 'auto-save', draftId } as const
    await ask({ ...save, deviceId: 'laptop', draft: { body: 'Dear Bob,\nby laptop\n', version: 3 } })
    await ask({ ...save, deviceId: 'phone', draft: { subject: 'By phone', version: 3 } })
    await ask({ action: 'delete', draftId })
    const { body: recovered } = await ask({ action: 'recover', draftId, recoveryReason: 'manual-recovery' })
    expect(recovered.output.recovery.autoRecovered).toBe(true)
    const { body } = await ask({ action: 'export', draftIds: [draftId], includeAttachments: true })
    const { id: elsewhere } = await running.addAccount({ address: 'ann@example.net' })
    const taken = await running.call('POST', `/accounts/${elsewhere}/draft-manager`, {
      json: { action: 'import', bundleData: body.output.bundle },
    })
    expect(taken.body.output.imported).toMatchObject([{ outcome: 'created' }])
    const there = taken.body.output.drafts[0]
    for (const { attachments } of [(await ask({ action: 'get', draftId })).body.output.draft, there]) {
      const files = [...attachments].toSorted((one, other) => one.filename.localeCompare(other.filename))
      expect(files.map(({ filename, missing }) => [filename, missing])).toEqual([
        ['a.bin', false],
        ['b.bin', false],
      ])
      for (const { blobUrl, filename } of files) {
        const { bytes } = await running.call('GET', blobUrl)
        expect(new TextDecoder().decode(bytes)).toBe(filename.repeat(1_000))
      }
    }
  })

  test('H15 doubles no file, however often it is attached, saved and taken in', async () => {
    const { draftId, ask, attach, versions } = await compose()
    const key = randomUUID()
    for (let time = 0; time < 3; time += 1) await attach(key, 'a.bin')
    const { body } = await ask({ action: 'get', draftId })
    const { attachments } = body.output.draft
    const twice = { subject: 'Two', attachments: [...attachments, ...attachments] }
    for (let time = 0; time < 2; time += 1) await ask({ action: 'auto-save', draftId, draft: twice })
    const { body: exported } = await ask({ action: 'export', draftIds: [draftId], includeAttachments: true })
    const again = await ask({ action: 'import', bundleData: exported.output.bundle })
    expect(again.body.output.imported).toMatchObject([{ outcome: 'unchanged' }])
    const { body: last } = await ask({ action: 'get', draftId })
    expect(last.output.draft.attachments).toEqual(attachments)
    expect(await versions()).toBe(3)
  })

  test('H17 saves nothing by looking: get, list, recover, export, a save that says the same and one that comes again', async () => {
    const { draftId, ask, versions } = await compose()
    const { body } = await ask({ action: 'get', draftId })
    const { draft } = body.output
    const saveId = randomUUID()
    const same = { action: 'auto-save', draftId, deviceId: 'phone', saveId, draft: { ...draft, attachments: [] } }
    const looks = [{ action: 'list' }, { action: 'recover', draftId }, { action: 'export', draftId }, same, same]
    for (const asked of looks) expect((await ask(asked)).status).toBe(200)
    const { body: after } = await ask({ action: 'get', draftId, syncToken: draft.syncToken })
    expect(after.output.changed).toBe(false)
    expect(await versions()).toBe(1)
  })

  test('H19 lets no blank page, no stale one and no other draft overwrite a text', async () => {
    const { draftId, ask } = await compose()
    const save = { action: 'auto-save', draftId } as const
    await ask({ ...save, deviceId: 'phone', draft: { body: 'Dear Carl,\n', version: 1 } })
    const blank = { subject: '', body: '' }
    expect(await ask({ ...save, deviceId: 'a page', draft: blank })).toMatchObject({
      status: 400,
      body: { errorCode: 'VALIDATION_ERROR' },
    })
    const stale = [
      { ...blank, version: 1 },
      { body: 'Of another draft\n', version: 1 },
    ]
    for (const draft of stale) {
      expect(await ask({ ...save, deviceId: 'laptop', draft })).toMatchObject({
        status: 409,
        body: { errorCode: 'CONFLICT_ERROR', output: { draft: { body: 'Dear Carl,\n', version: 2 } } },
      })
    }
  })
})
