import { describe, expect, test } from 'vitest'

import type { ListedMessage } from '@everdraft/testkit'

import { type Device, incompressible, openDevice, settle, sha256, type TargetServer } from './harness.ts'

const textOf = (message: ListedMessage): string => message.bytes.toString('latin1')
const live = (messages: readonly ListedMessage[]): readonly ListedMessage[] =>
  messages.filter((message) => !message.flags.some((flag) => flag.toLowerCase() === '\\deleted'))

const calendar = [
  'Content-Type: text/calendar; method=REQUEST; charset=utf-8',
  'Content-Transfer-Encoding: 7bit',
  'X-Alarm: ten',
  '',
  'BEGIN:VCALENDAR',
  'SUMMARY:Meeting  ',
  'END:VCALENDAR',
].join('\r\n')

/** As a desktop program writes one: its own header fields, an invitation, a file in lines of 72 characters. */
function foreignDraft(options: {
  readonly subject?: string
  readonly text?: string
  readonly file?: Uint8Array
  readonly messageId?: string | null
}): string {
  const { subject = 'From elsewhere', text = 'Dear Bob, these words were written in another program.', file } = options
  const { messageId = '<abc.def@desktop.example.com>' } = options
  const base64 = Buffer.from(file ?? new Uint8Array(900).fill(65)).toString('base64')
  return [
    'From: Ann Example <ann@example.com>',
    'To: Bob Example <bob@example.com>',
    'Bcc: Carol Example <carol@example.com>',
    `Subject: ${subject}`,
    ...(messageId === null ? [] : [`Message-ID: ${messageId}`]),
    'Date: Fri, 20 Nov 2026 10:00:00 +0000',
    'X-Mozilla-Draft-Info: internal/draft; vcard=0; receipt=0',
    'X-Identity-Key: id1',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary="------------foreign"',
    '',
    '--------------foreign',
    'Content-Type: multipart/alternative; boundary="------------inner"',
    '',
    '--------------inner',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 7bit',
    '',
    text,
    '--------------inner',
    calendar,
    '--------------inner--',
    '',
    '--------------foreign',
    'Content-Type: application/octet-stream; name="scan.bin"',
    'Content-Disposition: attachment; filename="scan.bin"',
    'Content-Transfer-Encoding: base64',
    '',
    ...(base64.match(/.{1,72}/g) ?? []),
    '--------------foreign--',
    '',
  ].join('\r\n')
}

async function put(device: Device, ...messages: readonly string[]): Promise<void> {
  await device.foreign(async (raw) => {
    for (const message of messages) await raw.append('Drafts', message, ['\\Draft', '\\Seen'])
  })
}

/** As most programs save a draft anew: the new one there first, then the old one away. */
async function replaceByHand(device: Device, uid: number, message: string): Promise<void> {
  await device.foreign(async (raw) => {
    await raw.append('Drafts', message, ['\\Draft', '\\Seen'])
    await raw.select('Drafts')
    await raw.markDeleted('Drafts', [uid])
    await raw.expunge('Drafts')
  })
}

async function listed(device: Device) {
  const { items } = await device.engine.drafts.list({ accountId: device.account.id, status: 'draft' })
  return items
}

/** Makes the folder on a server that has none. */
async function opened(server: TargetServer): Promise<Device> {
  const device = await openDevice(server)
  const { id } = await device.create({ subject: 'to make the folder' })
  await settle(device)
  await device.engine.drafts.discard(id)
  await settle(device)
  return device
}

interface Pair extends AsyncDisposable {
  readonly first: Device
  readonly second: Device
}

async function openPair(target: TargetServer): Promise<Pair> {
  const first = await openDevice(target)
  const second = await openDevice({ ...target, user: () => first.user })
  return {
    first,
    second,
    async [Symbol.asyncDispose]() {
      await first[Symbol.asyncDispose]()
      await second[Symbol.asyncDispose]()
    },
  }
}

async function rest(...devices: readonly Device[]): Promise<void> {
  for (let round = 0; round < 3; round += 1) for (const device of devices) await settle(device)
}

/** What other programs write into the folder, and what becomes of ours in their hands. */
export function foreignSuite(server: () => TargetServer): void {
  describe('a draft that another program wrote', () => {
    test('H12 is taken in with all its parts, and saved here again every part we do not model is there byte for byte', async () => {
      await using device = await opened(server())
      const file = incompressible(60_000)
      await put(device, foreignDraft({ file }))
      const report = await device.sync()
      expect(report.imported).toBe(1)
      const [item] = await listed(device)
      const draft = await device.get(item!.id)
      expect(draft).toMatchObject({
        subject: 'From elsewhere',
        to: [{ name: 'Bob Example', address: 'bob@example.com' }],
        bcc: [{ address: 'carol@example.com' }],
        sync: { state: 'synchronized' },
        succeeds: null,
      })
      expect(draft.attachments.map((one) => one.sha256)).toEqual([sha256(file)])
      expect((await device.engine.drafts.history(draft.id))[0]).toMatchObject({ by: 'foreign' })

      await device.engine.drafts.save(draft.id, { text: 'Edited here.\n' })
      await settle(device)
      const copies = live(await device.drafts())
      expect(copies).toHaveLength(1)
      const saved = textOf(copies[0]!)
      expect(saved).toContain('Edited here.')
      expect(saved).toContain(calendar)
      expect(saved).toContain('X-Mozilla-Draft-Info: internal/draft; vcard=0; receipt=0\r\n')
      expect(saved).toContain('Bcc: Carol Example <carol@example.com>')
      const base64 =
        /scan\.bin"?\r\nContent-Transfer-Encoding: base64\r\n(?:[^\r\n]+\r\n)*\r\n([\sA-Za-z0-9+/=]+)\r\n--/.exec(saved)
      expect(sha256(Buffer.from(base64?.[1] ?? '', 'base64'))).toBe(sha256(file))
    })

    test('H16 its attachment does not travel again where the server has CATENATE', async () => {
      const target = server()
      await using device = await opened(target)
      await put(device, foreignDraft({ file: incompressible(400_000) }))
      await settle(device)
      const [item] = await listed(device)
      await device.engine.drafts.save(item!.id, { text: 'Edited here.\n' })
      await settle(device)
      const { sync } = await device.get(item!.id)
      expect(sync.state).toBe('synchronized')
      if (target.supports.catenate) expect(sync.lastUpload?.bytesSent).toBeLessThan(10_000)
      else expect(sync.lastUpload?.bytesSent).toBeGreaterThan(400_000)
      await device.engine.drafts.save(item!.id, { text: 'And once more.\n' })
      await settle(device)
      if (target.supports.catenate) {
        expect((await device.get(item!.id)).sync.lastUpload?.bytesSent).toBeLessThan(10_000)
      }
      expect(live(await device.drafts())).toHaveLength(1)
    })

    test('is taken in once, however many rounds there are, and known again when the folder was made anew', async () => {
      await using device = await opened(server())
      await put(device, foreignDraft({}), foreignDraft({ messageId: null, subject: 'Without an id' }))
      await settle(device)
      await device.sync()
      await device.restart()
      await device.sync()
      const before = await listed(device)
      expect(before.map((one) => one.subject).toSorted()).toEqual(['From elsewhere', 'Without an id'])
      const messages = (await device.drafts()).map((message) => message.bytes)
      await device.foreign(async (raw) => {
        await raw.command('UNSELECT')
        await raw.command('SETMETADATA Drafts (/private/specialuse NIL)')
        await raw.ok('DELETE Drafts')
        await raw.ok('CREATE Drafts')
        for (const message of messages) await raw.append('Drafts', message, ['\\Draft'])
      })
      await device.sync()
      await settle(device)
      expect((await listed(device)).map((one) => one.id).toSorted()).toEqual(before.map((one) => one.id).toSorted())
      expect(live(await device.drafts())).toHaveLength(2)
    })

    test('without a Message-ID goes after an edit here, and only if it still says what was taken in', async () => {
      await using device = await opened(server())
      await put(device, foreignDraft({ messageId: null, subject: 'Without an id' }))
      await settle(device)
      const [item] = await listed(device)
      await device.engine.drafts.save(item!.id, { text: 'Edited here.\n' })
      await settle(device)
      const copies = live(await device.drafts())
      expect(copies.map((copy) => textOf(copy).includes('Edited here.'))).toEqual([true])
    })

    test('H07 two of one Message-ID are two drafts, and none of them goes', async () => {
      await using device = await opened(server())
      await put(device, foreignDraft({ text: 'one text' }), foreignDraft({ text: 'one text' }))
      await settle(device)
      await device.sync()
      expect(await listed(device)).toHaveLength(2)
      expect(live(await device.drafts())).toHaveLength(2)
    })

    test('removed by that program, goes to the local trash with its text', async () => {
      await using device = await opened(server())
      await put(device, foreignDraft({}))
      await settle(device)
      const [item] = await listed(device)
      const [copy] = live(await device.drafts())
      await device.foreign(async (raw) => {
        await raw.markDeleted('Drafts', [copy!.uid])
        await raw.expunge('Drafts')
      })
      await device.sync()
      await device.sync()
      expect(await device.get(item!.id)).toMatchObject({ status: 'discarded', subject: 'From elsewhere' })
      const back = await device.engine.drafts.undiscard(item!.id)
      expect(back.attachments).toHaveLength(1)
      await settle(device)
      expect(textOf(live(await device.drafts())[0]!)).toContain(calendar)
    })
  })

  describe('a large draft of another program', () => {
    test('shows its text at once, then its file; the bytes are those that the program stored', async () => {
      await using device = await opened(server())
      const file = incompressible(2_500_000)
      await put(device, foreignDraft({ file, subject: 'Large' }))
      await device.sync()
      await settle(device)
      const [item] = await listed(device)
      const first = (await device.engine.drafts.history(item!.id)).at(-1)
      expect(first?.fieldsChanged).toContain('text')
      expect(first?.fieldsChanged).not.toContain('attachments')
      const draft = await device.get(item!.id)
      expect(draft.sync).toMatchObject({ state: 'synchronized', pending: null })
      expect(draft.attachments.map((one) => one.sha256)).toEqual([sha256(file)])
    })

    test('edited before it is whole stays as it was, beside the edit', async () => {
      await using device = await opened(server())
      await put(device, foreignDraft({ file: incompressible(2_500_000), subject: 'Large' }))
      const imported = device.events.length
      const cut = device.proxy.cutAfter({ direction: 'toClient', bytes: 900_000, how: 'fin' })
      await device.sync()
      expect(device.events.slice(imported).map((event) => event.type)).toContain('draft-imported')
      const [item] = await listed(device)
      const partial = await device.get(item!.id)
      expect(partial.text).toContain('these words')
      expect(partial.sync.pending).toMatchObject({ reason: 'importing' })
      await device.engine.drafts.save(item!.id, { text: 'Edited too soon.\n' })
      await cut.done
      await device.sync()
      await settle(device)
      const drafts = await listed(device)
      expect(drafts).toHaveLength(2)
      expect(drafts.find((one) => one.id !== item!.id)).toMatchObject({ succeeds: item!.id })
      expect(drafts.map((one) => one.attachments.length).toSorted((a, b) => a - b)).toEqual([0, 1])
      expect(live(await device.drafts())).toHaveLength(2)
    })

    test('cut in the middle goes on where it was', async () => {
      await using device = await opened(server())
      const file = incompressible(4_000_000)
      await put(device, foreignDraft({ file, subject: 'Large' }))
      const cut = device.proxy.cutAfter({ direction: 'toClient', bytes: 3_500_000, how: 'rst' })
      const first = await device.sync()
      await cut.done
      const second = await device.sync()
      await settle(device)
      const [item] = await listed(device)
      expect((await device.get(item!.id)).attachments.map((one) => one.sha256)).toEqual([sha256(file)])
      expect(first.bytesReceived + second.bytesReceived).toBeLessThan(7_500_000)
    })
  })

  describe('a draft of ours that another program edits', () => {
    test('keeping our Message-ID gets a new revision, labelled foreign, and there is one copy', async () => {
      await using device = await openDevice(server())
      const draft = await device.create({ text: 'ours\n' })
      await settle(device)
      const [copy] = await device.drafts()
      await replaceByHand(device, copy!.uid, textOf(copy!).replace('ours', 'theirs'))
      await settle(device)
      expect(await device.get(draft.id)).toMatchObject({ status: 'draft', text: 'theirs\n', version: 2 })
      expect((await device.engine.drafts.history(draft.id))[0]).toMatchObject({ by: 'foreign', version: 2 })
      expect(live(await device.drafts())).toHaveLength(1)
      await device.engine.drafts.save(draft.id, { text: 'ours again\n' })
      await settle(device)
      const left = live(await device.drafts())
      expect(left.map((message) => textOf(message).includes('ours again'))).toEqual([true])
    })

    test('the old copy still beside it: the edit is taken, and the old one goes', async () => {
      await using device = await openDevice(server())
      const draft = await device.create({ text: 'ours\n' })
      await settle(device)
      const [copy] = await device.drafts()
      await put(device, textOf(copy!).replace('ours', 'theirs'))
      await settle(device)
      await settle(device)
      expect(await device.get(draft.id)).toMatchObject({ text: 'theirs\n', sync: { state: 'synchronized' } })
      expect(live(await device.drafts()).map((message) => textOf(message).includes('theirs'))).toEqual([true])
    })

    test('sent by that program with its Message-ID is in the trash, and what it became is told', async () => {
      const target = server()
      await using device = await openDevice(target)
      const sent = target.supports.sent ?? 'Sent'
      if (target.supports.sent === null) await device.foreign((raw) => raw.ok(`CREATE ${sent}`))
      const draft = await device.create({ text: 'sent elsewhere\n' })
      await settle(device)
      const [copy] = await device.drafts()
      await device.foreign(async (raw) => {
        await raw.append(sent, copy!.bytes, ['\\Seen'])
        await raw.select('Drafts')
        await raw.markDeleted('Drafts', [copy!.uid])
        await raw.expunge('Drafts')
      })
      await device.sync()
      await device.sync()
      await settle(device)
      expect(await device.get(draft.id)).toMatchObject({ status: 'discarded', text: 'sent elsewhere\n' })
      const purged = device.events.filter(({ type }) => type === 'draft-purged')
      expect(purged).toMatchObject([{ draftId: draft.id, sentAs: copy!.messageId }])
      expect(live(await device.drafts())).toEqual([])
    })

    test('moved to another folder is in the trash here, and moved back is a draft again', async () => {
      await using device = await openDevice(server())
      const draft = await device.create({ text: 'ours\n' })
      await settle(device)
      const [copy] = await device.drafts()
      await device.foreign(async (raw) => {
        await raw.ok('CREATE Elsewhere')
        await raw.append('Elsewhere', textOf(copy!), ['\\Draft'])
        await raw.markDeleted('Drafts', [copy!.uid])
        await raw.expunge('Drafts')
      })
      await device.sync()
      await device.sync()
      expect((await device.get(draft.id)).status).toBe('discarded')
      await put(device, textOf(copy!))
      await settle(device)
      expect(await device.get(draft.id)).toMatchObject({ status: 'draft', sync: { state: 'synchronized' } })
      expect(live(await device.drafts())).toHaveLength(1)
    })

    test('put back after it was discarded here goes again', async () => {
      await using device = await openDevice(server())
      const draft = await device.create({ text: 'ours\n' })
      await settle(device)
      const [copy] = await device.drafts()
      await device.engine.drafts.discard(draft.id)
      await settle(device)
      await put(device, textOf(copy!))
      await settle(device)
      expect((await device.get(draft.id)).status).toBe('discarded')
      expect(live(await device.drafts())).toEqual([])
    })

    test('as a message of its own, without our header fields: linked to ours, which goes to the trash', async () => {
      await using device = await openDevice(server())
      const draft = await device.create({
        subject: 'About the meeting',
        text: 'We meet on Monday at ten in the office.\n',
      })
      await settle(device)
      const [copy] = await device.drafts()
      const edited = textOf(copy!)
        .replace(/^Message-ID: .*$/m, 'Message-ID: <new.one@desktop.example.com>')
        .replaceAll(/^X-Everdraft-[^\r\n]*\r\n/gm, '')
        .replace('at ten', 'at eleven')
      await replaceByHand(device, copy!.uid, edited)
      await device.sync()
      await device.sync()
      await settle(device)
      const [successor, ...others] = await listed(device)
      expect(others).toEqual([])
      expect(successor).toMatchObject({ succeeds: draft.id, subject: 'About the meeting' })
      expect((await device.get(successor!.id)).text).toContain('at eleven')
      expect(await device.get(draft.id)).toMatchObject({ status: 'discarded' })
      expect(live(await device.drafts())).toHaveLength(1)
    })

    test('while we write on: both texts are there, each once', async () => {
      await using device = await openDevice(server())
      const draft = await device.create({ text: 'common\n' })
      await settle(device)
      const [copy] = await device.drafts()
      await device.engine.drafts.save(draft.id, { text: 'written here\n' })
      await replaceByHand(device, copy!.uid, textOf(copy!).replace('common', 'written there'))
      await settle(device)
      await settle(device)
      const drafts = await listed(device)
      expect(drafts).toHaveLength(2)
      expect(drafts.find((one) => one.id !== draft.id)).toMatchObject({ succeeds: draft.id })
      const texts = live(await device.drafts()).map((message) => /written \w+/.exec(textOf(message))?.[0])
      expect(texts.toSorted((a, b) => (a ?? '').localeCompare(b ?? ''))).toEqual(['written here', 'written there'])
    })
  })

  describe('two devices on one mailbox', () => {
    test('a draft has one id on both, and goes back and forth as one copy', async () => {
      await using devices = await openPair(server())
      const { first, second } = devices
      const file = incompressible(50_000)
      const draft = await first.create({ text: 'from the first\n' })
      await first.attach(draft.id, file)
      await settle(first)
      await settle(second)
      const there = await second.get(draft.id)
      expect(there).toMatchObject({ text: 'from the first\n', sync: { state: 'synchronized' } })
      await second.engine.drafts.save(draft.id, { text: 'from the second\n' })
      await settle(second)
      await settle(first)
      expect(await first.get(draft.id)).toMatchObject({ text: 'from the second\n', sync: { state: 'synchronized' } })
      expect((await first.engine.drafts.history(draft.id))[0]).toMatchObject({ by: 'foreign' })
      await first.engine.drafts.save(draft.id, { text: 'from the first again\n' })
      await rest(first, second)
      const [one, ...others] = live(await first.drafts())
      expect(others).toEqual([])
      expect(textOf(one!)).toContain('from the first again')
      expect((await second.get(draft.id)).text).toBe('from the first again\n')
      expect((await second.get(draft.id)).attachments.map((attachment) => attachment.sha256)).toEqual([sha256(file)])
    })

    test('edited on both at once there are two drafts on each, and no more', async () => {
      await using devices = await openPair(server())
      const { first, second } = devices
      const draft = await first.create({ text: 'common\n' })
      await settle(first)
      await settle(second)
      await first.engine.drafts.save(draft.id, { text: 'on the first\n' })
      await second.engine.drafts.save(draft.id, { text: 'on the second\n' })
      await rest(first, second)
      for (const device of [first, second]) {
        const texts = await Promise.all((await listed(device)).map(async ({ id }) => (await device.get(id)).text))
        expect(texts.toSorted()).toEqual(['on the first\n', 'on the second\n'])
      }
      expect(live(await first.drafts())).toHaveLength(2)
    })

    test('discarded on one it is in the trash of the other', async () => {
      await using devices = await openPair(server())
      const { first, second } = devices
      const draft = await first.create({ text: 'common\n' })
      await settle(first)
      await settle(second)
      await second.engine.drafts.discard(draft.id)
      await rest(second, first)
      expect((await first.get(draft.id)).status).toBe('discarded')
      expect(live(await first.drafts())).toEqual([])
    })
  })
}
