import type { AccountId, Engine } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { codeOf, openFakeDevice, sqliteError, withStatementHook } from './harness.ts'

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
}

async function exported(engine: Engine, accountId: AccountId): Promise<Uint8Array> {
  const { bytes } = await engine.bundles.export(accountId, { attachments: true })
  const parts: Uint8Array[] = []
  for await (const piece of bytes) parts.push(piece)
  return Buffer.concat(parts)
}

async function bundleOf(text: string): Promise<Uint8Array> {
  await using device = await openFakeDevice()
  const { engine, account } = device
  for (let made = 0; made < 3; made += 1) {
    const { id } = await engine.drafts.create({ accountId: account.id, subject: `Letter ${made}`, text })
    await engine.drafts.attach(id, { filename: 'a.bin', content: new Uint8Array(70_000).fill(made) })
    await engine.drafts.save(id, { text: `${text}${made}` })
  }
  return await exported(engine, account.id)
}

describe('an import', () => {
  for (const [what, text, step] of [
    ['a short one', 'words', 2],
    ['one that is set aside in the store', 'words '.repeat(80_000), 7],
  ] as const) {
    test(`${what}: wherever the disk is full, it is stored as a whole or not at all`, async () => {
      const bundle = await bundleOf(text)
      let countdown = Number.POSITIVE_INFINITY
      await using device = await openFakeDevice({
        wrap: (storage) =>
          withStatementHook(storage, (statement, when) => {
            if (when !== 'before' || !/^(?:insert|update|delete|commit)/i.test(statement)) return
            countdown -= 1
            // Full it stays, until somebody makes room.
            if (countdown <= 0) throw sqliteError('SQLITE_FULL')
          }),
      })
      const { engine, account } = device
      const drafts = async (): Promise<number> => (await engine.drafts.list({ accountId: account.id })).total
      /** Statements that were not. */
      let refused = 0
      for (;;) {
        countdown = refused + 1
        const code = await codeOf(engine.bundles.import(account.id, pieces(bundle)))
        countdown = Number.POSITIVE_INFINITY
        if (code === 'no error') break
        expect(code).toBe('STORAGE_ERROR')
        expect(await drafts(), `after ${refused} statements`).toBe(0)
        refused += step
      }
      expect(await drafts()).toBe(3)
      expect(refused).toBeGreaterThan(20)
    })
  }
})
