import type { EngineParts } from '../engine/parts.ts'
import { EverdraftError } from '../errors.ts'
import { type AccountId, type Sha256, type Umid, uuidv7 } from '../ids.ts'
import { getAccount } from '../storage/accounts.ts'
import { missingBlobs, readBlob } from '../storage/blobs.ts'
import { liveDraftIds } from '../storage/bundled-drafts.ts'
import { inChunks } from '../storage/chunks.ts'
import type { Db } from '../storage/db.ts'
import { toBase64 } from './bundle-base64.ts'
import { gzip } from './bundle-gzip.ts'
import { createPieces } from './bundle-pieces.ts'
import type { BundleHeader, ManifestEntry } from './bundle.ts'
import type { DraftBundleMetadata } from './envelope.ts'
import { entryText } from './export-entry.ts'
import { checkMailExport, mailBytes } from './export-mail.ts'
import {
  checkSignal,
  type ExportedAccount,
  type ExportedRecord,
  type ExportOptions,
  recordIn,
  recordsOf,
} from './export-records.ts'

export interface DraftExport {
  readonly bundleId: string
  /** Epoch milliseconds. */
  readonly exportedAt: number
  readonly drafts: number
  /** To be read once, and as slowly as one likes: only a page of drafts is in memory. */
  readonly bytes: AsyncIterable<Uint8Array>
  /** Once all bytes were read; null before, and of messages. */
  readonly metadata: () => ExportMetadata | null
}

/** Measured. */
export interface ExportMetadata extends DraftBundleMetadata {
  readonly bytes: number
  readonly bytesUncompressed: number
}

/** @throws {EverdraftError} NOT_FOUND; VALIDATION_ERROR where `eml` is asked for and it is not one draft */
export type ExportDrafts = (accountId: AccountId, options?: ExportOptions) => Promise<DraftExport>

/** A multiple of three: no base64 between has padding. */
const pieceBytes = 192 * 1024

/** `onRecord` sees each draft of a bundle as it was read. */
export function createExport(parts: EngineParts, onRecord: (record: ExportedRecord) => void = () => {}): ExportDrafts {
  const { store, environment } = parts
  return async (accountId, options = {}) => {
    const { format = 'gzip' } = options
    const { account, ids } = await store.read(async (db) => ({
      account: await getAccount(db, accountId),
      ids: options.draftIds === undefined ? await liveDraftIds(db, accountId) : await given(db, accountId, options),
    }))
    const exportedAt = environment.now()
    const bundleId = uuidv7(exportedAt, environment.random)
    const known = { bundleId, exportedAt, drafts: ids.length }
    if (format === 'eml' || format === 'mbox') {
      checkMailExport(format, ids)
      return { ...known, bytes: mailBytes(parts, { account, ids, format, options }), metadata: () => null }
    }
    let metadata: ExportMetadata | null = null
    const bytes = bundleBytes(parts, {
      header: { bundleId, exportedAt, format },
      account,
      ids,
      options,
      onRecord,
      onEnd: (measured) => void (metadata = measured),
    })
    return { ...known, bytes, metadata: () => metadata }
  }
}

/** @throws {EverdraftError} NOT_FOUND, also for a draft of another account */
async function given(db: Db, accountId: AccountId, { draftIds = [] }: ExportOptions): Promise<readonly Umid[]> {
  const ids = [...new Set(draftIds)].toSorted()
  for (const id of ids) {
    if ((await recordIn(db, accountId, id)) === null) throw new EverdraftError('NOT_FOUND', `there is no draft ${id}`)
  }
  return ids
}

interface Bundling {
  readonly header: BundleHeader
  readonly account: ExportedAccount
  readonly ids: readonly Umid[]
  readonly options: ExportOptions
  readonly onRecord: (record: ExportedRecord) => void
  readonly onEnd: (measured: ExportMetadata) => void
}

async function* bundleBytes(parts: EngineParts, bundling: Bundling): AsyncGenerator<Uint8Array, void, undefined> {
  const { format } = bundling.header
  let uncompressed = 0
  let compressed = 0
  let said: BundleText | null = null
  async function* text(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of bundleText(parts, bundling, (end) => void (said = end))) {
      uncompressed += piece.length
      yield piece
    }
  }
  for await (const piece of format === 'gzip' ? gzip(text()) : text()) {
    compressed += piece.length
    yield piece
  }
  const { count, totalSize } = said ?? { count: 0, totalSize: 0 }
  const compressionRatio = compressed / uncompressed
  bundling.onEnd({ count, totalSize, compressionRatio, format, bytes: compressed, bytesUncompressed: uncompressed })
}

interface BundleText {
  readonly count: number
  readonly totalSize: number
}

/** As bundle.ts describes it. */
async function* bundleText(
  parts: EngineParts,
  { header, account, ids, options, onRecord }: Bundling,
  onEnd: (said: BundleText) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const out = createPieces()
  const isDocument = header.format === 'json'
  const { attachments = false, history = true, signal } = options
  const before = (index: number): string => (isDocument ? (index === 0 ? '\n' : ',\n') : '')
  const after = isDocument ? '' : '\n'
  const manifest = new Map<Sha256, ManifestEntry>()
  let count = 0
  let totalSize = 0

  out.add(isDocument ? `${JSON.stringify(header).slice(0, -1)},"drafts":[` : `${JSON.stringify(header)}\n`)
  for await (const record of recordsOf(parts, account, ids, options)) {
    onRecord(record)
    for (const { sha256, size, isMissing } of filesOf(record, history)) {
      if (manifest.has(sha256)) continue
      manifest.set(sha256, { sha256, size, state: isMissing ? 'missing' : attachments ? 'included' : 'omitted' })
    }
    out.add(before(count))
    totalSize += out.add(entryText(record, history))
    out.add(after)
    yield* out.take()
    count += 1
  }
  if (isDocument) out.add('],"files":[')
  let pieces = 0
  for (const [sha256, { size, state }] of manifest) {
    checkSignal(signal)
    if (state !== 'included') continue
    // It may have gone with its draft since the draft was read.
    if ((await parts.store.read((db) => missingBlobs(db, account.id, [sha256]))).size > 0) {
      manifest.set(sha256, { sha256, size, state: 'missing' })
      continue
    }
    for await (const { at, bytes } of piecesOf(parts, account.id, { sha256, size })) {
      out.add(`${before(pieces)}{"sha256":"${sha256}","at":${at},"data":"`)
      totalSize += out.add(toBase64(bytes))
      out.add(`"}${after}`)
      yield* out.take()
      pieces += 1
    }
  }
  // Nothing in a compressed text can say how far it is compressed.
  const ratio = header.format === 'gzip' ? {} : { compressionRatio: 1 }
  const metadata = { count, totalSize, ...ratio, format: header.format }
  const end = `"manifest":${JSON.stringify([...manifest.values()])},"metadata":${JSON.stringify(metadata)}}\n`
  out.add(isDocument ? `],${end}` : `{${end}`)
  yield* out.end()
  onEnd({ count, totalSize })
}

/** Of an empty file one, too: else it would be missing. */
async function* piecesOf(
  { store }: EngineParts,
  accountId: AccountId,
  { sha256, size }: { readonly sha256: Sha256; readonly size: number },
): AsyncGenerator<{ readonly at: number; readonly bytes: Uint8Array }, void, undefined> {
  let at = 0
  for await (const bytes of inChunks(readBlob(store, accountId, sha256, { start: 0, end: size }), pieceBytes)) {
    yield { at, bytes }
    at += bytes.length
  }
  if (at === 0) yield { at, bytes: new Uint8Array(0) }
}

function filesOf(
  { draft, held, missing }: ExportedRecord,
  withHistory: boolean,
): readonly { readonly sha256: Sha256; readonly size: number; readonly isMissing: boolean }[] {
  const { attachments, unmodelled } = draft.content
  const named = [...attachments, ...(unmodelled?.parts ?? [])]
  return [...named, ...(withHistory ? held : [])].map(({ sha256, size }) => ({
    sha256,
    size,
    isMissing: missing.has(sha256),
  }))
}
