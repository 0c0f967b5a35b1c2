import { changedFields } from '../draft/content.ts'
import { emptyContent } from '../draft/draft.ts'
import { withoutFields } from '../draft/without-bcc.ts'
import type { EngineParts } from '../engine/parts.ts'
import { EverdraftError, validationError } from '../errors.ts'
import { type AccountId, type AttachmentId, uuidv7, type Version } from '../ids.ts'
import { storeBlob } from '../storage/blobs.ts'
import { contentOfMessage } from '../sync/imported-content.ts'
import type { BundleLimits } from './bundle.ts'
import type { ImportedDraft, ReadEntryOptions } from './import-entry.ts'
import type { ImportFiles } from './import-files.ts'

/** What says that a message is a draft belongs to the file, not to the draft. */
const unsent = /^x-unsent[ \t]*:$/i

interface ReadMailOptions extends ReadEntryOptions {
  readonly accountId: AccountId
  readonly index: number
  readonly files: ImportFiles
  readonly limits: BundleLimits
}

/**
 * A message as a draft, a new one each time: nothing in it says which draft it was. Its attachments are in the store when it
 * is read.
 * @throws {EverdraftError} TOO_LARGE
 */
export async function readMail(
  { store, environment, format }: EngineParts,
  raw: AsyncIterable<Uint8Array>,
  { accountId, index, files, limits, now, device, withAttachments }: ReadMailOptions,
): Promise<ImportedDraft> {
  const path = `drafts[${index}]`
  const parsed = await format.parse(withoutFields(raw, unsent), environment.createSha256, {
    onPart: async (_part, bytes) => {
      if (!withAttachments) return
      files.keep(
        await storeBlob(store, accountId, bytes, { hasher: environment.createSha256(), now: environment.now() }),
      )
    },
  })
  const createId = (): AttachmentId => uuidv7(now, environment.random) as AttachmentId
  const read = contentOfMessage(parsed, null, createId)
  const { unmodelled: _unmodelled, ...modelled } = read
  const content = withAttachments ? read : { ...modelled, attachments: [] }
  const bytes = JSON.stringify(content).length
  if (bytes > limits.entryBytes) {
    const message = `is larger than ${limits.entryBytes} bytes`
    throw new EverdraftError('TOO_LARGE', `${path}: ${message}`, { errors: [{ path, message }] })
  }
  const writtenAt = Math.min(now, Math.max(0, parsed.date ?? now))
  const head = {
    version: 1 as Version,
    savedAt: writtenAt,
    device,
    by: 'foreign',
    fieldsChanged: changedFields(emptyContent, content),
    bytes,
    encoding: 'head',
    encoded: '',
  } as const
  const named = [...content.attachments, ...(content.unmodelled?.parts ?? [])]
  return {
    index,
    draftId: null,
    version: head.version,
    content,
    policy: 'sync',
    reviewRequired: false,
    createdAt: writtenAt,
    updatedAt: writtenAt,
    history: [head],
    files: named.map(({ sha256, size }) => ({ sha256, size, since: now })),
  }
}

/** Of text that begins with no field of a header anything could be read, and nothing of it would be a mail. */
export function isMail(beginning: Uint8Array): boolean {
  return /^(?:[!-9;-~]+[ \t]*:|\r?\n)/.test(new TextDecoder('latin1').decode(beginning.subarray(0, 1_000)))
}

export function notABundle(): EverdraftError {
  return validationError('bundle', 'is no bundle: neither JSON, JSON lines, gzip, mbox nor a message')
}
