import type { Author } from '../draft/draft.ts'
import type { MergeStrategy } from '../draft/merge.ts'
import { missingAttachments } from '../draft/missing-attachments.ts'
import type { EngineParts } from '../engine/parts.ts'
import { EverdraftError, validationError } from '../errors.ts'
import type { AccountId, DeviceId, Sha256, Umid } from '../ids.ts'
import { getAccount, touchAccount } from '../storage/accounts.ts'
import type { FollowUp } from '../tasks/task.ts'
import { gunzip, isGzip } from './bundle-gzip.ts'
import { fromMbox, isMbox } from './bundle-mbox.ts'
import { type BundleLimits, bundleLimits, type BundleRecord, readBundle } from './bundle.ts'
import { checkSignal } from './export-records.ts'
import { takeDraft, type TakenDraft } from './import-draft.ts'
import { type ImportedDraft, readEntry, type ReadEntryOptions } from './import-entry.ts'
import { createImportFiles, type ImportFiles, type StagedFile } from './import-files.ts'
import type { ImportedItem, ImportOutcome } from './import-outcome.ts'
import { isMail, notABundle, readMail } from './import-mail.ts'
import { createImportStage, type ImportStage } from './import-stage.ts'
import { wholeSizeOf } from './state-of-draft.ts'

export interface ImportOptions {
  /** Where a draft of the bundle is here already, and both went on. Local is what is here. Default `merge`. */
  readonly onConflict?: MergeStrategy
  /** False: drafts come without their files. Default true. */
  readonly attachments?: boolean
  /** Who imports: they are said to have saved what comes without a history. */
  readonly device?: DeviceId
  readonly by?: Author
  /** The largest draft with its attachments; default: as large as it is. */
  readonly maxDraftBytes?: number
  readonly limits?: Partial<BundleLimits>
  /** Ends it, until it is stored: CANCELLED, and nothing is changed. */
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: ImportProgress) => void
}

export interface ImportProgress {
  /** `reading`: all is looked at, and nothing changed. `storing`: all or nothing. */
  readonly phase: 'reading' | 'storing'
  readonly draftsDone: number
  /** Null: not known before all was read. */
  readonly drafts: number | null
  readonly bytesRead: number
}

export interface ImportReport {
  /** How many there are in it. */
  readonly drafts: number
  readonly counts: Readonly<Record<ImportOutcome, number>>
  /** In the order of the bundle. */
  readonly items: readonly ImportedItem[]
  /** Files that came with it. */
  readonly files: number
  /** Bytes of the bundle, and what they were uncompressed. */
  readonly bytesRead: number
  readonly bytesUncompressed: number
}

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

interface Reading {
  readonly source: AsyncIterable<Uint8Array>
  progress(): { readonly bytesRead: number; readonly bytesUncompressed: number }
  /** What came out of a compression counts here. */
  uncompressed(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>
  /** Lets go of the source, wherever it is. */
  end(): Promise<void>
}

function createReading(source: AsyncIterable<Uint8Array>, { signal }: ImportOptions): Reading {
  let bytesRead = 0
  let bytesUncompressed = 0
  async function* counted(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of source) {
      checkSignal(signal)
      bytesRead += piece.length
      yield piece
    }
    checkSignal(signal)
  }
  async function* uncompressed(plain: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of plain) {
      checkSignal(signal)
      bytesUncompressed += piece.length
      yield piece
    }
  }
  const pieces = counted()
  return {
    source: pieces,
    progress: () => ({ bytesRead, bytesUncompressed }),
    uncompressed,
    end: async () => void (await pieces.return()),
  }
}

interface ReadAll {
  readonly accountId: AccountId
  readonly now: number
  readonly files: ImportFiles
  readonly stage: ImportStage
  readonly options: ImportOptions
}

async function readAll(parts: EngineParts, reading: Reading, all: ReadAll): Promise<void> {
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

/** After the mark that some programs write before UTF-8, and blanks. */
function firstOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).trimStart().slice(0, 1)
}

async function* withinTotal(
  source: AsyncIterable<Uint8Array>,
  { totalBytes }: BundleLimits,
): AsyncGenerator<Uint8Array, void, undefined> {
  let total = 0
  for await (const piece of source) {
    total += piece.length
    if (total > totalBytes) {
      const message = `is larger than ${totalBytes} bytes`
      throw new EverdraftError('TOO_LARGE', `bundle: ${message}`, { errors: [{ path: 'bundle', message }] })
    }
    yield piece
  }
}

/** As many bytes as tell what it is, and all of it from its beginning. */
async function beginning(
  source: AsyncIterable<Uint8Array>,
): Promise<{ readonly bytes: Uint8Array; readonly source: AsyncIterable<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]()
  const pieces: Uint8Array[] = []
  let length = 0
  while (length < 64) {
    const next = await iterator.next()
    if (next.done === true) break
    // Its memory may be used for the next one.
    pieces.push(next.value.slice())
    length += next.value.length
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  async function* whole(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      if (length > 0) yield bytes
      for (;;) {
        const next = await iterator.next()
        if (next.done === true) return
        yield next.value
      }
    } finally {
      await iterator.return?.()
    }
  }
  return { bytes, source: whole() }
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

const ofBundle: readonly string[] = ['bundleId', 'exportedAt', 'metadata']

/** What a bundle says of itself, at its beginning and at its end. */
function createEnds(): {
  readonly see: (record: Extract<BundleRecord, { kind: 'bundle' }>, drafts: number) => void
  /** @throws {EverdraftError} VALIDATION_ERROR where lines are missing */
  readonly check: (drafts: number) => void
} {
  let isBegun = false
  let isEnded = false
  let isBundle = false
  let count: number | null = null
  return {
    see({ members, hasLists }, drafts) {
      if (!hasLists && !ofBundle.some((name) => name in members)) {
        if (!isBundle && drafts === 0) throw notABundle()
        throw validationError(`drafts[${drafts}]`, 'is neither a draft nor another part of a bundle')
      }
      isBundle = true
      if (!hasLists && 'bundleId' in members) isBegun = true
      const { metadata } = members
      if (typeof metadata !== 'object' || metadata === null) return
      isEnded = true
      const { count: said } = metadata as { readonly count?: unknown }
      if (said === undefined) return
      if (!Number.isInteger(said)) throw validationError('metadata.count', 'must be a whole number')
      count = said as number
    },
    check(drafts) {
      if (!isBundle && drafts === 0) throw notABundle()
      // Lines end anywhere: only the last one says that it is the last.
      if (isBegun && !isEnded) throw validationError('metadata', 'is missing: the bundle ends too early')
      if (count !== null && count !== drafts) {
        throw validationError('metadata.count', `says ${count}, and there are ${drafts} drafts`)
      }
    },
  }
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

interface TakeAll {
  readonly accountId: AccountId
  readonly now: number
  readonly stage: ImportStage
  readonly staged: ReadonlyMap<Sha256, StagedFile>
  readonly used: Set<Sha256>
  readonly reading: Reading
  readonly options: ImportOptions
  readonly onTaken: (entry: ImportedDraft, item: ImportedItem) => void
}

/** So long timers and the network wait at most. */
const longestRunMs = 10

/** One transaction for all of them. */
async function takeAll(parts: EngineParts, all: TakeAll): Promise<readonly ImportedItem[]> {
  const { store, queue, environment } = parts
  const { accountId, now, stage, staged, options } = all
  const { items, firstDue, used } = await store.write(async (write) => {
    await getAccount(write.db, accountId)
    // Anew each time: the transaction may be tried again.
    const usedNow = new Set<Sha256>()
    const { uploadDelay, device } = parts
    const context = { write, environment, now, device, uploadDelay }
    const strategy = options.onConflict ?? 'merge'
    const taken: ImportedItem[] = []
    let first: FollowUp | null = null
    let runBegan = environment.now()
    for await (const entry of stage.all(write.db)) {
      checkSignal(options.signal)
      const one = await takeDraft(context, entry, { accountId, strategy, files: staged, used: usedNow })
      await queue.enqueue(write, one.followUps)
      first ??= one.followUps[0] ?? null
      const item = itemOf(one)
      taken.push(item)
      all.onTaken(entry, item)
      if (environment.now() - runBegan < longestRunMs) continue
      tellStored(all, taken.length)
      await new Promise<void>((resolve) => void environment.schedule(0, resolve))
      runBegan = environment.now()
    }
    await touchAccount(write.db, accountId, now)
    checkSignal(options.signal)
    return { items: taken, firstDue: first, used: usedNow }
  })
  for (const sha256 of used) all.used.add(sha256)
  // All wait for the same time.
  if (firstDue !== null) queue.wakeFor([firstDue])
  tellStored(all, items.length)
  return items
}

function itemOf({ outcome, draftId, version, conflictId }: TakenDraft): ImportedItem {
  return { outcome, draftId, version, conflictId }
}

function tellStored({ reading, stage, options }: TakeAll, draftsDone: number): void {
  const { bytesRead } = reading.progress()
  options.onProgress?.({ phase: 'storing', draftsDone, drafts: stage.count, bytesRead })
}
