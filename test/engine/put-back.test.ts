import { randomBytes } from 'node:crypto'

import type { Outcome } from '@everdraft/core'
import type { MailServerOptions } from '@everdraft/mailserver'
import { describe, expect, test } from 'vitest'

import { act, type ForeignHand } from '../correlation/foreign-hand.ts'
import { outlookDesktop } from '../correlation/foreign-clients/outlook-desktop.ts'
import { roundcube } from '../correlation/foreign-clients/roundcube.ts'
import { type AnsweringDevice, mail, type MailFields, openAnswering } from './answering-device.ts'

const minuteMs = 60_000

interface Came {
  readonly folder?: 'INBOX' | 'Sent'
  /** By the server's clock. */
  readonly minutesAgo: number
}

/** With the time at which the server says that it came. */
function comes({ mailServer }: AnsweringDevice, { folder = 'INBOX', minutesAgo }: Came, ...raws: readonly string[]) {
  const internalDateMs = Date.now() - minutesAgo * minuteMs
  for (const raw of raws) {
    mailServer.store.append(mailServer.store.find('ann', folder)!, {
      bytes: Buffer.from(raw),
      flags: [],
      internalDateMs,
    })
  }
}

/** Written at that time. */
function dated(minutesAgo: number, fields: MailFields = {}): string {
  const date = new Date(Date.now() - minutesAgo * minuteMs).toUTCString().replace('GMT', '+0000')
  return mail({ date, ...fields })
}

/** Of somebody who takes no answer, or who answers nothing. */
const other = (): string => dated(5, { from: 'no-reply@example.com' })
const others = (count: number): readonly string[] => Array.from({ length: count }, other)

/** What cannot be compressed. */
const noise = (): string => randomBytes(15_000).toString('base64').replaceAll(/.{76}/g, '$&\r\n')

const subjects = ({ asked }: AnsweringDevice): readonly string[] => asked.map(({ message }) => message.subject)

const givenOutAgain = [
  { many: 'past', behind: 4, without: [] },
  { many: 'up to', behind: 2, without: ['CONDSTORE'] },
] as const

const weeksAgo = 21 * 24 * 60

/** The responder was set up an hour ago, by the clock of the engine. */
async function opened(options: Parameters<typeof openAnswering>[0] = {}): Promise<AnsweringDevice> {
  let aheadMs = -60 * minuteMs
  const answering = await openAnswering({
    ...options,
    engine: { environment: { now: () => Date.now() + aheadMs } },
  })
  aheadMs = 0
  return answering
}

describe('H10 an INBOX that was put back from a backup', () => {
  test.for(givenOutAgain)('is gone through again where UIDs $many the last are given out again', async (given) => {
    const { behind, without } = given
    await using answering = await opened({ server: { without } })
    const known = dated(6, { subject: 'known' })
    comes(answering, { minutesAgo: 6 }, known, ...others(2))
    // Who files a message may say that it came on a day to come.
    comes(answering, { minutesAgo: -weeksAgo }, other())
    await answering.settle()
    const [before] = await answering.outcomes()
    await answering.comeBackEmpty()
    comes(answering, { minutesAgo: 1 }, dated(1, { subject: 'new' }), known, ...others(behind))
    await answering.settle()
    // The mail that was known is there again, and is not asked about again.
    expect(subjects(answering)).toEqual(['known', 'new'])
    expect(await answering.outcomes()).toMatchObject([{ id: before!.id }, { draftSubject: 'Re: new' }])
    await answering.settle()
    expect(subjects(answering)).toEqual(['known', 'new'])
  })

  test('is gone through where old mail was put back after what is new, and of old mail nothing is read', async () => {
    await using answering = await opened()
    comes(answering, { minutesAgo: 5 }, other())
    await answering.settle()
    const { device, mailServer } = answering
    mailServer.resetUidValidity('ann', 'INBOX')
    comes(answering, { minutesAgo: 1 }, dated(1, { subject: 'new' }))
    const old = dated(weeksAgo, { subject: 'old' })
    comes(answering, { minutesAgo: weeksAgo }, ...Array<string>(1_000).fill(old))
    const mark = device.proxy.mark()
    await answering.settle()
    expect(subjects(answering)).toEqual(['new'])
    expect(device.proxy.since(mark).toClient).toBeLessThan(30_000)
  })

  test('of which much is put back behind the last that was looked at: of old mail nothing is read', async () => {
    await using answering = await opened()
    comes(answering, { minutesAgo: 5 }, other())
    await answering.settle()
    comes(answering, { minutesAgo: weeksAgo }, ...Array<string>(1_000).fill(dated(weeksAgo, { subject: 'old' })))
    comes(answering, { minutesAgo: 1 }, dated(1, { subject: 'new' }))
    const mark = answering.device.proxy.mark()
    await answering.settle()
    expect(subjects(answering)).toEqual(['new'])
    expect(answering.device.proxy.since(mark).toClient).toBeLessThan(30_000)
  })

  test('with the date of that day in all of it: what says that it is older is left alone', async () => {
    await using answering = await opened({ server: { without: ['COMPRESS=DEFLATE'] } })
    comes(answering, { minutesAgo: 6 }, dated(6, { subject: 'known' }), ...others(2))
    await answering.settle()
    await answering.comeBackEmpty()
    const old = Array.from({ length: 250 }, () => dated(weeksAgo, { subject: 'old', text: noise() }))
    comes(answering, { minutesAgo: 1 }, ...old, dated(1, { subject: 'new' }))
    // However often the line is cut meanwhile.
    const { proxy } = answering.device
    let mark = proxy.mark()
    for (let bytes = 30_000; subjects(answering).length < 2; bytes += 30_000) {
      mark = proxy.mark()
      const cut = proxy.cutAfter({ direction: 'toClient', bytes, how: 'rst' })
      await answering.device.sync()
      cut.cancel()
    }
    await answering.settle()
    expect(subjects(answering)).toEqual(['known', 'new'])
    expect(proxy.since(mark).toClient).toBeLessThan(1_000_000)
  })

  test('is not gone through again for mail that was read, moved away, or came with a date to come', async () => {
    await using answering = await opened()
    comes(answering, { minutesAgo: 5 }, ...others(3))
    comes(answering, { minutesAgo: -weeksAgo }, other())
    await answering.settle()
    await answering.device.foreign(async (raw) => {
      await raw.markDeleted('INBOX', [2, 3])
      await raw.expunge('INBOX')
    })
    comes(answering, { minutesAgo: 1 }, other())
    const search = answering.mailServer.faults.add({
      on: { verb: 'UID SEARCH' },
      do: { kind: 'delay-reply', delayMs: 1 },
    })
    await answering.settle()
    expect(search.fired).toBe(false)
  })
})

const question = '<question@example.com>'
const byHand = (minutesAgo: number): string =>
  dated(minutesAgo, { from: 'ann@example.org', to: 'bob@example.com', subject: 'Re: Prices', inReplyTo: question })

/** Mails in Sent that answer nothing. */
const letter = (minutesAgo: number): string => dated(minutesAgo, { from: 'ann@example.org', to: 'carla@example.com' })
const letters = (minutesAgo: number, count: number): readonly string[] =>
  Array.from({ length: count }, () => letter(minutesAgo))

/** While a mail waits Sent is looked into. */
async function waiting(options: Parameters<typeof openAnswering>[0] = {}) {
  let isThere = false
  const answering = await opened({
    timing: { firstBackOffMs: 1, longestBackOffMs: 2 },
    ...options,
    answer: ({ message }) => {
      if (!isThere) throw new Error('not yet')
      return { text: `About ${message.subject}` }
    },
  })
  comes(answering, { minutesAgo: 6 }, dated(6, { messageId: question }), dated(6, { subject: 'another' }))
  return { answering, isThere: () => void (isThere = true) }
}

/** A round, and the look into INBOX and Sent to its end, also where the line was lost and it begins again. */
async function looksAround({ device }: AnsweringDevice): Promise<void> {
  const { engine, account } = device
  await device.sync()
  await expect
    .poll(async () => {
      const { items } = await engine.tasks.list(account.id, { limit: 500 })
      const looks = items.filter(({ kind }) => kind === 'mailbox_sync' || kind === 'inbox_watch')
      return looks.filter(({ state, nextRunAt }) => state === 'running' || (nextRunAt ?? 0) < Date.now() + 5_000)
    })
    .toEqual([])
}

describe('H10 what was answered by hand, in a Sent that was put back from a backup', () => {
  test.for(givenOutAgain)('gets no draft where UIDs $many the last are given out again', async (given) => {
    const { behind, without } = given
    const { answering, isThere } = await waiting({ server: { without } })
    await using _ = answering
    comes(answering, { folder: 'Sent', minutesAgo: 5 }, ...letters(5, 3))
    await looksAround(answering)
    await answering.comeBackEmpty()
    comes(answering, { folder: 'Sent', minutesAgo: 1 }, byHand(1), ...letters(1, behind))
    await looksAround(answering)
    isThere()
    await answering.settle()
    expect((await answering.outcomes()).map(({ draftSubject }) => draftSubject)).toEqual(['Re: another'])
  })

  test('gets no draft where old mail was put back behind it, and of that nothing is read', async () => {
    const { answering, isThere } = await waiting()
    await using _ = answering
    comes(answering, { folder: 'Sent', minutesAgo: 1 }, byHand(1))
    comes(answering, { folder: 'Sent', minutesAgo: weeksAgo }, ...Array<string>(1_000).fill(letter(weeksAgo)))
    const mark = answering.device.proxy.mark()
    await looksAround(answering)
    isThere()
    await answering.settle()
    expect((await answering.outcomes()).map(({ draftSubject }) => draftSubject)).toEqual(['Re: another'])
    expect(answering.device.proxy.since(mark).toClient).toBeLessThan(40_000)
  })
})

const words =
  'Dear Bob Example,\n\nThe goods leave our warehouse on Thursday and reach you within three working days.\nYour customer number has changed.\n\nKind regards'

async function drafted(without: NonNullable<MailServerOptions['without']> = []) {
  // A server that comes back empty begins with its EMAILIDs again, too, as none should (RFC 8474 §5.1).
  const server = { without: [...without, 'OBJECTID'] } as const
  const answering = await opened({ server, answer: () => ({ text: words }) })
  comes(answering, { minutesAgo: 6 }, dated(6, { messageId: question }))
  await answering.settle()
  return answering
}

function hand({ device }: AnsweringDevice, client = roundcube): ForeignHand {
  return { use: (work) => device.foreign(work), client, folders: { drafts: 'Drafts', sent: 'Sent' }, question }
}

async function outcome(answering: AnsweringDevice): Promise<Outcome> {
  const all = await answering.outcomes()
  expect(all).toHaveLength(1)
  return all[0]!
}

/** What a person sent of it from another program, and the copy of it in Sent is gone again. */
async function sentFromElsewhere(answering: AnsweringDevice): Promise<{ messageId: string | null; raw: string }> {
  const messageId = await act(hand(answering), 'little')
  const listed = await answering.device.foreign((raw) => raw.listMessages('Sent'))
  await answering.device.foreign(async (raw) => {
    const uids = listed.map(({ uid }) => uid)
    await raw.markDeleted('Sent', uids)
    await raw.expunge('Sent')
  })
  return { messageId, raw: listed.at(-1)!.bytes.toString('latin1') }
}

describe('H10 what became of a draft, in a Sent that was put back from a backup', () => {
  test.for(givenOutAgain)('is found where UIDs $many the last are given out again', async (given) => {
    const { behind, without } = given
    await using answering = await drafted(without)
    const { messageId, raw } = await sentFromElsewhere(answering)
    comes(answering, { folder: 'Sent', minutesAgo: 5 }, ...letters(5, 3))
    await answering.settle()
    expect(await outcome(answering)).toMatchObject({ sent: null })
    await answering.comeBackEmpty()
    comes(answering, { folder: 'Sent', minutesAgo: 1 }, raw, ...letters(1, behind + 1))
    await answering.settle()
    expect(await outcome(answering)).toMatchObject({ status: 'sent', sent: { messageId, evidence: 'exact' } })
  })

  test('is found where old mail was put back behind it, and of that nothing is read', async () => {
    await using answering = await drafted()
    const { messageId, raw } = await sentFromElsewhere(answering)
    await answering.settle()
    answering.mailServer.resetUidValidity('ann', 'Sent')
    comes(answering, { folder: 'Sent', minutesAgo: 1 }, raw)
    comes(answering, { folder: 'Sent', minutesAgo: weeksAgo }, ...Array<string>(1_000).fill(letter(weeksAgo)))
    const mark = answering.device.proxy.mark()
    await answering.settle()
    expect(await outcome(answering)).toMatchObject({ status: 'sent', sent: { messageId, evidence: 'exact' } })
    expect(answering.device.proxy.since(mark).toClient).toBeLessThan(40_000)
  })

  test('is the same where it is looked at twice, and told once', async () => {
    await using answering = await drafted()
    comes(answering, { minutesAgo: 5 }, dated(5, { subject: 'Another' }))
    await answering.settle()
    // Known by what it says alone: such an outcome stays open to better evidence.
    await act(hand(answering, outlookDesktop), 'little')
    comes(answering, { folder: 'Sent', minutesAgo: 5 }, ...letters(5, 3))
    await answering.settle()
    const [before, open] = await answering.outcomes()
    expect([before, open]).toMatchObject([{ status: 'sent', sent: { evidence: 'probable' } }, { sent: null }])
    const [first] = await answering.device.foreign((raw) => raw.listMessages('Sent'))
    const [copy] = await answering.device.drafts()
    await answering.comeBackEmpty()
    const raws = [first, copy].map((one) => one!.bytes.toString('latin1'))
    comes(answering, { folder: 'Sent', minutesAgo: -1 }, ...raws, ...letters(0, 3))
    await answering.settle()
    await answering.settle()
    // The other one, which has got the UID of a letter, says that all was looked at again.
    expect(await answering.outcomes()).toMatchObject([before!, { id: open!.id, sent: { evidence: 'exact' } }])
    expect(answering.device.events.filter(({ type }) => type === 'outcome.sent')).toHaveLength(2)
  })

  test('with the date of that day in all of it: what says that it is older is not read', async () => {
    await using answering = await drafted()
    const { messageId, raw } = await sentFromElsewhere(answering)
    comes(answering, { folder: 'Sent', minutesAgo: 5 }, letter(5))
    await answering.settle()
    await answering.comeBackEmpty()
    const long = Array.from({ length: 200 }, () => dated(weeksAgo, { from: 'ann@example.org', text: noise() }))
    comes(answering, { folder: 'Sent', minutesAgo: 1 }, ...long, raw)
    const mark = answering.device.proxy.mark()
    await answering.settle()
    expect(await outcome(answering)).toMatchObject({ status: 'sent', sent: { messageId, evidence: 'exact' } })
    expect(answering.device.proxy.since(mark).toClient).toBeLessThan(200_000)
  })
})
