import { EverdraftError, validationError } from '../errors.ts'
import { isUuid, type Umid } from '../ids.ts'
import type { ActionHandler } from './action.ts'
import { toBase64 } from './bundle-base64.ts'
import type { DraftBundle } from './envelope.ts'
import { createExport } from './export.ts'
import { storageOf } from './state-of-draft.ts'

/** An envelope is whole in memory, on both sides. Longer bundles are streamed, beside it. */
const longestBundle = 64 * 1024 * 1024

/** Drafts as a bundle within the answer. */
export const exportDrafts: ActionHandler = async ({ parts, account, signal }, request) => {
  const { enableCompression, draftId, includeAttachments = false } = request
  const format = request.format ?? (enableCompression ? 'gzip' : 'json')
  const named = [...(draftId === null ? [] : [draftId]), ...(request.draftIds ?? []).map(checkedId)]
  let storageUsed = 0
  const exported = await createExport(parts, ({ draft }) => void (storageUsed += storageOf(draft.content)))(
    account.id,
    {
      format,
      attachments: includeAttachments,
      ...(named.length === 0 && request.draftIds === undefined ? {} : { draftIds: named }),
      ...(signal === null ? {} : { signal }),
    },
  )
  const bytes = await collected(exported.bytes)
  const measured = exported.metadata()
  if (measured === null) throw new TypeError('a bundle was read to its end, and not measured')
  const { bytes: size, bytesUncompressed, ...metadata } = measured
  const { bundleId, exportedAt } = exported
  const decoder = new TextDecoder()
  const bundle: DraftBundle =
    format === 'json'
      ? (JSON.parse(decoder.decode(bytes)) as DraftBundle)
      : {
          bundleId,
          exportedAt,
          drafts: [],
          data: decoder.decode(format === 'gzip' ? toBase64(bytes) : bytes),
          metadata,
        }
  return {
    bundle,
    stats: {
      itemsAffected: metadata.count,
      storageUsed,
      ...(format === 'gzip' ? { compressionSavings: bytesUncompressed - size } : {}),
    },
  }
}

/** @throws {EverdraftError} VALIDATION_ERROR */
function checkedId(text: string, index: number): Umid {
  const id = text.toLowerCase()
  if (!isUuid(id)) throw validationError(`draftIds[${index}]`, 'must be a UUID')
  return id as Umid
}

async function collected(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of source) {
    pieces.push(piece)
    length += piece.length
    if (length > longestBundle) {
      throw new EverdraftError(
        'TOO_LARGE',
        `the bundle is larger than ${longestBundle} bytes: export it as a stream, or fewer drafts at a time`,
      )
    }
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
