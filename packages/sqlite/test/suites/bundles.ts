import type { AccountId, Engine, Version } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { codeOf, type SuiteStorage } from '../harness.ts'

async function exported(engine: Engine, accountId: AccountId): Promise<string> {
  const { bytes } = await engine.bundles.export(accountId, { format: 'jsonl', attachments: true })
  let text = ''
  for await (const piece of bytes) text += new TextDecoder().decode(piece)
  // Without its name, which is another one each time.
  return text.slice(text.indexOf('\n') + 1)
}

async function* lines(text: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield new TextEncoder().encode('{"bundleId":"of a test"}\n')
  yield new TextEncoder().encode(text)
}

interface Letters {
  readonly accountId: AccountId
  readonly bundle: string
}

/** Drafts out to a file and in from one; what a file may say is tested with the engine. */
export function exerciseBundles({ openFakeDevice }: SuiteStorage): void {
  /** Of another device, which is not there any more: some stores are of one at a time. */
  async function letters(count: number): Promise<Letters> {
    await using device = await openFakeDevice()
    const { engine, account } = device
    const text = 'some words and a NUL in JSON: \\u0000 '.repeat(8_000)
    for (let made = 0; made < count; made += 1) {
      const { id } = await engine.drafts.create({ accountId: account.id, subject: `Letter ${made}`, text })
      await engine.drafts.attach(id, { filename: 'a.bin', content: new Uint8Array(100_000).fill(made) })
      await engine.drafts.save(id, { text: `${text}${made}` }, { baseVersion: 2 as Version })
    }
    return { accountId: account.id, bundle: await exported(engine, account.id) }
  }

  describe('a bundle', () => {
    test('comes in as it went out, with its versions and its files, also where it is too long for memory', async () => {
      const { accountId, bundle } = await letters(6)
      await using device = await openFakeDevice()
      const { engine, account } = device
      const report = await engine.bundles.import(account.id, lines(bundle))
      expect(report).toMatchObject({ counts: { created: 6 }, files: 6 })
      const again = await exported(engine, account.id)
      expect(again.replaceAll(account.id, accountId) === bundle).toBe(true)
      expect(await engine.bundles.import(account.id, lines(bundle))).toMatchObject({ counts: { unchanged: 6 } })
    })

    test('of which one entry is wrong changes nothing', async () => {
      const { bundle } = await letters(5)
      await using device = await openFakeDevice()
      const { engine, account } = device
      const spoilt = bundle.replace('"count":5', '"count":6')
      expect(await codeOf(engine.bundles.import(account.id, lines(spoilt)))).toBe('VALIDATION_ERROR')
      expect((await engine.drafts.list({ accountId: account.id })).total).toBe(0)
      expect(await engine.bundles.import(account.id, lines(bundle))).toMatchObject({ counts: { created: 5 } })
    })
  })
}
