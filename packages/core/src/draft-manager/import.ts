import type { EngineParts } from '../engine/parts.ts'
import type { AccountId, Sha256 } from '../ids.ts'
import { getAccount } from '../storage/accounts.ts'
import type { ImportedDraft } from './import-entry.ts'
import { createImportFiles } from './import-files.ts'
import type { ImportOptions, ImportReport } from './import-options.ts'
import type { ImportedItem, ImportOutcome } from './import-outcome.ts'
import { readAll } from './import-reading.ts'
import { createReading } from './import-source.ts'
import { createImportStage } from './import-stage.ts'
import { takeAll } from './import-taking.ts'

/**
 * Takes in a bundle (JSON, JSON lines, either of them in gzip), an mbox or a message, as long as it is: all of it, durably, or
 * nothing. It is read once. What is wrong is named by its entry, its draft and its field. Never is anything sent by it.
 * @throws {EverdraftError} VALIDATION_ERROR, TOO_LARGE, NOT_FOUND (account), CANCELLED, STORAGE_ERROR
 */
export type ImportDrafts = (
  accountId: AccountId,
  source: AsyncIterable<Uint8Array>,
  options?: ImportOptions,
) => Promise<ImportReport>

/** `onTaken` sees each draft with what became of it; once more where the transaction is tried again. */
export function createImport(
  parts: EngineParts,
  onTaken: (entry: ImportedDraft, item: ImportedItem) => void = () => {},
): ImportDrafts {
  const { store, environment } = parts
  return async (accountId, source, options = {}) => {
    const now = environment.now()
    await store.read((db) => getAccount(db, accountId))
    const files = createImportFiles(parts, { accountId, isStored: options.attachments !== false })
    const stage = createImportStage(parts)
    const used = new Set<Sha256>()
    const reading = createReading(source, options)
    try {
      await readAll(parts, reading, { accountId, now, files, stage, options })
      const staged = await files.end()
      const items = await takeAll(parts, { accountId, now, stage, staged, used, reading, options, onTaken })
      const counts: Record<ImportOutcome, number> = {
        created: 0,
        restored: 0,
        updated: 0,
        unchanged: 0,
        conflict: 0,
        kept: 0,
      }
      for (const { outcome } of items) counts[outcome] += 1
      const { bytesRead, bytesUncompressed } = reading.progress()
      return { drafts: items.length, counts, items, files: staged.size, bytesRead, bytesUncompressed }
    } finally {
      // A full disk may refuse that, too: what is left is taken away later, and how the import ended is said in any case.
      await reading.end().catch(() => {})
      await files.drop(used).catch(() => {})
      await stage.drop().catch(() => {})
    }
  }
}
