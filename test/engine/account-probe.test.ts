import type { Engine } from '@everdraft/core'
import type { Capability, MailServerOptions } from '@everdraft/mailserver'
import { describe, expect, test } from 'vitest'

import { type EmbeddedDevice, openEmbedded } from '../hazards/embedded-device.ts'
import { settle } from '../live/harness.ts'

type Options = Omit<MailServerOptions, 'users'>

/** Its engine looks at the server before the first upload, as it does outside of tests. */
function openProbing(options: Options = {}): Promise<EmbeddedDevice> {
  return openEmbedded(options, { probe: true })
}

async function survivalOn(options: Options) {
  await using embedded = await openProbing(options)
  const { engine, account } = embedded.device
  const { probe } = await engine.accounts.verify(account.id)
  expect(embedded.mailServer.mailbox('ann', 'Drafts')).toEqual([])
  expect(probe).toMatchObject({ refusal: null, messageLeft: false })
  return probe?.survival
}

const allKept = {
  messageId: 'kept',
  privateHeaders: true,
  bcc: true,
  body: 'kept',
  draftFlag: true,
  keywords: 'kept',
  internalDate: true,
} as const

describe('verify', () => {
  test('says what was found and what will be done, and leaves nothing in Drafts', async () => {
    await using embedded = await openProbing()
    const { engine, account } = embedded.device
    const report = await engine.accounts.verify(account.id)
    expect(report).toMatchObject({
      draftsFolder: 'Drafts',
      sentFolder: 'Sent',
      trashFolder: 'Trash',
      toCreate: null,
      uploadMethod: 'append-catenate',
      editCost: { text: { method: 'replace' }, withAttachment: { method: 'append-catenate' } },
      push: 'notify',
      filesSentCopies: 'unknown',
      submission: { kind: 'ok', capabilities: { size: true } },
      probe: { survival: allKept, refusal: null, messageLeft: false },
    })
    expect(report.editCost.withAttachment.bytes).toBe(report.editCost.text.bytes)
    expect(embedded.mailServer.mailbox('ann', 'Drafts')).toEqual([])
  })

  test('an edit costs the whole message where nothing can be quoted, and nothing where it is too large', async () => {
    await using embedded = await openProbing({ without: ['CATENATE', 'REPLACE', 'BINARY', 'NOTIFY', 'IDLE'] })
    const { engine, account } = embedded.device
    const report = await engine.accounts.verify(account.id)
    expect(report).toMatchObject({ uploadMethod: 'append', push: 'poll' })
    expect(report.editCost.withAttachment.bytes).toBeGreaterThan(14_000_000)
    await using small = await openProbing({ appendLimitBytes: 1_000_000 })
    const said = await small.device.engine.accounts.verify(small.device.account.id)
    expect(said.editCost.withAttachment.bytes).toBe(null)
  })

  test('makes no folder, and says which one the first upload makes', async () => {
    await using embedded = await openProbing({ mailboxes: [] })
    const { engine, account } = embedded.device
    const report = await engine.accounts.verify(account.id)
    expect(report).toMatchObject({
      draftsFolder: null,
      toCreate: { path: 'Drafts', withSpecialUse: true },
      probe: null,
    })
    await embedded.device.create()
    await settle(embedded.device)
    expect(await engine.accounts.verify(account.id)).toMatchObject({ draftsFolder: 'Drafts', toCreate: null })
    expect(embedded.texts()).toHaveLength(1)
  })

  test('finds out what a server does to messages', async () => {
    expect(await survivalOn({ quirks: { rewritesMessageIds: true } })).toEqual({ ...allKept, messageId: 'rewritten' })
    expect(await survivalOn({ quirks: { dropsPrivateHeaders: true } })).toEqual({ ...allKept, privateHeaders: false })
    expect(await survivalOn({ quirks: { lowerCasesKeywords: true } })).toEqual({ ...allKept, keywords: 'lower-cased' })
    expect(await survivalOn({ quirks: { appendUid: 'swapped' } })).toEqual(allKept)
    expect(await survivalOn({ quirks: { ignoresChangesAfterAppend: true } })).toEqual(allKept)
    expect(await survivalOn({ without: ['UIDPLUS', 'REPLACE'] })).toEqual(allKept)
    const both = { rewritesMessageIds: true, dropsPrivateHeaders: true, appendUid: 'absent' } as const
    const survival = { ...allKept, messageId: 'rewritten', privateHeaders: false }
    expect(await survivalOn({ quirks: both })).toEqual(survival)
  })

  test('says what the server said where it takes no message', async () => {
    await using embedded = await openProbing()
    const { mailServer, device } = embedded
    mailServer.faults.add({
      on: { verb: 'APPEND', times: 'always' },
      do: { kind: 'answer', status: 'NO', text: 'not today' },
    })
    const { probe } = await device.engine.accounts.verify(device.account.id)
    expect(probe).toMatchObject({ survival: null, messageLeft: false })
    expect(probe?.refusal).toContain('not today')
  })

  test('a message that the server does not remove is said, and removed later', async () => {
    await using embedded = await openProbing()
    const { mailServer, device } = embedded
    const fault = mailServer.faults.add({ on: { verb: 'EXPUNGE', times: 'always' }, do: { kind: 'cut' } })
    const cut = device.engine.accounts.verify(device.account.id)
    await expect(cut).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
    expect(mailServer.mailbox('ann', 'Drafts')).toHaveLength(1)
    fault.remove()
    const { probe } = await device.engine.accounts.verify(device.account.id)
    expect(probe).toMatchObject({ survival: allKept, messageLeft: false })
    await settle(device)
    // Marked \Deleted by the one that was cut: it is not looked at any more.
    expect(embedded.texts()).toEqual([])
    expect((await device.engine.drafts.list()).total).toBe(0)
  })

  test('touches nothing of anybody else, not even what looks like its message', async () => {
    await using embedded = await openProbing({ without: ['UIDPLUS', 'REPLACE'] })
    const { device, mailServer } = embedded
    await device.foreign(async (raw) => {
      const text =
        'Subject: everdraft looks at what this server does to drafts\r\n\r\nThis message is removed at once.\r\n'
      await raw.append('Drafts', text, ['\\Draft', '\\Deleted'])
      await raw.append('Drafts', `Message-ID: <everdraft-probe.0@example.org>\r\n${text}`, ['\\Draft'])
    })
    await device.engine.accounts.verify(device.account.id)
    const left = mailServer.mailbox('ann', 'Drafts')
    expect(left.filter(({ uid }) => uid <= 2)).toHaveLength(2)
    await settle(device)
    expect(mailServer.mailbox('ann', 'Drafts').filter(({ uid }) => uid <= 2)).toHaveLength(2)
  })
})

/** How often a message was stored in Drafts, whatever became of it. */
function storedIn({ mailServer }: EmbeddedDevice): number {
  return Math.max(0, ...mailServer.mailbox('ann', 'Drafts').map(({ uid }) => uid))
}

describe('before the first upload', () => {
  test('the server is looked at once, also across restarts', async () => {
    await using embedded = await openProbing({ without: ['REPLACE'] })
    const { device } = embedded
    const draft = await device.create()
    await embedded.upload()
    expect(storedIn(embedded)).toBe(2)
    await device.restart()
    await device.engine.drafts.save(draft.id, { text: 'again\n' })
    await embedded.upload()
    expect(storedIn(embedded)).toBe(3)
    expect(embedded.texts()).toHaveLength(1)
  })

  test('it is looked at again when its capabilities are others', async () => {
    const without: Capability[] = []
    await using embedded = await openProbing({ without })
    const { device } = embedded
    const before = await device.engine.accounts.verify(device.account.id)
    // The server reads it when it starts again.
    without.push('REPLACE', 'QUOTA')
    await embedded.comeBackEmpty()
    await device.restart()
    await device.create()
    await settle(device)
    expect(storedIn(embedded)).toBe(2)
    const after = await device.engine.accounts.verify(device.account.id)
    expect([before.capabilities.replace, after.capabilities.replace]).toEqual([true, false])
  })

  test('a probe that is cut leaves nothing behind, and becomes nobody’s draft', async () => {
    for (const by of ['fin', 'rst'] as const) {
      await using embedded = await openProbing()
      const { device, mailServer } = embedded
      const draft = await device.create({ text: 'mine\n' })
      const fault = mailServer.faults.add({ on: { verb: 'APPEND' }, do: { kind: 'drop-reply', andThen: 'cut', by } })
      await embedded.upload()
      expect(fault.fired).toBe(true)
      expect(embedded.texts()).toHaveLength(1)
      await device.restart()
      await settle(device)
      expect(embedded.texts()).toHaveLength(1)
      expect(embedded.texts()[0]).toContain('mine')
      expect((await device.engine.drafts.list()).total).toBe(1)
      expect((await device.get(draft.id)).sync.state).toBe('synchronized')
    }
  })
})

async function lastErrorOf(engine: Engine, { device }: EmbeddedDevice): Promise<string | undefined> {
  const { items } = await engine.tasks.list(device.account.id)
  return items.find(({ kind }) => kind === 'draft_upload')?.lastError?.code
}

describe('H28 a server that rewrites Message-IDs', () => {
  const rewrites = { rewritesMessageIds: true } as const

  test('an upload whose reply is lost is found by its content, and does not travel again', async () => {
    for (const dropsPrivateHeaders of [false, true]) {
      await using embedded = await openProbing({ without: ['REPLACE'], quirks: { ...rewrites, dropsPrivateHeaders } })
      const { device, mailServer } = embedded
      const draft = await device.create({ text: 'one\n' })
      await embedded.upload()
      await device.engine.drafts.save(draft.id, { text: 'two\n' })
      const fault = mailServer.faults.add({ on: { verb: 'APPEND' }, do: { kind: 'drop-reply', andThen: 'cut' } })
      await embedded.upload()
      expect(fault.fired).toBe(true)
      const stored = storedIn(embedded)
      await device.restart()
      await settle(device)
      expect(storedIn(embedded)).toBe(stored)
      expect(embedded.texts()).toHaveLength(1)
      expect(embedded.texts()[0]).toContain('two')
      expect((await device.get(draft.id)).sync).toMatchObject({ state: 'synchronized', uploadedVersion: 2 })
      expect((await device.engine.drafts.list()).total).toBe(1)
    }
  })

  test('without APPENDUID, too, ten edits leave one copy', async () => {
    await using embedded = await openProbing({ without: ['REPLACE'], quirks: { ...rewrites, appendUid: 'absent' } })
    const { device } = embedded
    const draft = await device.create({ text: 'none\n' })
    await embedded.upload()
    for (let edit = 1; edit <= 10; edit += 1) {
      await device.engine.drafts.save(draft.id, { text: `edit ${edit}\n` })
      await embedded.upload()
    }
    await settle(device)
    expect(embedded.texts()).toHaveLength(1)
    expect(embedded.texts()[0]).toContain('edit 10')
    expect((await device.engine.drafts.list()).total).toBe(1)
  })

  test('where two messages may be the one, nothing is stored again without a word from the user', async () => {
    const quirks = { ...rewrites, dropsPrivateHeaders: true }
    await using embedded = await openProbing({ without: ['REPLACE'], quirks })
    const { device, mailServer } = embedded
    await device.engine.accounts.verify(device.account.id)
    const draft = await device.create({ text: 'twice\n' })
    mailServer.faults.add({ on: { verb: 'APPEND' }, do: { kind: 'drop-reply', andThen: 'cut' } })
    await embedded.upload()
    // Another program’s copy, equal to ours.
    await device.foreign(async (raw) => {
      const [copy] = await raw.listMessages('Drafts')
      await raw.append('Drafts', copy!.bytes.toString('utf8'), ['\\Draft'])
    })
    await device.restart()
    const stored = storedIn(embedded)
    expect(await device.sync()).toMatchObject({ uploaded: 0, errors: [{ code: 'UNCERTAIN' }] })
    await device.restart()
    expect(await lastErrorOf(device.engine, embedded)).toBe('UNCERTAIN')
    expect(storedIn(embedded)).toBe(stored)
    // That is the user's word.
    await device.sync()
    expect((await device.get(draft.id)).sync.state).toBe('synchronized')
    expect(storedIn(embedded)).toBe(stored + 1)
  })
})
