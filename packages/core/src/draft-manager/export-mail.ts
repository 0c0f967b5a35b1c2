import type { Attachment } from '../draft/draft.ts'
import { missingAttachments } from '../draft/missing-attachments.ts'
import type { EngineParts } from '../engine/parts.ts'
import { EverdraftError, validationError } from '../errors.ts'
import type { MessageId, Sha256, Umid } from '../ids.ts'
import { readBlob } from '../storage/blobs.ts'
import { fromLine, toMbox } from './bundle-mbox.ts'
import {
  type ExportedAccount,
  type ExportedRecord,
  type ExportOptions,
  type MailFormat,
  recordsOf,
} from './export-records.ts'

interface MailExport {
  readonly account: ExportedAccount
  readonly ids: readonly Umid[]
  readonly format: MailFormat
  readonly options: ExportOptions
}

/** @throws {EverdraftError} STORAGE_ERROR naming a draft whose attachment is not here: half a message is none */
export async function* mailBytes(
  parts: EngineParts,
  { account, ids, format, options }: MailExport,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const record of recordsOf(parts, account, ids, options)) {
    if (format === 'eml') {
      yield* message(parts, record)
      continue
    }
    yield new TextEncoder().encode(fromLine(record.draft.updatedAt))
    yield* toMbox(message(parts, record))
  }
}

/** @throws {EverdraftError} VALIDATION_ERROR */
export function checkMailExport(format: MailFormat, ids: readonly Umid[]): void {
  if (format === 'eml' && ids.length !== 1) {
    throw validationError('format', 'eml is one draft: name one in draftIds, or ask for mbox')
  }
}

/** With Bcc, as it is a draft's; without what only the programs that wrote it were to read. */
async function* message(
  { store, format }: EngineParts,
  { draft, missing }: ExportedRecord,
): AsyncGenerator<Uint8Array, void, undefined> {
  const isWhole = missing.size === 0 && missingAttachments(draft.content).length === 0
  if (!isWhole) {
    throw new EverdraftError('STORAGE_ERROR', `draft ${draft.id}: the bytes of an attachment are not here`)
  }
  const open = ({ sha256, size }: { readonly sha256: Sha256; readonly size: number }): AsyncIterable<Uint8Array> =>
    readBlob(store, draft.accountId, sha256, { start: 0, end: size })
  const { segments } = await format.compose({
    content: draft.content,
    // Of no copy on a server, and of no mail that was sent.
    messageId: `<${draft.id}.${draft.version}@everdraft.invalid>` as MessageId,
    date: draft.updatedAt,
    // Programs that know it open the file for writing.
    headers: [{ name: 'X-Unsent', value: '1' }],
    includeBcc: true,
    includeNotes: false,
    open: (attachment: Attachment) => open(attachment),
  })
  for (const segment of segments) {
    if (segment.kind === 'bytes') yield segment.bytes
    else yield* segment.encode(open(segment))
  }
}
