import { describe, expect, test } from 'vitest'

import { openEmbedded } from '../hazards/embedded-device.ts'
import { incompressible, settle } from '../live/harness.ts'

const theirs = (subject: string): string =>
  `From: ann@example.com\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@example.com>\r\n\r\nwritten elsewhere\r\n`

describe('an account that is listened to', () => {
  test('has what another program writes at once, and what it edits, without being asked for a round', async () => {
    await using embedded = await openEmbedded({}, { watch: true })
    const { device } = embedded
    const draft = await device.create({ text: 'ours\n' })
    await settle(device)
    await device.foreign((raw) => raw.append('Drafts', theirs('one'), ['\\Draft']))
    await expect.poll(() => device.events.filter((event) => event.type === 'draft-imported').length).toBe(1)
    const [copy] = await device.drafts()
    await device.foreign(async (raw) => {
      await raw.append('Drafts', copy!.bytes.toString('latin1').replace('ours', 'theirs'), ['\\Draft'])
      await raw.markDeleted('Drafts', [copy!.uid])
      await raw.expunge('Drafts')
    })
    await expect.poll(async () => (await device.get(draft.id)).text).toBe('theirs\n')
  })

  test('is listened to again after the connection ended, and what came meanwhile is found', async () => {
    await using embedded = await openEmbedded({}, { watch: true }, { firstBackOffMs: 20, longestOfflineBackOffMs: 50 })
    const { device } = embedded
    await device.create()
    await settle(device)
    device.proxy.refuse()
    device.proxy.cutAll('rst')
    await device.foreign((raw) => raw.append('Drafts', theirs('two'), ['\\Draft']))
    device.proxy.accept()
    await expect.poll(() => device.events.some((event) => event.type === 'draft-imported')).toBe(true)
    await device.foreign((raw) => raw.append('Drafts', theirs('three'), ['\\Draft']))
    await expect.poll(() => device.events.filter((event) => event.type === 'draft-imported').length).toBe(2)
  })

  test('has one connection, also while it works', async () => {
    await using embedded = await openEmbedded({}, { watch: true })
    const { device } = embedded
    const draft = await device.create()
    for (let edit = 0; edit < 3; edit += 1) {
      await device.engine.drafts.save(draft.id, { text: `edit ${edit}\n` })
      await settle(device)
    }
    expect(device.proxy.connections).toHaveLength(1)
  })
})

describe('an edit while the account is listened to', () => {
  test.for([
    ['REPLACE', ['COMPRESS=DEFLATE'], ['SELECT', 'UID FETCH', 'UID REPLACE', 'UID FETCH', 'IDLE']],
    [
      'APPEND, STORE and EXPUNGE',
      ['COMPRESS=DEFLATE', 'REPLACE'],
      ['SELECT', 'UID FETCH', 'APPEND', 'UID FETCH', 'UID STORE', 'UID EXPUNGE', 'IDLE'],
    ],
  ] as const)('by %s is no news: no round follows it, and no IDLE lies within it', async ([, without, commands]) => {
    await using embedded = await openEmbedded({ without }, { watch: true })
    const { device } = embedded
    let said = ''
    const listening = device.proxy.cutAfter({
      direction: 'toServer',
      how: 'fin',
      at(data) {
        said += Buffer.from(data).toString('latin1')
        return null
      },
    })
    const draft = await device.create()
    await device.sync()
    for (let edit = 0; edit < 3; edit += 1) {
      await expect.poll(() => said).toMatch(/ IDLE\r\n$/)
      said = ''
      await device.engine.drafts.save(draft.id, { text: `edit ${edit}\n` })
      await device.engine.drafts.flush(draft.id)
      await expect.poll(() => said).toMatch(/ IDLE\r\n$/)
      expect([...said.matchAll(/^\w{1,2} ((?:UID )?[A-Z]+)\b.*\r$/gm)].map(([, verb]) => verb)).toEqual(commands)
    }
    // What another program does is heard of all the same.
    await device.foreign((raw) => raw.append('Drafts', theirs('meanwhile'), ['\\Draft']))
    await expect.poll(() => device.events.some((event) => event.type === 'draft-imported')).toBe(true)
    listening.cancel()
  })
})

describe('the byte budget', () => {
  const timing = { uploadDelayMs: 20, longestUploadDelayMs: 100 }

  test('a large draft waits for a pause, and is uploaded at once when its composer closes', async () => {
    await using embedded = await openEmbedded({}, {}, timing)
    const { device } = embedded
    const draft = await device.create()
    await settle(device)
    const composer = device.engine.drafts.open(draft.id)
    await composer.opened
    await device.engine.drafts.attach(draft.id, { filename: 'a.bin', content: incompressible(1_000_000) })
    const snoozed = async (): Promise<boolean> => {
      const { items } = await device.engine.tasks.list(device.account.id)
      const upload = items.find((task) => task.kind === 'draft_upload')
      return upload?.state === 'waiting' && (upload.nextRunAt ?? 0) > Date.now() + 1_000
    }
    await expect.poll(snoozed).toBe(true)
    const waiting = await device.get(draft.id)
    expect(waiting.sync).toMatchObject({ state: 'stale-server', pending: { reason: 'waiting' } })
    expect(waiting.sync.pending?.bytes).toBeGreaterThan(1_300_000)
    await composer.close()
    await expect.poll(async () => (await device.get(draft.id)).sync.state).toBe('synchronized')
  })

  test('its text is uploaded soon where the server has its attachment already', async () => {
    await using embedded = await openEmbedded({}, {}, timing)
    const { device } = embedded
    const draft = await device.create()
    await device.engine.drafts.attach(draft.id, { filename: 'a.bin', content: incompressible(1_000_000) })
    await settle(device)
    await device.engine.drafts.save(draft.id, { text: 'only the text\n' })
    await expect.poll(async () => (await device.get(draft.id)).sync.state, { timeout: 3_000 }).toBe('synchronized')
    expect((await device.get(draft.id)).sync.lastUpload?.bytesSent).toBeLessThan(3_000)
  })
})
