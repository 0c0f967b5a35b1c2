import { describe, expect, test } from 'vitest'

import { incompressible, settle } from '../live/harness.ts'
import { openEmbedded } from './embedded-device.ts'

describe('H02 later edits reach the server', () => {
  test('an edit during APPEND leaves the draft stale-server, and then goes up too', async () => {
    await using embedded = await openEmbedded()
    const { device, mailServer } = embedded
    const draft = await device.create({ text: 'before\n' })
    mailServer.faults.add({ on: { verb: 'APPEND' }, do: { kind: 'delay-reply', delayMs: 300 } })
    const started = new Promise<void>((resolve) => {
      device.engine.subscribe({}, (event) => {
        if (event.type === 'upload-started') resolve()
      })
    })
    const uploading = embedded.upload()
    await started
    const edited = await device.engine.drafts.save(draft.id, { text: 'while it was on its way\n' })
    await uploading
    const stale = await device.get(draft.id)
    expect(stale.sync).toMatchObject({ state: 'stale-server', uploadedVersion: 1 })
    expect(edited.version).toBe(2)
    expect(stale.text).toBe('while it was on its way\n')
    await embedded.upload()
    expect(embedded.texts()).toHaveLength(1)
    expect(embedded.texts()[0]).toContain('while it was on its way')
    expect((await device.get(draft.id)).sync).toMatchObject({ state: 'synchronized', uploadedVersion: 2 })
  })
})

describe('H03 superseded copies are durable debts', () => {
  for (const verb of ['STORE', 'EXPUNGE', 'FETCH', 'SELECT']) {
    test(`a connection cut at ${verb} leaves a debt that the next start pays`, async () => {
      await using embedded = await openEmbedded({ without: ['REPLACE'] })
      const { device, mailServer } = embedded
      const draft = await device.create({ text: 'one\n' })
      await embedded.upload()
      await device.engine.drafts.save(draft.id, { text: 'two\n' })
      const fault = mailServer.faults.add({ on: { verb, times: 'always' }, do: { kind: 'cut', by: 'rst' } })
      await embedded.upload()
      expect(fault.fired).toBe(true)
      fault.remove()
      await device.restart()
      await embedded.upload()
      expect(embedded.texts()).toHaveLength(1)
      expect(embedded.texts()[0]).toContain('two')
    })
  }
})

describe('H04 an upload whose reply is lost is looked for before it is repeated', () => {
  for (const { by, method, without, restarts } of [
    { by: 'fin', method: 'APPEND', without: ['REPLACE'], restarts: false },
    { by: 'rst', method: 'APPEND', without: ['REPLACE'], restarts: true },
    { by: 'rst', method: 'REPLACE', without: ['CATENATE'], restarts: false },
    { by: 'fin', method: 'REPLACE', without: ['CATENATE'], restarts: true },
  ] as const) {
    const when = restarts ? 'and the process ends' : 'the process goes on'
    test(`${method} cut by ${by}, ${when}: the copy is bound, its megabyte does not travel again`, async () => {
      await using embedded = await openEmbedded({ without })
      const { device, mailServer } = embedded
      const draft = await device.create({ text: 'one\n' })
      await embedded.upload()
      await device.attach(draft.id, incompressible(1_000_000))
      const fault = mailServer.faults.add({ on: { verb: method }, do: { kind: 'drop-reply', andThen: 'cut', by } })
      await embedded.upload()
      expect(fault.fired).toBe(true)
      expect((await device.get(draft.id)).sync.state).toBe('stale-server')
      if (restarts) await device.restart()
      const mark = device.proxy.mark()
      await embedded.upload()
      expect(device.proxy.since(mark).toServer).toBeLessThan(5_000)
      expect(embedded.texts()).toHaveLength(1)
      expect((await device.get(draft.id)).sync).toMatchObject({ state: 'synchronized', uploadedVersion: 2 })
    })
  }

  test('a server that never says OK to an APPEND gets no endless copies', async () => {
    await using embedded = await openEmbedded({ without: ['REPLACE'] })
    const { device, mailServer } = embedded
    const draft = await device.create({ text: 'one\n' })
    mailServer.faults.add({ on: { verb: 'APPEND', times: 'always' }, do: { kind: 'drop-reply', andThen: 'cut' } })
    for (let round = 0; round < 6; round += 1) await embedded.upload()
    expect(mailServer.mailbox('ann', 'Drafts')).toHaveLength(1)
    expect((await device.get(draft.id)).sync.state).toBe('synchronized')
  })

  test('what another program made of the stored copy meanwhile is not taken for it', async () => {
    await using embedded = await openEmbedded({ without: ['REPLACE'] })
    const { device, mailServer } = embedded
    const draft = await device.create({ text: 'ours\n' })
    mailServer.faults.add({ on: { verb: 'APPEND' }, do: { kind: 'drop-reply', andThen: 'cut' } })
    await embedded.upload()
    await device.foreign(async (raw) => {
      const [copy] = await raw.listMessages('Drafts')
      await raw.append('Drafts', copy!.bytes.toString('utf8').replace('ours', 'edited elsewhere'), ['\\Draft'])
      await raw.markDeleted('Drafts', [copy!.uid])
      await raw.expunge('Drafts')
    })
    await embedded.upload()
    await settle(device)
    await device.engine.drafts.discard(draft.id)
    await settle(device)
    expect(embedded.texts().map((text) => text.includes('edited elsewhere'))).toEqual([true])
  })
})

describe('a REPLACE whose target another program has just taken', () => {
  test('is no refusal of the draft: it goes up by APPEND, once, and is not parked', async () => {
    await using embedded = await openEmbedded({ without: ['CATENATE'] })
    const { device, mailServer } = embedded
    const draft = await device.create({ text: 'one\n' })
    await embedded.upload()
    await device.engine.drafts.save(draft.id, { text: 'two\n' })
    // Its identity is read, and then it is gone. Servers differ in whether they say NO then.
    mailServer.faults.add({ on: { verb: 'REPLACE' }, do: { kind: 'answer', status: 'NO', text: 'No such message' } })
    const look = mailServer.faults.add({ on: { verb: 'FETCH' }, do: { kind: 'delay-reply', delayMs: 300 } })
    const uploading = embedded.upload()
    await expect.poll(() => look.fired, { interval: 5 }).toBe(true)
    const drafts = mailServer.store.find('ann', 'Drafts')!
    mailServer.store.expunge(
      drafts,
      drafts.messages().map(({ uid }) => uid),
    )
    await uploading
    expect((await device.get(draft.id)).sync).toMatchObject({
      state: 'synchronized',
      uploadedVersion: 2,
      lastError: null,
    })
    expect(embedded.texts().map((text) => text.includes('two'))).toEqual([true])
    expect(device.events.filter((event) => event.type === 'task-parked')).toEqual([])
  })
})

describe('a refused upload', () => {
  test('parks the draft with the server\u2019s words, and the others go on', async () => {
    await using embedded = await openEmbedded({ without: ['REPLACE'] })
    const { device, mailServer } = embedded
    const refused = await device.create({ subject: 'refused' })
    mailServer.faults.add({
      on: { verb: 'APPEND' },
      do: { kind: 'answer', status: 'NO', text: '[OVERQUOTA] Your mailbox is full' },
    })
    await embedded.upload()
    const fine = await device.create({ subject: 'fine' })
    await device.engine.drafts.flush(fine.id)
    await expect.poll(async () => (await device.get(fine.id)).sync.state).toBe('synchronized')
    const parked = await device.get(refused.id)
    expect(parked.sync).toMatchObject({
      state: 'local-only',
      pending: { reason: 'parked' },
      lastError: { code: 'OVERQUOTA' },
    })
    expect(parked.sync.lastError?.message).toContain('Your mailbox is full')
    // An edit is a reason to try again.
    await device.engine.drafts.save(refused.id, { text: 'shorter\n' })
    await embedded.upload()
    expect((await device.get(refused.id)).sync).toMatchObject({ state: 'synchronized', lastError: null })
  })

  test('that is too large for the server is refused before a byte of it is sent', async () => {
    await using embedded = await openEmbedded({ appendLimitBytes: 50_000 })
    const { device } = embedded
    const draft = await device.create()
    await device.attach(draft.id, incompressible(100_000))
    const mark = device.proxy.mark()
    await embedded.upload()
    expect(device.proxy.since(mark).toServer).toBeLessThan(2_000)
    expect((await device.get(draft.id)).sync).toMatchObject({
      pending: { reason: 'parked' },
      lastError: { code: 'APPENDLIMIT' },
    })
  })

  test('that the mailbox has no room for is refused before a byte of it is sent, and goes up when it is smaller', async () => {
    await using embedded = await openEmbedded({ quotaBytes: 100_000 })
    const { device } = embedded
    const draft = await device.create()
    const { attachments } = await device.attach(draft.id, incompressible(150_000))
    const mark = device.proxy.mark()
    await embedded.upload()
    expect(device.proxy.since(mark).toServer).toBeLessThan(2_000)
    const { sync } = await device.get(draft.id)
    expect(sync).toMatchObject({ pending: { reason: 'parked' }, lastError: { code: 'OVERQUOTA' } })
    expect(sync.lastError?.message).toMatch(/^the mailbox has room for \d+ bytes more, the draft has \d+ as a message$/)
    await device.engine.drafts.detach(draft.id, attachments[0]!.id)
    await embedded.upload()
    expect((await device.get(draft.id)).sync).toMatchObject({ state: 'synchronized', lastError: null })
  })

  test('a mailbox without any Drafts folder gets one', async () => {
    await using embedded = await openEmbedded({ mailboxes: [], without: ['SPECIAL-USE', 'CREATE-SPECIAL-USE'] })
    const { device } = embedded
    const draft = await device.create({ text: 'first\n' })
    await embedded.upload()
    expect(embedded.texts()).toHaveLength(1)
    expect((await device.get(draft.id)).sync).toMatchObject({ state: 'synchronized', folder: 'Drafts' })
  })
})
