import { mimeFormat } from '@everdraft/mail'
import type { Umid } from '@everdraft/core'
import type { ListedMessage } from '@everdraft/testkit'
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'

import { type Device, incompressible, openDevice, settle, sha256, type TargetServer } from './harness.ts'
import { foreignSuite } from './foreign-suite.ts'
import { repliesSuite } from './replies-suite.ts'

const foreignMail = (subject: string): string =>
  [
    'From: carol@example.com',
    'To: dave@example.com',
    `Subject: ${subject}`,
    `Message-ID: <${subject.replaceAll(' ', '-')}@example.com>`,
    'Date: Sat, 21 Nov 2026 10:00:00 +0000',
    '',
    'not ours',
    '',
  ].join('\r\n')

const textOf = (message: ListedMessage): string => message.bytes.toString('utf8')
const live = (messages: readonly ListedMessage[]): readonly ListedMessage[] =>
  messages.filter((message) => !message.flags.some((flag) => flag.toLowerCase() === '\\deleted'))

/** The draft's copies as anyone sees them: those that carry its id, or its token, and are not marked \Deleted. */
async function copiesOf(device: Device, draftId: Umid): Promise<readonly ListedMessage[]> {
  const { messageId } = (await device.get(draftId)).sync
  const token = /\.([0-9a-f]{32})@/.exec(messageId ?? '')?.[1]
  return live(await device.drafts()).filter((message) => {
    const text = textOf(message)
    return text.includes(`X-Everdraft-Id: ${draftId}`) || (token !== undefined && text.includes(`.${token}@`))
  })
}

async function parse(message: ListedMessage) {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield message.bytes
  }
  return await mimeFormat().parse(bytes(), () => {
    const hash = createHash('sha256')
    return { update: (piece) => void hash.update(piece), digest: () => hash.digest('hex') }
  })
}

/** One suite for every server: what a user is promised, seen from the outside. */
export function draftsSuite(server: () => TargetServer): void {
  uploadSuite(server)

  describe('when other programs use the mailbox', () => {
    test('H06 H07 their messages stay, also those that they have marked \\Deleted', async () => {
      await using device = await openDevice(server())
      const draft = await device.create()
      await settle(device)
      await device.foreign(async (raw) => {
        await raw.append('Drafts', foreignMail('their draft'), ['\\Draft'])
        await raw.append('Drafts', foreignMail('their marked one'), ['\\Deleted'])
      })
      await device.engine.drafts.save(draft.id, { text: 'two\n' })
      await settle(device)
      await device.engine.drafts.discard(draft.id)
      await settle(device)
      // Where the server cannot remove single messages, ours stay marked beside theirs.
      expect(await copiesOf(device, draft.id)).toEqual([])
      const left = (await device.drafts()).filter((message) => textOf(message).includes('not ours'))
      expect(left.map((message) => message.messageId)).toEqual([
        '<their-draft@example.com>',
        '<their-marked-one@example.com>',
      ])
    })

    test('H01 a copy that somebody deletes never takes an edit with it that was not uploaded yet', async () => {
      await using device = await openDevice(server())
      const draft = await device.create({ text: 'one\n' })
      await settle(device)
      await device.engine.drafts.save(draft.id, { text: 'two, not uploaded\n' })
      await device.foreign(async (raw) => {
        const [copy] = await raw.listMessages('Drafts')
        await raw.markDeleted('Drafts', [copy!.uid])
        await raw.expunge('Drafts')
      })
      await settle(device)
      const copies = await copiesOf(device, draft.id)
      expect(copies).toHaveLength(1)
      expect((await parse(copies[0]!)).text).toBe('two, not uploaded\n')
      expect(await device.get(draft.id)).toMatchObject({ status: 'draft', text: 'two, not uploaded\n' })
    })

    test('a synchronized draft whose copy is deleted goes to the local trash, after a second look', async () => {
      await using device = await openDevice(server())
      const draft = await device.create()
      await settle(device)
      await device.foreign(async (raw) => {
        const [copy] = await raw.listMessages('Drafts')
        await raw.markDeleted('Drafts', [copy!.uid])
        await raw.expunge('Drafts')
      })
      await device.sync()
      expect((await device.get(draft.id)).status).toBe('draft')
      expect(await device.sync()).toMatchObject({ purged: 1 })
      expect(await device.get(draft.id)).toMatchObject({ status: 'discarded', text: draft.text })
      expect(await device.drafts()).toEqual([])
    })

    test('H10 after the folder was made anew, what lies under old UIDs is not touched and every draft is there once', async () => {
      await using device = await openDevice(server())
      const first = await device.create({ subject: 'first' })
      const second = await device.create({ subject: 'second' })
      await settle(device)
      // Debts and names of the old folder: an edit not uploaded, and a discarded draft whose copy was not removed yet.
      await device.engine.drafts.save(first.id, { text: 'edited\n' })
      await device.foreign(async (raw) => {
        await raw.command('UNSELECT')
        // Cyrus deletes no folder that has a special use.
        await raw.command('SETMETADATA Drafts (/private/specialuse NIL)')
        await raw.ok('DELETE Drafts')
        await raw.ok('CREATE Drafts')
        for (const subject of ['bystander one', 'bystander two', 'bystander three']) {
          await raw.append('Drafts', foreignMail(subject), [])
        }
      })
      await device.restart()
      await settle(device)
      const messages = live(await device.drafts())
      expect(messages.filter((message) => textOf(message).includes('not ours'))).toHaveLength(3)
      expect(await copiesOf(device, first.id)).toHaveLength(1)
      expect(await copiesOf(device, second.id)).toHaveLength(1)
      expect((await parse((await copiesOf(device, first.id))[0]!)).text).toBe('edited\n')
    })
  })

  describe('when the server says no', () => {
    test('a wrong password leaves the draft, says so in words, and hides the password', async () => {
      await using device = await openDevice(server())
      const account = await device.engine.accounts.add({
        address: 'wrong@example.com',
        imap: {
          host: device.proxy.host,
          port: device.proxy.port,
          security: 'none',
          user: device.user.user,
          password: 'not-the-pass-word',
        },
      })
      const draft = await device.engine.drafts.create({ accountId: account.id, text: 'kept\n' })
      const report = await device.engine.sync(account.id, { waitMs: 30_000 })
      expect(report.errors.map((error) => error.code)).toContain('AUTH_FAILED')
      const after = await device.get(draft.id)
      expect(after).toMatchObject({ status: 'draft', text: 'kept\n', sync: { state: 'local-only' } })
      expect(after.sync.lastError).toMatchObject({ code: 'AUTH_FAILED' })
      expect(JSON.stringify([report, after, device.events])).not.toContain('not-the-pass-word')
      // Another account's queue goes on.
      const other = await device.create()
      await settle(device)
      expect((await device.get(other.id)).sync.state).toBe('synchronized')
    })
  })

  foreignSuite(server)
  repliesSuite(server)
}

/** Of that what is promised on a server, too, that changes header fields of what is stored there. */
export function uploadSuite(server: () => TargetServer): void {
  describe('a draft on its way to the server', () => {
    test('written offline with an attachment it reaches Drafts once, whole, when the server can be reached', async () => {
      await using device = await openDevice(server())
      device.proxy.refuse()
      const bytes = incompressible(300_000)
      const draft = await device.create({ subject: 'Grüße, für Bob', text: 'Zeile eins\n\n„zwei“\n' })
      await device.attach(draft.id, bytes)
      await device.sync()
      const offline = await device.get(draft.id)
      expect(offline.sync).toMatchObject({ state: 'local-only', uid: null, pending: { reason: 'offline' } })
      expect(offline.sync.lastError?.message).toContain(`${device.proxy.host}:${device.proxy.port}`)

      device.proxy.accept()
      await settle(device)
      const [copy, ...others] = await device.drafts()
      expect(others).toEqual([])
      const parsed = await parse(copy!)
      expect(parsed.subject).toBe('Grüße, für Bob')
      expect(parsed.text).toBe('Zeile eins\n\n„zwei“\n')
      expect(parsed.to).toEqual([{ name: 'Bob Example', address: 'bob@example.com' }])
      expect(parsed.attachments.map((attachment) => attachment.sha256)).toEqual([sha256(bytes)])
      const synchronized = await device.get(draft.id)
      expect(synchronized.sync).toMatchObject({ state: 'synchronized', uid: copy!.uid, pending: null, lastError: null })
    })

    test('H02 H03 after each of ten edits there is one copy, and it says what the head says', async () => {
      await using device = await openDevice(server())
      const draft = await device.create()
      await settle(device)
      for (let edit = 1; edit <= 10; edit += 1) {
        await device.engine.drafts.save(draft.id, { text: `edit ${edit}\n` })
        expect((await device.get(draft.id)).sync.state).toBe('stale-server')
        await settle(device)
        const copies = await copiesOf(device, draft.id)
        expect(copies).toHaveLength(1)
        expect((await parse(copies[0]!)).text).toBe(`edit ${edit}\n`)
        expect((await device.get(draft.id)).sync).toMatchObject({ state: 'synchronized', uid: copies[0]!.uid })
      }
      expect(await device.drafts()).toHaveLength(1)
    })

    test('H16 an attachment that did not change does not cross the wire again where the server can quote it', async () => {
      await using device = await openDevice(server())
      const bytes = incompressible(1_000_000)
      const draft = await device.create()
      await device.attach(draft.id, bytes)
      const before = device.proxy.mark()
      await settle(device)
      // Without base64 where the server has BINARY.
      const first = device.proxy.since(before).toServer
      expect(first).toBeLessThan(1_000_000 * (server().supports.literal8 ? 1.01 : 1.4) + 4_000)
      await device.restart()
      for (let edit = 1; edit <= 3; edit += 1) {
        const mark = device.proxy.mark()
        await device.engine.drafts.save(draft.id, { text: `edit ${edit}\n` })
        await settle(device)
        const { toServer } = device.proxy.since(mark)
        expect(toServer).toBeLessThan(server().supports.catenate ? 4_000 : 1_000_000 * 1.4 + 4_000)
        const [copy, ...others] = await copiesOf(device, draft.id)
        expect(others).toEqual([])
        const parsed = await parse(copy!)
        expect(parsed.text).toBe(`edit ${edit}\n`)
        expect(parsed.attachments.map((attachment) => attachment.sha256)).toEqual([sha256(bytes)])
      }
    })

    test('H28 verify says what the server does to a draft, as its copy shows, and leaves nothing there', async () => {
      await using device = await openDevice(server(), {}, { probe: true })
      const { id } = await device.create()
      await settle(device)
      const before = await device.drafts()
      const { probe } = await device.engine.accounts.verify(device.account.id)
      expect(await device.drafts()).toEqual(before)
      expect(probe).toMatchObject({ refusal: null, messageLeft: false })
      const [copy] = before
      expect(probe?.survival).toMatchObject({
        messageId: /\.[0-9a-f]{32}@/.test(copy!.messageId ?? '') ? 'kept' : 'rewritten',
        privateHeaders: textOf(copy!).includes(`X-Everdraft-Id: ${id}`),
        draftFlag: copy!.flags.some((flag) => flag.toLowerCase() === '\\draft'),
      })
    })

    test('a discarded draft leaves the server, and its text stays in the local trash', async () => {
      await using device = await openDevice(server())
      const kept = await device.create({ subject: 'kept' })
      const discarded = await device.create({ subject: 'discarded' })
      await settle(device)
      expect(await device.drafts()).toHaveLength(2)
      await device.engine.drafts.discard(discarded.id)
      await settle(device)
      expect(await copiesOf(device, discarded.id)).toEqual([])
      expect(await copiesOf(device, kept.id)).toHaveLength(1)
      expect(await device.get(discarded.id)).toMatchObject({ status: 'discarded', subject: 'discarded' })
    })

    test('H17 reading, listing and a save that changes nothing send not one byte', async () => {
      await using device = await openDevice(server())
      const draft = await device.create()
      await settle(device)
      const mark = device.proxy.mark()
      const before = await device.get(draft.id)
      await device.engine.drafts.list({ accountId: device.account.id })
      const after = await device.engine.drafts.save(draft.id, { subject: before.subject, text: before.text })
      await device.engine.drafts.flush(draft.id)
      expect(after.version).toBe(before.version)
      expect(after.sync.state).toBe('synchronized')
      expect((await device.engine.tasks.list(device.account.id)).items.map((task) => task.kind)).toEqual([
        'mailbox_sync',
      ])
      expect(device.proxy.since(mark).toServer).toBe(0)
      expect(await device.engine.drafts.history(draft.id)).toHaveLength(1)
    })
  })

  describe('when the line is lost', () => {
    // The small draft's whole conversation is about 2 KB each way: these cuts fall on login, SELECT, the literal, after
    // the literal but before its OK, and on the removal of the old copy.
    const cuts = (['toServer', 'toClient'] as const).flatMap((direction) =>
      [40, 120, 200, 320, 600, 1_000, 1_250, 1_500, 1_750, 2_000].map((bytes) => ({ direction, bytes })),
    )
    test.for(cuts)('H04 after a cut at byte $bytes $direction there is one copy, equal to the head', async (cut) => {
      await using device = await openDevice(server())
      const draft = await device.create({ text: 'one\n' })
      await settle(device)
      await device.engine.drafts.save(draft.id, { text: 'two\n' })
      await device.restart()
      const pending = device.proxy.cutAfter({ ...cut, how: cut.bytes % 100 === 0 ? 'fin' : 'rst' })
      await device.sync()
      pending.cancel()
      await settle(device)
      await settle(device)
      const copies = await copiesOf(device, draft.id)
      expect(copies).toHaveLength(1)
      expect((await parse(copies[0]!)).text).toBe('two\n')
      expect((await device.get(draft.id)).sync).toMatchObject({ state: 'synchronized', uid: copies[0]!.uid })
    })

    test('H04 the reply of an upload that was stored is lost: it is found again, not stored again', async () => {
      await using device = await openDevice(server())
      const draft = await device.create()
      await device.attach(draft.id, incompressible(200_000))
      await device.sync()
      await device.engine.drafts.save(draft.id, { text: 'after\n' })
      await device.restart()
      // The client hears nothing after its login and SELECT, so the server may well have stored the message.
      const pending = device.proxy.cutAfter({ direction: 'toClient', bytes: 900, how: 'fin' })
      await device.sync()
      pending.cancel()
      const mark = device.proxy.mark()
      await settle(device)
      expect(await copiesOf(device, draft.id)).toHaveLength(1)
      expect(device.proxy.since(mark).toServer).toBeLessThan(300_000)
    })

    test('H29 a day without a server costs no attempt, and the draft goes up afterwards by itself', async () => {
      await using device = await openDevice(server(), {
        uploadDelayMs: 0,
        firstBackOffMs: 5,
        longestOfflineBackOffMs: 20,
      })
      device.proxy.refuse()
      const draft = await device.create()
      await expect
        .poll(() => device.events.filter((event) => event.type === 'task-retrying').length, { timeout: 20_000 })
        .toBeGreaterThan(12)
      const tasks = await device.engine.tasks.list(device.account.id)
      expect(tasks.items.every((task) => task.attempts === 0)).toBe(true)
      device.proxy.accept()
      await expect.poll(async () => (await device.get(draft.id)).sync.state, { timeout: 20_000 }).toBe('synchronized')
    })
  })
}
