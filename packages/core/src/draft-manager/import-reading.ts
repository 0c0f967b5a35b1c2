import { missingAttachments } from '../draft/missing-attachments.ts'
import type { EngineParts } from '../engine/parts.ts'
import { EverdraftError, validationError } from '../errors.ts'
import type { AccountId, DeviceId, Umid } from '../ids.ts'
import { type BundleLimits, bundleLimits, readBundle } from './bundle.ts'
import { gunzip, isGzip } from './bundle-gzip.ts'
import { fromMbox, isMbox } from './bundle-mbox.ts'
import { createEnds } from './import-ends.ts'
import { type ImportedDraft, readEntry, type ReadEntryOptions } from './import-entry.ts'
import type { ImportFiles } from './import-files.ts'
import { isMail, notABundle, readMail } from './import-mail.ts'
import type { ImportOptions } from './import-options.ts'
import { beginning, firstOf, type Reading, withinTotal } from './import-source.ts'
import type { ImportStage } from './import-stage.ts'
import { wholeSizeOf } from './state-of-draft.ts'

export interface ReadAll {
  readonly accountId: AccountId
  readonly now: number
  readonly files: ImportFiles
  readonly stage: ImportStage
  readonly options: ImportOptions
}

/** Sets all of it aside, if all of it is right. @throws {EverdraftError} VALIDATION_ERROR, TOO_LARGE, CANCELLED */
export async function readAll(parts: EngineParts, reading: Reading, all: ReadAll): Promise<void> {
  const { options } = all
  const limits: BundleLimits = { ...bundleLimits, ...options.limits }
  const outer = await beginning(reading.source)
  const isZipped = isGzip(outer.bytes)
  const inner = isZipped ? await beginning(gunzip(outer.source, limits)) : outer
  const source = withinTotal(reading.uncompressed(inner.source), limits)
  const first = firstOf(inner.bytes)
  if (first === '{') return await readRecords(parts, reading, source, limits, all)
  if (isMbox(inner.bytes)) {
    let index = 0
    for await (const message of fromMbox(source)) {
      await addMail(parts, reading, message, { ...all, limits, index })
      index += 1
    }
    return
  }
  if (!isMail(inner.bytes)) throw notABundle()
  await addMail(parts, reading, source, { ...all, limits, index: 0 })
}

function entryOptions({ now, options }: ReadAll, limits: BundleLimits, device: DeviceId): ReadEntryOptions {
  return {
    now,
    device: options.device ?? device,
    by: options.by ?? 'user',
    withAttachments: options.attachments !== false,
    historyBytes: limits.historyBytes,
  }
}

async function readRecords(
  parts: EngineParts,
  reading: Reading,
  source: AsyncIterable<Uint8Array>,
  limits: BundleLimits,
  all: ReadAll,
): Promise<void> {
  const { files, stage, options } = all
  const entry = entryOptions(all, limits, parts.device)
  const ids = new Map<Umid, number>()
  const ends = createEnds()
  for await (const record of readBundle(source, limits)) {
    switch (record.kind) {
      case 'draft': {
        const draft = readEntry(record.value, record.index, entry)
        const path = `drafts[${draft.index}]`
        checkSize(draft, path, options)
        const other = draft.draftId === null ? undefined : ids.get(draft.draftId)
        if (other !== undefined) {
          throw validationError(`${path}.draftId`, `is that of drafts[${other}], too (draft ${draft.draftId})`)
        }
        if (draft.draftId !== null) ids.set(draft.draftId, draft.index)
        files.name(draft.files, path)
        await stage.add(draft, sizeOf(draft))
        tell(reading, options, stage)
        break
      }
      case 'piece':
        await files.add(record.value, record.index)
        break
      case 'manifest':
        files.list(record.value, record.index)
        break
      case 'bundle':
        ends.see(record, stage.count)
        break
    }
  }
  ends.check(stage.count)
}

/** A character takes at most six bytes: mostly that is enough to know. */
const mostBytesOfCharacter = 6

function checkSize(draft: ImportedDraft, path: string, { maxDraftBytes }: ImportOptions): void {
  const { content, draftId, files } = draft
  if (maxDraftBytes === undefined) return
  const atMost = files.reduce((sum, { size }) => sum + size, sizeOf(draft) * mostBytesOfCharacter)
  const isSmall = atMost <= maxDraftBytes && missingAttachments(content).length === 0
  if (isSmall || wholeSizeOf(content) <= maxDraftBytes) return
  const message = `is larger than ${maxDraftBytes} bytes`
  const which = draftId === null ? '' : ` (draft ${draftId})`
  throw new EverdraftError('TOO_LARGE', `${path}: ${message}${which}`, { errors: [{ path, message }] })
}

/** About, in characters. */
function sizeOf({ content, history }: ImportedDraft): number {
  const { text, html, metadata, unmodelled, to, cc, bcc, references, tags } = content
  const texts = text.length + (html?.length ?? 0)
  const others = JSON.stringify([metadata, unmodelled, to, cc, bcc, references, tags]).length
  return history.reduce((sum, { encoded }) => sum + encoded.length, 1_000 + texts + others)
}

async function addMail(
  parts: EngineParts,
  reading: Reading,
  raw: AsyncIterable<Uint8Array>,
  { limits, index, ...all }: ReadAll & { readonly limits: BundleLimits; readonly index: number },
): Promise<void> {
  const { accountId, files, stage, options } = all
  const read = { ...entryOptions(all, limits, parts.device), accountId, index, files, limits }
  const draft = await readMail(parts, raw, read)
  checkSize(draft, `drafts[${index}]`, options)
  await stage.add(draft, sizeOf(draft))
  tell(reading, options, stage)
}

function tell(reading: Reading, { onProgress }: ImportOptions, { count }: ImportStage): void {
  onProgress?.({ phase: 'reading', draftsDone: count, drafts: null, bytesRead: reading.progress().bytesRead })
}
