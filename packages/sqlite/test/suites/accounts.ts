import { describe, expect, test } from 'vitest'

import {
  codeOf,
  comeToRest,
  filledTables,
  imapOfBen,
  secondAccount,
  type SuiteStorage,
  withStatementHook,
} from '../harness.ts'

/** Accounts, and drafts that move between them. */
export function exerciseAccounts({ openFakeDevice }: SuiteStorage): void {
  describe('accounts', () => {
    test('CR, LF and NUL are refused in all that ends up in a header or a login', async () => {
      await using device = await openFakeDevice()
      const add = (input: object) =>
        codeOf(device.engine.accounts.add({ address: 'eve@example.com', imap: imapOfBen, ...input }))
      expect(await add({ name: 'Eve\r\nBcc: all@example.com' })).toBe('VALIDATION_ERROR')
      expect(await add({ name: 'Eve\0' })).toBe('VALIDATION_ERROR')
      expect(await add({ address: 'e\0ve@example.com' })).toBe('VALIDATION_ERROR')
      expect(await add({ address: 'eve@exa\nmple.com' })).toBe('VALIDATION_ERROR')
      expect(await add({ imap: { ...imapOfBen, user: 'eve\r\nA1 LOGOUT' } })).toBe('VALIDATION_ERROR')
      expect(await add({ imap: { ...imapOfBen, password: 'x\n' } })).toBe('VALIDATION_ERROR')
      expect(await add({ imap: { ...imapOfBen, port: 0 } })).toBe('VALIDATION_ERROR')
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
      // The index of the search keeps rows about itself.
      const left = (await device.inStore(filledTables)).filter(
        (name) => !/^(sqlite_|draft_search_(data|config|idx)$)/.test(name),
      )
      expect(left).toEqual(['event', 'meta'])
      const events = await device.inStore((db) => db.selectFrom('event').select('payload').execute())
      expect(events.filter(({ payload }) => !payload.includes('account-removed'))).toEqual([])
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
      // Its own connection has ended, and no other.
      expect(mailbox.connections()).toBe(1)
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
      const left = await device.inStore(async (db) => [
        ...(await db.selectFrom('delete_debt').selectAll().execute()),
        ...(await db.selectFrom('task').selectAll().where('account_id', '<>', ben.id).execute()),
      ])
      expect(left).toEqual([])
    })
  })
}
