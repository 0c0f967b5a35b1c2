import { describe, expect, test } from 'vitest'

import { openBundleStore, richDraft } from './bundle-store.ts'

/** What names this export, and no draft. */
function withoutName(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('utf8')
    .replace(/^\{"bundleId":"[^"]*","exportedAt":\d+/, '{')
}

/** A difference of megabytes is no help to who reads it. */
function aroundDifference(one: string, other: string): readonly [string, string] | null {
  if (one === other) return null
  let at = 0
  while (one[at] === other[at]) at += 1
  return [one.slice(at - 60, at + 60), other.slice(at - 60, at + 60)]
}

describe('bundles', () => {
  for (const format of ['json', 'jsonl'] as const) {
    test(`${format}: what was taken in is exported to the byte as it was`, async () => {
      await using here = await openBundleStore()
      await using there = await openBundleStore()
      await richDraft(here)
      await richDraft(here, 'Another')
      await here.engine.drafts.create({ accountId: here.accountId })
      const bundle = await here.export({ format, attachments: true })
      const report = await there.import(bundle)
      expect(report).toMatchObject({ drafts: 3, counts: { created: 3 }, files: 4 })
      const again = await there.export({ format, attachments: true })
      expect(
        aroundDifference(withoutName(again).replaceAll(there.accountId, here.accountId), withoutName(bundle)),
      ).toBe(null)
    })
  }
})
