import { DatabaseSync } from 'node:sqlite'

import { describe, expect, test } from 'vitest'

import { openSender } from '../engine/sender.ts'
import { incompressible, settle } from '../live/harness.ts'

/** The server takes the mail, and its answer to the dot is lost. */
const lostAnswer = { on: { verb: '.' }, do: { kind: 'drop-reply', andThen: 'cut', by: 'rst' } } as const

describe('H20 no draft comes back after it was sent', () => {
  test('a send waits for the upload that runs, and its copy goes', async () => {
    await using sender = await openSender({ without: ['REPLACE'] })
    const { device, mailServer } = sender
    const draft = await device.create({ text: 'being uploaded\n' })
    mailServer.faults.add({ on: { verb: 'APPEND' }, do: { kind: 'delay-reply', delayMs: 200 } })
    const started = new Promise<void>((resolve) => {
      device.engine.subscribe({}, (event) => {
        if (event.type === 'upload-started') resolve()
      })
    })
    await device.engine.drafts.flush(draft.id)
    await started
    const { id } = await device.engine.drafts.send(draft.id)
    expect(await sender.ends(id)).toMatchObject({ phase: 'cleaned' })
    await settle(device)
    expect(sender.texts()).toEqual([])
    expect(sender.taken('being uploaded')).toBe(1)
  })

  test('also for one that has only just begun, and has written nothing down yet', async () => {
    await using sender = await openSender({ without: ['REPLACE'] })
    const { device, mailServer } = sender
    const { engine, account } = device
    const draft = await device.create({ text: 'about to be uploaded\n' })
    mailServer.faults.add({ on: { verb: 'SELECT' }, do: { kind: 'delay-reply', delayMs: 300 } })
    await engine.drafts.flush(draft.id)
    const isRunning = async (): Promise<boolean> =>
      (await engine.tasks.list(account.id)).items.some(
        ({ kind, state }) => kind === 'draft_upload' && state === 'running',
      )
    await expect.poll(isRunning, { interval: 5 }).toBe(true)
    const { id, phase } = await engine.drafts.send(draft.id)
    expect(phase).toBe('queued')
    expect(await sender.ends(id)).toMatchObject({ phase: 'cleaned' })
    await settle(device)
    expect(sender.texts()).toEqual([])
    expect(sender.taken('about to be uploaded')).toBe(1)
  })

  test('a copy whose upload lost its answer is found before the send, and goes', async () => {
    await using sender = await openSender({ without: ['REPLACE'] })
    const { device, mailServer } = sender
    const draft = await device.create({ text: 'late copy\n' })
    mailServer.faults.add({ on: { verb: 'APPEND' }, do: { kind: 'drop-reply', andThen: 'cut', by: 'rst' } })
    await sender.upload()
    expect(sender.texts()).toHaveLength(1)
    const { id } = await device.engine.drafts.send(draft.id)
    await settle(device)
    expect(await sender.ends(id)).toMatchObject({ phase: 'cleaned' })
    await settle(device)
    expect(sender.texts()).toEqual([])
    expect(sender.taken('late copy')).toBe(1)
  })
})

describe('H21 after the final dot nothing is sent again by itself', () => {
  test('a cut after the dot: unknown, also after a restart and rounds', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const draft = await device.create({ text: 'taken or not\n' })
    mailServer.faults.add(lostAnswer)
    const { id } = await device.engine.drafts.send(draft.id)
    expect(await sender.ends(id)).toMatchObject({ status: 'unknown', attempts: 1 })
    expect((await device.get(draft.id)).status).toBe('sending')
    await device.restart()
    await settle(device)
    expect(await device.engine.sends.get(id)).toMatchObject({ status: 'unknown' })
    expect(sender.taken('taken or not')).toBe(1)
    expect(sender.sent()).toEqual([])
  })

  test('a copy in Sent is proof: the send is sent', async () => {
    await using sender = await openSender({ quirks: { filesSentCopies: { afterMs: 0, messageId: 'kept' } } })
    const { device, mailServer } = sender
    const draft = await device.create({ text: 'proved\n' })
    mailServer.faults.add(lostAnswer)
    const { id } = await device.engine.drafts.send(draft.id)
    expect(await sender.reaches(id, 'cleaned')).toMatchObject({ status: 'sent' })
    expect(sender.taken('proved')).toBe(1)
    expect(sender.sent()).toHaveLength(1)
  })
})

describe('H22 what waits for the user says why, and what can be done', () => {
  test('unknown: the user says that it was sent', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const draft = await device.create({ text: 'resolved\n' })
    mailServer.faults.add(lostAnswer)
    const { id } = await device.engine.drafts.send(draft.id)
    const unknown = await sender.ends(id)
    expect(unknown.error?.code).toBe('CONNECTION_LOST')
    await expect(device.engine.sends.cancel(id)).rejects.toMatchObject({ code: 'TOO_LATE' })
    await expect(device.engine.sends.retry(id)).rejects.toMatchObject({ code: 'TOO_LATE' })
    await device.engine.sends.resolve(id, 'sent')
    expect(await sender.reaches(id, 'cleaned')).toMatchObject({ status: 'sent' })
    expect(sender.taken('resolved')).toBe(1)
    expect(sender.sent()).toHaveLength(1)
    await expect(device.engine.sends.resolve(id, 'send_again')).rejects.toMatchObject({ code: 'TOO_LATE' })
  })

  test('unknown: the user wants it sent again, and it is the same mail to the byte', async () => {
    let passedMs = 0
    await using sender = await openSender({}, {}, { environment: { now: () => Date.now() + passedMs } })
    const { device, mailServer } = sender
    const draft = await device.create({ text: 'again\n' })
    mailServer.faults.add(lostAnswer)
    const { id } = await device.engine.drafts.send(draft.id)
    await sender.ends(id)
    // Made anew, it would have another Date.
    passedMs = 5_000
    await device.engine.sends.resolve(id, 'send_again')
    expect(await sender.reaches(id, 'cleaned')).toMatchObject({ id, status: 'sent', attempts: 2 })
    const [first, second, ...more] = mailServer.submissions
    expect(more).toEqual([])
    expect(second?.bytes).toEqual(first?.bytes)
  })

  test('a login that is refused: parked, and retry goes on', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const draft = await device.create({ text: 'let in\n' })
    mailServer.faults.add({ on: { verb: 'AUTH' }, do: { kind: 'smtp-reply', reply: '535 5.7.8 No such password' } })
    const { id } = await device.engine.drafts.send(draft.id)
    expect(await sender.ends(id)).toMatchObject({ status: 'queued', isHeld: true, error: { code: 'AUTH_FAILED' } })
    await device.engine.sends.retry(id)
    expect(await sender.reaches(id, 'cleaned')).toMatchObject({ status: 'sent', error: null })
    expect(sender.taken('let in')).toBe(1)
  })

  test('another program has edited the draft: the send is held, until the user says go', async () => {
    await using sender = await openSender({ without: ['REPLACE'] })
    const { device } = sender
    const draft = await device.create({ text: 'ours\n' })
    await sender.upload()
    await device.foreign(async (raw) => {
      const [copy] = await raw.listMessages('Drafts')
      const edited = copy!.bytes
        .toString('utf8')
        .replace('ours', 'theirs')
        .replace(/^Message-ID: <.{12}/im, (id) => id.replace(/.{12}$/, 'abcdefabcdef'))
      await raw.append('Drafts', edited, ['\\Draft'])
    })
    const { id } = await device.engine.drafts.send(draft.id)
    await expect.poll(async () => (await device.engine.sends.get(id)).isHeld).toBe(true)
    expect(await device.engine.sends.get(id)).toMatchObject({ status: 'queued', error: { code: 'SUCCESSOR' } })
    expect(sender.mailServer.submissions).toEqual([])
    await device.engine.sends.retry(id)
    expect(await sender.reaches(id, 'cleaned')).toMatchObject({ status: 'sent' })
    expect(sender.taken('ours')).toBe(1)
  })

  test('another program has sent the draft: the send is held', async () => {
    await using sender = await openSender()
    const { device } = sender
    const draft = await device.create({ text: 'sent elsewhere\n' })
    await sender.upload()
    await device.foreign(async (raw) => {
      const [copy] = await raw.listMessages('Drafts')
      await raw.append('Sent', copy!.bytes.toString('utf8'), ['\\Seen'])
      await raw.markDeleted('Drafts', [copy!.uid])
      await raw.expunge('Drafts')
    })
    const { id } = await device.engine.drafts.send(draft.id)
    await expect.poll(async () => (await device.engine.sends.get(id)).isHeld).toBe(true)
    expect(await device.engine.sends.get(id)).toMatchObject({ status: 'queued', error: { code: 'FOUND_IN_SENT' } })
    await device.engine.sends.cancel(id)
    expect((await device.get(draft.id)).status).toBe('draft')
    expect(sender.mailServer.submissions).toEqual([])
  })
})

describe('H23 a lost connection is not repeated in silence', () => {
  for (const verb of ['MAIL', 'RCPT', 'DATA']) {
    test(`cut at ${verb}: nobody has it, it goes later, once`, async () => {
      await using sender = await openSender()
      const { device, mailServer } = sender
      const draft = await device.create({ text: `cut at ${verb}\n` })
      mailServer.faults.add({ on: { verb, protocol: 'smtp' }, do: { kind: 'cut', by: 'rst' } })
      const { id } = await device.engine.drafts.send(draft.id)
      await expect
        .poll(async () => (await device.engine.sends.get(id)).events.map(({ type }) => type))
        .toContain('lost-before-dot')
      expect(await device.engine.sends.get(id)).toMatchObject({ attempts: 0 })
      await device.engine.sends.retry(id)
      expect(await sender.ends(id)).toMatchObject({ status: 'sent', attempts: 1 })
      expect(sender.taken(`cut at ${verb}`)).toBe(1)
    })
  }
})

describe('H24 a failure after 250 sends nothing again', () => {
  for (const { what, rule } of [
    { what: 'a cut at APPEND', rule: { kind: 'cut', by: 'rst' } },
    { what: 'an APPEND whose answer is lost', rule: { kind: 'drop-reply', andThen: 'cut', by: 'rst' } },
    { what: 'an APPEND that is refused', rule: { kind: 'answer', status: 'NO', text: '[OVERQUOTA] Full' } },
  ] as const) {
    test(`${what} for the copy in Sent: one mail, and one copy in the end`, async () => {
      await using sender = await openSender()
      const { device, mailServer } = sender
      const draft = await device.create({ text: 'filed at last\n' })
      mailServer.faults.add({ on: { verb: 'APPEND' }, do: rule })
      const { id } = await device.engine.drafts.send(draft.id)
      await sender.reaches(id, 'accepted')
      expect((await device.get(draft.id)).status).toBe('sent')
      await device.restart()
      await settle(device)
      expect(await sender.reaches(id, 'cleaned')).toMatchObject({ status: 'sent', attempts: 1 })
      expect(sender.taken('filed at last')).toBe(1)
      expect(sender.sent()).toHaveLength(1)
    })
  }
})

describe('H25 the bytes are kept until the copy in Sent is confirmed', () => {
  test('while Sent takes nothing, through housekeeping and a restart', async () => {
    await using sender = await openSender({ without: ['REPLACE', 'CATENATE'] })
    const { device, mailServer } = sender
    const draft = await device.create({ text: 'kept\n' })
    const file = incompressible(300_000)
    await device.attach(draft.id, file)
    const fault = mailServer.faults.add({
      on: { verb: 'APPEND', times: 'always' },
      do: { kind: 'answer', status: 'NO', text: '[OVERQUOTA] Full' },
    })
    const { id } = await device.engine.drafts.send(draft.id)
    await expect.poll(async () => (await device.engine.sends.get(id)).error?.code).toBe('OVERQUOTA')
    await device.engine.housekeep()
    await device.restart()
    fault.remove()
    await settle(device)
    await sender.reaches(id, 'cleaned')
    expect(sender.sent()).toHaveLength(1)
    expect(sender.sent()[0]).toContain(Buffer.from(file).toString('base64').slice(0, 76))
    // And not longer: what nobody needs is collected.
    expect((await device.engine.housekeep()).blobsCollected).toBeGreaterThan(0)
  })
})

describe('H26 nothing is filed in Sent that was not taken', () => {
  test('after a refusal, and after a lost connection', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const draft = await device.create()
    mailServer.faults.add({ on: { verb: 'MAIL' }, do: { kind: 'smtp-reply', reply: '550 5.7.1 Not you' } })
    const { id } = await device.engine.drafts.send(draft.id)
    expect(await sender.ends(id)).toMatchObject({ status: 'failed' })
    mailServer.faults.add({ on: { verb: 'DATA' }, do: { kind: 'cut', by: 'rst' } })
    await device.engine.sends.retry(id)
    await expect
      .poll(async () => (await device.engine.sends.get(id)).events.map(({ type }) => type))
      .toContain('lost-before-dot')
    await device.engine.sends.cancel(id)
    await settle(device)
    expect(sender.sent()).toEqual([])
    expect(await device.get(draft.id)).toMatchObject({ status: 'draft' })
  })
})

describe('H27 one copy in Sent, whoever files it', () => {
  for (const { what, afterMs, waitMs, lookMs, by } of [
    { what: 'files at once', afterMs: 0, waitMs: 3_000, lookMs: 3_600_000, by: 'server' },
    { what: 'files while we wait', afterMs: 700, waitMs: 20_000, lookMs: 3_600_000, by: 'server' },
    { what: 'files after we did', afterMs: 600, waitMs: 0, lookMs: 1_000, by: 'both' },
    { what: 'files long after we did', afterMs: 1_500, waitMs: 0, lookMs: 500, by: 'both' },
    { what: 'files never', afterMs: null, waitMs: 0, lookMs: 600, by: 'us' },
  ] as const) {
    test(`a server that ${what}`, async () => {
      const quirks = afterMs === null ? {} : { filesSentCopies: { afterMs, messageId: 'kept' } as const }
      await using sender = await openSender({ quirks }, { sentCopyWaitMs: waitMs, sentCopyLookAgainMs: lookMs })
      const { device } = sender
      const draft = await device.create({ text: 'once in Sent\n' })
      const { id } = await device.engine.drafts.send(draft.id)
      const record = await sender.reaches(id, 'cleaned')
      expect(record.events.some(({ type }) => type === 'filed')).toBe(by !== 'server')
      if (by === 'both') await expect.poll(() => sender.sent().length, { timeout: 5_000 }).toBe(2)
      await expect.poll(() => sender.sent().length, { timeout: 5_000 }).toBe(1)
      expect(sender.taken('once in Sent')).toBe(1)
      // What was learnt: the next is left to a server that files, and not to one that does not.
      if (by !== 'both') return
      const next = await device.create({ text: 'the next\n' })
      const second = await device.engine.drafts.send(next.id)
      const left = await sender.reaches(second.id, 'cleaned')
      expect(left.events.map(({ type }) => type)).not.toContain('filed')
      expect(sender.sent()).toHaveLength(2)
    })
  }
})

describe('H28 a provider that changes the Message-ID', () => {
  for (const messageId of ['rewritten', 'rewritten-by-google', 'rewritten-by-microsoft'] as const) {
    test(`${messageId}: its copy is recognised, and none is filed beside it`, async () => {
      await using sender = await openSender(
        { quirks: { filesSentCopies: { afterMs: 0, messageId } } },
        { sentCopyWaitMs: 3_000 },
      )
      const { device } = sender
      const draft = await device.create({ text: 'renamed\n' })
      const { id } = await device.engine.drafts.send(draft.id)
      const record = await sender.reaches(id, 'cleaned')
      expect(record.events.map(({ type }) => type)).not.toContain('filed')
      expect(sender.sent()).toHaveLength(1)
    })
  }
})

describe('H29 being offline costs no attempt', () => {
  test('the server cannot be reached: it waits, and goes by hand', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const draft = await device.create({ text: 'offline\n' })
    const fault = mailServer.faults.add({ on: { connect: 'every', protocol: 'smtp' }, do: { kind: 'refuse' } })
    const { id } = await device.engine.drafts.send(draft.id)
    await expect.poll(async () => (await device.engine.sends.get(id)).error).not.toBeNull()
    for (let times = 0; times < 5; times += 1) await device.engine.sends.retry(id)
    expect(await device.engine.sends.get(id)).toMatchObject({ status: 'queued', attempts: 0 })
    fault.remove()
    await device.engine.sync(device.account.id, { waitMs: 10_000 })
    expect(await sender.ends(id)).toMatchObject({ status: 'sent', attempts: 1 })
    expect(sender.taken('offline')).toBe(1)
  })
})

describe('H30 every send with something left to do is taken up at the start', () => {
  test('whatever the queue has lost of it', async () => {
    await using sender = await openSender()
    const { device } = sender
    const later = await device.engine.drafts.send((await device.create({ text: 'scheduled\n' })).id, { undoMs: 1_500 })
    const { items } = await device.engine.tasks.list(device.account.id)
    expect(items.filter(({ key }) => key === later.id).map(({ kind }) => kind)).toEqual(['outbox_check'])
    await device.engine.close()
    const raw = new DatabaseSync(device.file)
    raw.exec('delete from task')
    raw.close()
    await device.restart()
    expect(await sender.ends(later.id)).toMatchObject({ status: 'sent' })
    expect(sender.taken('scheduled')).toBe(1)
  })
})

describe('H37 a draft that is never uploaded is sent all the same', () => {
  test('and is in Drafts at no time', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const draft = await device.engine.drafts.create({
      accountId: device.account.id,
      to: 'bob@example.com',
      text: 'local only\n',
      policy: 'local-only',
    })
    const { id } = await device.engine.drafts.send(draft.id)
    expect(await sender.ends(id)).toMatchObject({ status: 'sent', phase: 'cleaned' })
    await settle(device)
    expect(mailServer.mailbox('ann', 'Drafts')).toEqual([])
    expect(mailServer.store.find('ann', 'Drafts')?.uidNext ?? 1).toBe(1)
    expect(sender.taken('local only')).toBe(1)
  })
})

describe('H33 a send binds its revision', () => {
  test('undone, edited and sent again: only the new text goes', async () => {
    await using sender = await openSender()
    const { device } = sender
    const draft = await device.create({ text: 'the old text\n' })
    const first = await device.engine.drafts.send(draft.id, { undoMs: 60_000 })
    await device.engine.sends.cancel(first.id)
    await device.engine.drafts.save(draft.id, { text: 'the new text\n' })
    const second = await device.engine.drafts.send(draft.id)
    expect(second).toMatchObject({ version: 2 })
    await sender.ends(second.id)
    expect(sender.taken('the new text')).toBe(1)
    expect(sender.taken('the old text')).toBe(0)
    expect(await device.engine.sends.get(first.id)).toMatchObject({ status: 'cancelled' })
  })

  test('after a failure and an edit, the old consent cannot be used for the new text', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const draft = await device.create({ text: 'refused\n' })
    mailServer.faults.add({ on: { verb: 'MAIL' }, do: { kind: 'smtp-reply', reply: '550 5.7.1 No' } })
    const { id } = await device.engine.drafts.send(draft.id)
    await sender.ends(id)
    await device.engine.drafts.save(draft.id, { text: 'edited\n' })
    await expect(device.engine.sends.retry(id)).rejects.toMatchObject({ code: 'VERSION_MISMATCH' })
    expect(mailServer.submissions).toEqual([])
  })
})

describe('H34 one claim per item', () => {
  test('many windows send at once: one consent, one mail', async () => {
    await using sender = await openSender()
    const { device } = sender
    const draft = await device.create({ text: 'pressed often\n' })
    const presses = await Promise.allSettled(Array.from({ length: 10 }, () => device.engine.drafts.send(draft.id)))
    const consents = presses.filter((press) => press.status === 'fulfilled')
    expect(consents).toHaveLength(1)
    await sender.ends(consents[0]!.value.id)
    expect(sender.taken('pressed often')).toBe(1)
  })
})

describe('H35 a scheduled mail goes once', () => {
  test('however often it is hurried, and the engine restarted in between', async () => {
    await using sender = await openSender()
    const { device } = sender
    const draft = await device.create({ text: 'on time\n' })
    const { id } = await device.engine.drafts.send(draft.id, { sendAt: Date.now() + 3_600_000 })
    await Promise.all(Array.from({ length: 10 }, () => device.engine.sends.retry(id)))
    await device.restart()
    await sender.ends(id)
    await device.restart()
    await settle(device)
    expect(sender.taken('on time')).toBe(1)
  })
})

describe('H36 one bad item blocks nothing', () => {
  test('a mail that is refused for now, and the next that is not', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const bad = await device.create({ text: 'the bad one\n' })
    const good = await device.create({ text: 'the good one\n' })
    mailServer.faults.add({ on: { verb: 'MAIL' }, do: { kind: 'smtp-reply', reply: '451 4.3.0 Not now' } })
    const first = await device.engine.drafts.send(bad.id)
    await expect.poll(async () => (await device.engine.sends.get(first.id)).attempts).toBe(1)
    const second = await device.engine.drafts.send(good.id)
    expect(await sender.ends(second.id)).toMatchObject({ status: 'sent' })
    expect(sender.taken('the bad one')).toBe(0)
  })
})

describe('H38 private fields stay here', () => {
  test('and what the draft says arrives whole', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const draft = await device.engine.drafts.create({
      accountId: device.account.id,
      to: 'Zoë Example <ann@example.org>',
      subject: 'Grüße',
      text: 'Schöne Grüße\n',
      html: '<p>Schöne Grüße</p>',
      references: ['<a@example.org>', '<b@example.org>'],
      inReplyTo: '<b@example.org>',
      metadata: { secret: 'for the program alone' },
      tags: ['private-tag'],
    })
    await sender.upload()
    const { id } = await device.engine.drafts.send(draft.id)
    await sender.ends(id)
    const [arrived] = mailServer.mailbox('ann', 'INBOX')
    const text = new TextDecoder().decode(arrived?.bytes)
    expect(text).toMatch(/^In-Reply-To: <b@example\.org>/m)
    expect(text).toMatch(/^References: <a@example\.org>\s+<b@example\.org>/m)
    expect(text).not.toMatch(/x-everdraft|private-tag|for the program/i)
    expect(text).not.toContain(draft.id)
    expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
  })
})

describe('H39 nobody learns of Bcc', () => {
  test('they get it, the mail does not say so, and the copy in Sent does', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const draft = await device.engine.drafts.create({
      accountId: device.account.id,
      to: 'bob@example.com',
      bcc: ['Ann Example <ann@example.org>', 'hidden@example.com'],
      text: 'hush\n',
    })
    await sender.upload()
    const { id } = await device.engine.drafts.send(draft.id)
    await sender.ends(id)
    const [submission] = mailServer.submissions
    expect(submission?.envelope.to).toEqual(['bob@example.com', 'ann@example.org', 'hidden@example.com'])
    expect(new TextDecoder().decode(submission?.bytes)).not.toMatch(/^bcc:|hidden/im)
    expect(new TextDecoder().decode(mailServer.mailbox('ann', 'INBOX')[0]?.bytes)).not.toMatch(/^bcc:|hidden/im)
    expect(sender.sent()[0]).toMatch(/^Bcc:[^\r\n]*ann@example\.org[^]*hidden@example\.com/m)
  })
})

describe('H40 Date is when it goes', () => {
  test('not when it was consented to, nor when the draft was uploaded', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const draft = await device.create({ text: 'dated\n' })
    await sender.upload()
    const { id, createdAt } = await device.engine.drafts.send(draft.id, { undoMs: 1_200 })
    await sender.ends(id)
    const text = new TextDecoder().decode(mailServer.submissions[0]?.bytes)
    const date = /^Date: (.*)\r$/m.exec(text)?.[1] ?? ''
    // RFC 5322 §3.3.
    expect(date).toMatch(/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}$/)
    expect(Date.parse(date)).toBeGreaterThanOrEqual(Math.floor((createdAt + 1_200) / 1_000) * 1_000)
  })
})
