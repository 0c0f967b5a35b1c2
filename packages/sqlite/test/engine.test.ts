import { type AccountId, createEngine, type Engine, type Umid, type Version, WireError } from '@everdraft/core'
import Database from 'better-sqlite3'
import { describe, expect, test } from 'vitest'

import { sqlite } from '../src/index.ts'
import { codeOf, comeToRest, openFakeDevice, password, sqliteError, withStatementHook } from './harness.ts'

const imap = { host: 'mail.example.org', port: 993, security: 'tls', user: 'ben', password } as const
const secondAccount = (engine: Engine) => engine.accounts.add({ address: 'ben@example.com', name: 'Ben', imap })
const nobody = '00000000-0000-7000-8000-000000000000'

describe('creating', () => {
  test('a draft is at version 1, local-only, from the account, and waits for its upload', async () => {
    await using device = await openFakeDevice()
    const draft = await device.engine.drafts.create({ subject: 'A letter', to: 'Bob <bob@example.com>' })
    expect(draft).toMatchObject({
      accountId: device.account.id,
      version: 1,
      status: 'draft',
      from: { address: 'ann@example.org', name: 'Ann' },
      to: [{ address: 'bob@example.com', name: 'Bob' }],
      sync: { state: 'local-only', pending: { reason: 'waiting' }, uid: null, lastError: null },
    })
    expect(await device.engine.drafts.history(draft.id)).toMatchObject([
      { version: 1, by: 'user', fieldsChanged: ['from', 'to', 'subject'] },
    ])
  })

  test('without an account it goes to the one whose address it is from, whatever the letter case', async () => {
    await using device = await openFakeDevice()
    const ben = await secondAccount(device.engine)
    const byFrom = async (from: string) => (await device.engine.drafts.create({ from })).accountId
    expect(await byFrom('Ann <ANN@Example.org>')).toBe(device.account.id)
    expect(await byFrom('ben@example.com')).toBe(ben.id)
  })

  test('without an account and sender it goes to the account used last', async () => {
    await using device = await openFakeDevice()
    await device.time.advance(1_000)
    const ben = await secondAccount(device.engine)
    expect((await device.engine.drafts.create({})).accountId).toBe(ben.id)
    await device.time.advance(1_000)
    await device.engine.drafts.create({ accountId: device.account.id })
    const picked = await device.engine.drafts.create({})
    expect(picked.accountId).toBe(device.account.id)
    expect(picked.from?.address).toBe('ann@example.org')
  })

  test('for an account that is not there it is NOT_FOUND, and nothing is stored', async () => {
    await using device = await openFakeDevice()
    expect(await codeOf(device.engine.drafts.create({ accountId: nobody as AccountId }))).toBe('NOT_FOUND')
    expect((await device.engine.drafts.list()).total).toBe(0)
  })

  test('a sender left blank is the account’s own', async () => {
    await using device = await openFakeDevice()
    expect((await device.engine.drafts.create({ from: ' ' })).from).toEqual({ address: 'ann@example.org', name: 'Ann' })
  })
})

describe('saving', () => {
  test('an edit on an old version is refused and stores nothing (H19)', async () => {
    await using device = await openFakeDevice()
    const { drafts } = device.engine
    const draft = await drafts.create({ text: 'one' })
    await drafts.save(draft.id, { text: 'two' }, { baseVersion: draft.version })
    expect(await codeOf(drafts.save(draft.id, { text: 'three' }, { baseVersion: draft.version }))).toBe(
      'VERSION_MISMATCH',
    )
    expect(await drafts.get(draft.id)).toMatchObject({ version: 2, text: 'two' })
    expect(await drafts.history(draft.id)).toHaveLength(2)
  })

  test('of twenty edits on one version exactly one is stored (H19)', async () => {
    await using device = await openFakeDevice()
    const { drafts } = device.engine
    const draft = await drafts.create({ text: 'one' })
    const codes = await Promise.all(
      Array.from({ length: 20 }, (_each, index) =>
        codeOf(drafts.save(draft.id, { text: `edit ${index}` }, { baseVersion: draft.version })),
      ),
    )
    expect(codes.filter((code) => code === 'no error')).toHaveLength(1)
    expect(codes.filter((code) => code === 'VERSION_MISMATCH')).toHaveLength(19)
    expect((await drafts.get(draft.id)).version).toBe(2)
  })

  test('what changes nothing makes no revision, no event and no upload (H17)', async () => {
    await using device = await openFakeDevice()
    const { drafts } = device.engine
    const fields = { to: 'Bob <bob@example.com>', text: 'one\ntwo', metadata: { b: 1, a: { d: 1, c: 2 } }, tags: ['x'] }
    const draft = await drafts.create(fields)
    await device.sync()
    const { length } = device.events
    const commands = device.mailbox.commands.length
    for (const same of [
      {},
      { to: [{ address: 'bob@example.com', name: 'Bob' }] },
      { text: 'one\r\ntwo' },
      { metadata: { a: { c: 2, d: 1 }, b: 1 } },
      { tags: [' x ', 'x'] },
      { cc: null, html: null, bcc: [] },
    ]) {
      const saved = await drafts.save(draft.id, same)
      expect(saved.version, JSON.stringify(same)).toBe(1)
    }
    await device.time.advance(200_000)
    expect(device.events.length).toBe(length)
    expect(device.mailbox.commands.slice(commands).filter((command) => command.startsWith('append'))).toEqual([])
  })

  test('reading, listing and flushing a draft changes nothing (H17)', async () => {
    await using device = await openFakeDevice()
    const { drafts } = device.engine
    const draft = await drafts.create({ text: 'one' })
    await device.sync()
    const before = await drafts.get(draft.id)
    const { length } = device.events
    await drafts.list()
    await drafts.history(draft.id)
    await drafts.flush(draft.id)
    await device.time.advance(1_000)
    expect(await drafts.get(draft.id)).toEqual(before)
    expect(device.events.length).toBe(length)
  })

  test('null empties a field, and the history says which fields changed and by whom', async () => {
    await using device = await openFakeDevice()
    const { drafts } = device.engine
    const draft = await drafts.create({ subject: 'A letter', to: 'b@c', html: '<p>hi</p>', tags: ['x'] })
    await drafts.save(draft.id, { subject: null, to: null, html: null, tags: null }, { by: 'program' })
    expect(await drafts.get(draft.id)).toMatchObject({ subject: '', to: [], html: null, tags: [] })
    expect((await drafts.history(draft.id))[0]).toMatchObject({
      version: 2,
      by: 'program',
      fieldsChanged: ['to', 'subject', 'html', 'tags'],
    })
  })

  test('a draft that is not there is NOT_FOUND for every act', async () => {
    await using device = await openFakeDevice()
    const { drafts } = device.engine
    const id = nobody as Umid
    expect(
      await Promise.all(
        [
          drafts.get(id),
          drafts.save(id, { text: 'x' }),
          drafts.discard(id),
          drafts.history(id),
          drafts.flush(id),
          drafts.detach(id, nobody as never),
          drafts.readAttachment(id, nobody as never),
        ].map(codeOf),
      ),
    ).toEqual(Array.from({ length: 7 }, () => 'NOT_FOUND'))
  })

  test('get beside saves and uploads never meets a draft between two states', async () => {
    await using device = await openFakeDevice({ timing: { uploadDelayMs: 0 } })
    const { drafts } = device.engine
    const draft = await drafts.create({ text: 'start' })
    for (let round = 0; round < 20; round += 1) {
      const syncing = device.sync()
      const reads = Array.from({ length: 10 }, () => drafts.get(draft.id))
      const saving = drafts.save(draft.id, { text: `round ${round}` })
      const lists = Array.from({ length: 10 }, () => drafts.list())
      for (const read of await Promise.all(reads)) {
        const { state, uploadedVersion } = read.sync
        if (state === 'synchronized') expect(uploadedVersion).toBe(read.version)
        if (state === 'local-only') expect(uploadedVersion).toBeNull()
      }
      await Promise.all([saving, syncing, ...lists])
    }
  })
})

describe('discarding', () => {
  test('takes the copies from the server, keeps text and history, and refuses every later edit', async () => {
    await using device = await openFakeDevice()
    const { drafts } = device.engine
    const draft = await drafts.create({ text: 'one' })
    await drafts.save(draft.id, { text: 'two' })
    await device.sync()
    expect(device.mailbox.drafts()).toHaveLength(1)
    const discarded = await drafts.discard(draft.id)
    expect(discarded).toMatchObject({ status: 'discarded', text: 'two', version: 2 })
    await device.time.advance(0)
    expect(device.mailbox.drafts()).toEqual([])
    expect(await drafts.history(draft.id)).toHaveLength(2)
    expect(await codeOf(drafts.save(draft.id, { text: 'three' }))).toBe('NOT_A_DRAFT')
    expect(await codeOf(drafts.discard(draft.id))).toBe('NOT_A_DRAFT')
    expect(await codeOf(drafts.detach(draft.id, nobody as never))).toBe('NOT_A_DRAFT')
  })

  test('on an old version is refused: the newer words stay (H19)', async () => {
    await using device = await openFakeDevice()
    const { drafts } = device.engine
    const draft = await drafts.create({ text: 'one' })
    await drafts.save(draft.id, { text: 'two' })
    expect(await codeOf(drafts.discard(draft.id, { baseVersion: draft.version }))).toBe('VERSION_MISMATCH')
    expect((await drafts.get(draft.id)).status).toBe('draft')
  })

  test('while its upload is on the wire: no copy is left (H20)', async () => {
    await using device = await openFakeDevice()
    const { drafts } = device.engine
    const draft = await drafts.create({ text: 'one' })
    const reached = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    device.mailbox.fault = (command) => {
      if (command !== 'append') return null
      reached.resolve()
      return { hold: held.promise }
    }
    const syncing = device.sync()
    await reached.promise
    await drafts.discard(draft.id)
    held.resolve()
    await syncing
    await device.time.advance(1_000)
    expect(device.mailbox.drafts()).toEqual([])
    expect((await drafts.get(draft.id)).status).toBe('discarded')
  })
})

describe('a draft that must stay here', () => {
  test('is never uploaded, and still durable (H37)', async () => {
    await using device = await openFakeDevice()
    const { engine } = device
    const draft = await engine.drafts.create({ text: 'secret', policy: 'local-only' })
    await engine.drafts.save(draft.id, { text: 'more secret' })
    await engine.drafts.attach(draft.id, { filename: 'a', content: new Uint8Array(10) })
    await engine.drafts.flush(draft.id)
    expect(await device.sync()).toMatchObject({ uploaded: 0, pending: 0 })
    await device.time.advance(3_600_000)
    await device.restart()
    await device.sync()
    expect(device.mailbox.commands.filter((command) => command.startsWith('append'))).toEqual([])
    expect(await device.engine.drafts.get(draft.id)).toMatchObject({ text: 'more secret', sync: { pending: null } })
  })
})

describe('the report of a sync', () => {
  test('counts first copies, replaced ones, what is pending and what failed', async () => {
    await using device = await openFakeDevice()
    const { engine, mailbox } = device
    const [one, two] = [await engine.drafts.create({ text: 'one' }), await engine.drafts.create({ text: 'two' })]
    expect(await device.sync()).toMatchObject({ uploaded: 2, replaced: 0, pending: 0, errors: [], settled: true })
    await engine.drafts.save(one.id, { text: 'one, again' })
    expect(await device.sync()).toMatchObject({ uploaded: 0, replaced: 1, pending: 0 })
    expect(await device.sync()).toMatchObject({ uploaded: 0, replaced: 0, pending: 0 })
    mailbox.fault = (command) => (command === 'append' ? { refuse: 'OVERQUOTA' } : null)
    await engine.drafts.save(two.id, { text: 'two, again' })
    const refused = await device.sync()
    expect(refused).toMatchObject({ uploaded: 0, replaced: 0, pending: 1, settled: true })
    expect(refused.errors).toMatchObject([{ code: 'OVERQUOTA' }])
    expect((await engine.drafts.get(two.id)).sync).toMatchObject({
      pending: { reason: 'parked' },
      lastError: { code: 'OVERQUOTA' },
    })
  })

  test('one draft that the server refuses keeps no other from its upload (H05, H36)', async () => {
    await using device = await openFakeDevice()
    const { engine, mailbox } = device
    let appends = 0
    mailbox.fault = (command, line) => {
      if (command !== 'append' || line === '') return null
      // Asked twice for each: when the command comes, and for its answer.
      appends += 1
      return appends <= 2 ? { refuse: 'TOOBIG' } : null
    }
    for (const text of ['one', 'two', 'three']) await engine.drafts.create({ text })
    expect(await device.sync()).toMatchObject({ uploaded: 2, pending: 1 })
    expect(mailbox.drafts()).toHaveLength(2)
  })

  test('offline it settles with the reason, and costs no attempt (H29)', async () => {
    await using device = await openFakeDevice()
    const { engine, mailbox } = device
    await engine.drafts.create({ text: 'one' })
    // The connection of before is idle, and closed.
    await device.time.advance(60_000)
    const later = await engine.drafts.create({ text: 'two' })
    mailbox.fault = (command) => (command === 'connect' ? { cut: 'before', code: 'UNREACHABLE' } : null)
    await device.time.advance(3_600_000)
    const tasks = await device.tasks()
    expect(tasks.every((task) => task.attempts === 0 && task.state === 'waiting')).toBe(true)
    expect((await engine.drafts.get(later.id)).sync).toMatchObject({
      pending: { reason: 'offline' },
      lastError: { code: 'UNREACHABLE' },
    })
    expect(await device.sync()).toMatchObject({ settled: true, uploaded: 0, pending: 1 })
    mailbox.fault = () => null
    // Retry by hand works at once.
    expect(await device.sync()).toMatchObject({ uploaded: 1, pending: 0, errors: [] })
  })

  test('for an account that is not there it is NOT_FOUND', async () => {
    await using device = await openFakeDevice()
    expect(await codeOf(device.engine.sync(nobody as AccountId))).toBe('NOT_FOUND')
  })
})

describe('events', () => {
  test('of a draft’s life come in order, with cursors that grow, and only to who asked for that account', async () => {
    await using device = await openFakeDevice()
    const { engine } = device
    const ben = await secondAccount(engine)
    await comeToRest()
    const heard: string[] = []
    const others: string[] = []
    const cursors: number[] = []
    engine.subscribe({ accountId: device.account.id }, (event) => {
      heard.push(event.type)
      cursors.push(event.cursor)
    })
    const off = engine.subscribe({ accountId: ben.id }, (event) => void others.push(event.type))
    const draft = await engine.drafts.create({ accountId: device.account.id, text: 'one' })
    await engine.drafts.save(draft.id, { text: 'two' })
    await device.sync()
    await engine.drafts.save(draft.id, { text: 'three' })
    await engine.drafts.discard(draft.id)
    await device.sync()
    expect(heard).toEqual([
      'draft-created',
      'draft-saved',
      'upload-started',
      'draft-sync-changed',
      'upload-finished',
      'draft-sync-changed',
      'draft-saved',
      'draft-sync-changed',
      'draft-discarded',
      'copy-removed',
    ])
    expect(cursors).toEqual(cursors.toSorted((a, b) => a - b))
    expect(others).toEqual([])
    off()
    await engine.drafts.create({ accountId: ben.id })
    expect(others).toEqual([])
  })

  test('a password and the words of a user stand in no event, error, task or view of an account', async () => {
    await using device = await openFakeDevice()
    const { engine, mailbox, account } = device
    const secret = 'the words of the user'
    const failures: unknown[] = []
    const draft = await engine.drafts.create({ subject: secret, text: secret, to: `${secret} <a@b.example>` })
    const faults = [
      { throws: new Error(`login ${password} failed for ${secret}`) },
      { throws: new WireError('AUTH_FAILED', 'the server refused the login') },
      { cut: 'after' },
      { refuse: 'OVERQUOTA' },
    ] as const
    for (const fault of faults) {
      for (const at of ['connect', 'append'] as const) {
        mailbox.fault = (command) => (command === at ? fault : null)
        await engine.drafts.save(draft.id, { text: `${secret} ${Math.random()}` })
        failures.push(await device.sync())
        failures.push(await engine.accounts.verify(account.id).catch((error: unknown) => JSON.stringify(error)))
        await device.time.advance(120_000)
      }
    }
    failures.push(await engine.drafts.save(draft.id, { subject: `${secret}\r\n` }).catch((error: unknown) => error))
    const told = JSON.stringify([
      device.events,
      failures,
      await device.tasks(),
      await engine.accounts.list(),
      await engine.accounts.get(account.id),
      (await engine.drafts.get(draft.id)).sync,
    ])
    expect(told).toContain('INTERNAL')
    expect(told).toContain('AUTH_FAILED')
    expect(told).not.toContain(password)
    expect(told).not.toContain(secret)
    expect(mailbox.passwords.every((given) => given === password)).toBe(true)
  })
})

describe('accounts', () => {
  test('CR, LF and NUL are refused in all that ends up in a header or a login', async () => {
    await using device = await openFakeDevice()
    const add = (input: object) => codeOf(device.engine.accounts.add({ address: 'eve@example.com', imap, ...input }))
    expect(await add({ name: 'Eve\r\nBcc: all@example.com' })).toBe('VALIDATION_ERROR')
    expect(await add({ name: 'Eve\0' })).toBe('VALIDATION_ERROR')
    expect(await add({ address: 'e\0ve@example.com' })).toBe('VALIDATION_ERROR')
    expect(await add({ address: 'eve@exa\nmple.com' })).toBe('VALIDATION_ERROR')
    expect(await add({ imap: { ...imap, user: 'eve\r\nA1 LOGOUT' } })).toBe('VALIDATION_ERROR')
    expect(await add({ imap: { ...imap, password: 'x\n' } })).toBe('VALIDATION_ERROR')
    expect(await add({ imap: { ...imap, port: 0 } })).toBe('VALIDATION_ERROR')
    expect((await device.engine.accounts.list()).total).toBe(1)
  })

  test('with unsent drafts it is not removed without a word on them', async () => {
    await using device = await openFakeDevice()
    const { engine, account } = device
    const draft = await engine.drafts.create({ text: 'one' })
    expect(await codeOf(engine.accounts.remove(account.id))).toBe('UNSENT_DRAFTS')
    expect((await engine.drafts.get(draft.id)).text).toBe('one')
    await engine.drafts.discard(draft.id)
    await engine.accounts.remove(account.id)
    expect(await codeOf(engine.accounts.get(account.id))).toBe('NOT_FOUND')
  })

  test('a draft that is made while the account is being removed is not lost in silence', async () => {
    // As soon as the removal has counted the drafts there is one more.
    const onCounted: { act: (() => void) | null } = { act: null }
    await using device = await openFakeDevice({
      wrap: (storage) =>
        withStatementHook(storage, (statement, when) => {
          if (when === 'after' && /^select count\(\*\) .*"status" in/.test(statement)) onCounted.act?.()
        }),
    })
    const { engine, account } = device
    const created = new Promise<string>((resolve) => {
      onCounted.act = () => resolve(codeOf(engine.drafts.create({ accountId: account.id, text: 'one' })))
    })
    const removed = codeOf(engine.accounts.remove(account.id))
    expect([
      ['UNSENT_DRAFTS', 'no error'],
      ['no error', 'NOT_FOUND'],
    ]).toContainEqual([await removed, await created])
  })

  test('“discard” takes the copies from the server, “keep” leaves them', async () => {
    await using device = await openFakeDevice()
    const { engine, account, mailbox } = device
    const ben = await secondAccount(engine)
    await engine.drafts.create({ accountId: account.id, text: 'one' })
    await device.sync()
    expect(mailbox.drafts()).toHaveLength(1)
    await engine.accounts.remove(account.id, { unsent: 'discard' })
    expect(mailbox.drafts()).toEqual([])
    await engine.drafts.create({ accountId: ben.id, text: 'two' })
    await engine.sync(ben.id)
    await engine.accounts.remove(ben.id, { unsent: 'keep' })
    expect(mailbox.drafts()).toMatchObject([{ text: 'two' }])
    expect((await engine.drafts.list()).total).toBe(0)
  })

  test('“keep” refuses to lose what is not on the server as it is here', async () => {
    await using device = await openFakeDevice()
    const { engine, account } = device
    const draft = await engine.drafts.create({ accountId: account.id, text: 'never uploaded' })
    const kept = engine.accounts.remove(account.id, { unsent: 'keep' })
    await expect(kept).rejects.toMatchObject({ code: 'UNSENT_DRAFTS' })
    await device.sync()
    await engine.drafts.save(draft.id, { text: 'not uploaded yet' })
    const edited = engine.accounts.remove(account.id, { unsent: 'keep' })
    await expect(edited).rejects.toMatchObject({ code: 'UNSENT_DRAFTS' })
    expect((await engine.drafts.get(draft.id)).text).toBe('not uploaded yet')
    await device.sync()
    await engine.accounts.remove(account.id, { unsent: 'keep' })
  })

  test('removed, it leaves no row behind that is about it, and its connection ends', async () => {
    await using device = await openFakeDevice()
    const { engine, account, mailbox } = device
    const draft = await engine.drafts.create({ text: 'one' })
    await engine.drafts.attach(draft.id, { filename: 'a', content: new Uint8Array(10) })
    await device.sync()
    await engine.drafts.save(draft.id, { text: 'two' })
    await engine.accounts.remove(account.id, { unsent: 'discard' })
    await comeToRest()
    expect(mailbox.connections()).toBe(0)
    await engine.close()
    const raw = new Database(device.file)
    const tables = raw.prepare(`select name from sqlite_schema where type = 'table'`).all() as { name: string }[]
    const left = tables
      .map(({ name }) => name)
      // The index of the search keeps rows about itself.
      .filter((name) => !/^(sqlite_|draft_search_(data|config|idx)$|meta$|event$)/.test(name))
      .filter((name) => (raw.prepare(`select count(*) as n from "${name}"`).get() as { n: number }).n > 0)
    expect(left).toEqual([])
    expect(raw.prepare(`select payload from event where payload not like '%account-removed%'`).all()).toEqual([])
    raw.close()
  })

  test('removed while it is connecting, it leaves no connection open', async () => {
    await using device = await openFakeDevice()
    const { engine, mailbox } = device
    const reached = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    mailbox.fault = (command) => {
      if (command !== 'connect') return null
      reached.resolve()
      return { hold: held.promise }
    }
    const ben = await secondAccount(engine)
    await reached.promise
    const before = mailbox.connections()
    await engine.accounts.remove(ben.id, { unsent: 'keep' })
    held.resolve()
    await comeToRest()
    expect(mailbox.connections()).toBe(before)
  })

  test('verifying one beside its upload does not end the connection under the upload', async () => {
    await using device = await openFakeDevice({ timing: { idleConnectionMs: 1_000 } })
    const { engine, mailbox, account } = device
    await engine.drafts.create({ text: 'one' })
    const reached = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    mailbox.fault = (command) => {
      if (command !== 'append') return null
      reached.resolve()
      return { hold: held.promise }
    }
    const syncing = device.sync()
    await reached.promise
    await engine.accounts.verify(account.id)
    await device.time.advance(5_000)
    expect(mailbox.commands).not.toContain('logout')
    held.resolve()
    expect(await syncing).toMatchObject({ uploaded: 1, errors: [] })
    await device.time.advance(5_000)
    expect(mailbox.connections()).toBe(0)
  })
})

describe('moving to another account', () => {
  test('while its upload is on the wire: it ends in the new account alone (H09)', async () => {
    await using device = await openFakeDevice()
    const { engine, mailbox } = device
    const ben = await secondAccount(engine)
    await comeToRest()
    // From the other account’s address already, so that the move itself makes no revision.
    const draft = await engine.drafts.create({
      accountId: device.account.id,
      from: 'Ben <ben@example.com>',
      text: 'one',
    })
    const reached = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    mailbox.fault = (command) => {
      if (command !== 'append') return null
      reached.resolve()
      return { hold: held.promise }
    }
    const syncing = device.sync()
    await reached.promise
    await engine.drafts.move(draft.id, ben.id)
    held.resolve()
    await syncing
    mailbox.fault = () => null
    await device.time.advance(60_000)
    await engine.sync(ben.id)
    await device.sync()
    // Both accounts are of one mailbox here; the copy of the old account's upload is to be gone.
    const uploads = device.events.filter((event) => event.type === 'upload-finished')
    expect(uploads.map((event) => event.accountId)).toEqual([device.account.id, ben.id])
    expect(mailbox.drafts()).toHaveLength(1)
    expect(await engine.drafts.get(draft.id)).toMatchObject({ accountId: ben.id, sync: { state: 'synchronized' } })
  })

  test('from an account that is then removed: nothing of it is pending for ever', async () => {
    await using device = await openFakeDevice()
    const { engine } = device
    const ben = await secondAccount(engine)
    const draft = await engine.drafts.create({ accountId: device.account.id, text: 'one' })
    await device.sync()
    await engine.drafts.move(draft.id, ben.id)
    await engine.accounts.remove(device.account.id, { unsent: 'keep' })
    expect(await engine.sync(ben.id)).toMatchObject({ uploaded: 1, pending: 0, errors: [] })
    await engine.drafts.discard(draft.id)
    await engine.sync(ben.id)
    await engine.close()
    const raw = new Database(device.file)
    expect(raw.prepare('select * from delete_debt').all()).toEqual([])
    expect(raw.prepare('select * from task where account_id <> ?').all(ben.id)).toEqual([])
    raw.close()
  })
})

describe('closing', () => {
  test('while an upload runs: it ends in time, and at the next start there is one copy and nothing to do', async () => {
    await using device = await openFakeDevice()
    const { engine, mailbox } = device
    await engine.drafts.create({ text: 'one' })
    const reached = Promise.withResolvers<void>()
    mailbox.fault = (command) => {
      if (command !== 'append') return null
      reached.resolve()
      return { hold: new Promise(() => {}) }
    }
    const syncing = codeOf(device.sync())
    await reached.promise
    const closing = engine.close()
    // The grace is over, and the connection is cut.
    await device.time.advance(5_000)
    await closing
    await syncing
    mailbox.fault = () => null
    await device.restart()
    expect(await device.sync()).toMatchObject({ pending: 0, errors: [] })
    expect(mailbox.drafts()).toHaveLength(1)
  })

  test('twice is once, and every later call fails with CLOSED', async () => {
    await using device = await openFakeDevice()
    const { engine, account } = device
    const draft = await engine.drafts.create({ text: 'one' })
    await Promise.all([engine.close(), engine.close()])
    expect(
      await Promise.all(
        [
          engine.drafts.create({ text: 'two' }),
          engine.drafts.get(draft.id),
          engine.drafts.save(draft.id, { text: 'three' }),
          engine.drafts.attach(draft.id, { filename: 'a', content: new Uint8Array(1) }),
          engine.sync(account.id),
          engine.accounts.list(),
          engine.accounts.verify(account.id),
        ].map(codeOf),
      ),
    ).toEqual(Array.from({ length: 7 }, () => 'CLOSED'))
    expect(device.time.timers()).toEqual([])
  })

  test('an engine that cannot start gives the file free again', async () => {
    await using device = await openFakeDevice()
    await device.engine.close()
    const storage = withStatementHook(sqlite(device.file), (statement, when) => {
      if (when === 'before' && statement.startsWith('delete from "blob"')) throw sqliteError('SQLITE_FULL')
    })
    expect(await codeOf(createEngine({ storage, mailbox: device.mailbox.port }))).toBe('STORAGE_ERROR')
    await device.restart()
    expect((await device.engine.accounts.list()).total).toBe(1)
  })
})

describe('versions', () => {
  test('count up by one, whatever is saved at the same time', async () => {
    await using device = await openFakeDevice()
    const { drafts } = device.engine
    const draft = await drafts.create({ text: 'start' })
    await Promise.all(Array.from({ length: 50 }, (_each, index) => drafts.save(draft.id, { text: `edit ${index}` })))
    const history = await drafts.history(draft.id)
    expect(history.map(({ version }) => version)).toEqual(
      Array.from({ length: 51 }, (_each, index) => (51 - index) as Version),
    )
  })
})

describe('a copy that somebody removes from the server', () => {
  test('takes its draft to the trash after a second round, text and history kept; another’s loss is confirmed as soon', async () => {
    await using device = await openFakeDevice()
    const { engine, mailbox } = device
    const [first, second] = [await engine.drafts.create({ text: 'one' }), await engine.drafts.create({ text: 'two' })]
    await device.sync()
    const remove = (id: Umid) => {
      const copy = mailbox.drafts().find((one) => one.draftId === id)
      mailbox.folder('Drafts').messages.delete(copy!.uid)
    }
    remove(second.id)
    await device.sync()
    expect((await engine.drafts.get(second.id)).status).toBe('draft')
    remove(first.id)
    expect(await device.sync()).toMatchObject({ purged: 1 })
    expect(await engine.drafts.get(second.id)).toMatchObject({ status: 'discarded', text: 'two' })
    expect((await engine.drafts.get(first.id)).status).toBe('draft')
    // One is confirmed, the other is new: it is looked at again after a minute, not at the next poll.
    await device.time.advance(60_000)
    expect((await engine.drafts.get(first.id)).status).toBe('discarded')
    expect((await engine.drafts.undiscard(first.id)).text).toBe('one')
    await device.sync()
    expect(mailbox.drafts()).toMatchObject([{ text: 'one' }])
  })

  test('while there are newer words here takes nothing away: they are uploaded anew (H01)', async () => {
    await using device = await openFakeDevice()
    const { engine, mailbox } = device
    const draft = await engine.drafts.create({ text: 'one' })
    await device.sync()
    await engine.drafts.save(draft.id, { text: 'two' })
    mailbox.folder('Drafts').messages.clear()
    for (let round = 0; round < 3; round += 1) await device.sync()
    expect(await engine.drafts.get(draft.id)).toMatchObject({ status: 'draft', text: 'two' })
    expect(mailbox.drafts()).toMatchObject([{ text: 'two' }])
  })
})
