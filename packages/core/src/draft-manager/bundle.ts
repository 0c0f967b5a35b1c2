import type { Address } from '../draft/address.ts'
import type { Author, ContentField, DraftContent, DraftPolicy } from '../draft/draft.ts'
import type { Delta } from '../draft/delta.ts'
import type { Unmodelled } from '../draft/unmodelled.ts'
import { readJson } from './bundle-json.ts'
import type { BundleFormat, DraftState, DraftStateAttachment } from './envelope.ts'

/**
 * A bundle as it is written. `json`: one document, `{bundleId, exportedAt, format, drafts, files, manifest, metadata}`, in this
 * order. `jsonl`: `{bundleId, exportedAt, format}`, then each draft and each piece of a file on a line of its own, and
 * `{manifest, metadata}` at the end. `gzip`: the latter, compressed (RFC 1952). A piece of a file is `{sha256, at, data}`: base64
 * (RFC 4648 §4) of the bytes from `at` on; those of a file follow one another. All in UTF-8. Readers take the members in any
 * order, and leave alone what they do not know.
 */
export interface BundleHeader {
  readonly bundleId: string
  /** Epoch milliseconds. */
  readonly exportedAt: number
  readonly format: BundleFormat
}

/** A draft as the draft manager shows it, and what it does not show: nothing of it is lost on the way. */
export interface BundledDraft extends Omit<DraftState, 'attachments'> {
  readonly attachments: readonly BundledAttachment[]
  readonly from: Address | null
  readonly inReplyTo: string | null
  readonly metadata: Readonly<Record<string, unknown>>
  readonly unmodelled?: Unmodelled | null
  readonly policy: DraftPolicy
  readonly reviewRequired: boolean
  readonly createdAt: number
  /** Oldest first; the last one is the draft itself. */
  readonly history?: readonly BundledRevision[]
}

/** Without a hash: its bytes were never there. */
export interface BundledAttachment extends DraftStateAttachment {
  /** Of the decoded bytes, in lower-case hexadecimal. */
  readonly sha256?: string
  readonly disposition?: 'attachment' | 'inline'
}

/** The newest has neither `content` nor `back`. Fields have the engine's own names: `text` and `html`. */
interface BundledRevision {
  readonly version: number
  readonly savedAt: number
  readonly device: string
  readonly by: Author
  readonly fieldsChanged: readonly ContentField[]
  /** Of what it changed, as JSON. */
  readonly bytes: number
  /** All that it says … */
  readonly content?: DraftContent
  /** … or what makes it of the next one: fields that are set, and of long texts `[start, removed, inserted]` in UTF-16 units. */
  readonly back?: Delta
}

/** One line of the manifest, of each file that some revision names. */
export interface ManifestEntry {
  readonly sha256: string
  /** Bytes. */
  readonly size: number
  /** `omitted`: it was not asked for. `missing`: it was not there to be had. */
  readonly state: 'included' | 'omitted' | 'missing'
}

export interface BundleLimits {
  /** A draft with its history, or what else stands on one line. */
  readonly entryBytes: number
  /** All of it, uncompressed. */
  readonly totalBytes: number
  /** A draft's history, all versions whole. */
  readonly historyBytes: number
  /** A gzip may hold so many times its own size … */
  readonly ratio: number
  /** … once it is more than this. */
  readonly freeBytes: number
}

export const bundleLimits: BundleLimits = {
  entryBytes: 32 * 1024 * 1024,
  totalBytes: 64 * 1024 * 1024 * 1024,
  historyBytes: 1024 * 1024 * 1024,
  ratio: 200,
  freeBytes: 16 * 1024 * 1024,
}

/** What a bundle's text says, one at a time and in its order; nothing of it is checked yet. */
export type BundleRecord =
  | { readonly kind: 'draft'; readonly index: number; readonly value: unknown }
  | { readonly kind: 'piece'; readonly index: number; readonly value: unknown }
  | { readonly kind: 'manifest'; readonly index: number; readonly value: unknown }
  /** What it says of itself. */
  | { readonly kind: 'bundle'; readonly members: Readonly<Record<string, unknown>>; readonly hasLists: boolean }

const lists: ReadonlySet<string> = new Set(['drafts', 'files', 'manifest'])
const ofDraft: readonly string[] = ['draftId', 'subject', 'body', 'bodyHtml', 'to', 'cc', 'bcc']
const ofPiece: readonly string[] = ['sha256', 'data']

/** @throws {EverdraftError} VALIDATION_ERROR, TOO_LARGE */
export async function* readBundle(
  source: AsyncIterable<Uint8Array>,
  limits: BundleLimits,
): AsyncGenerator<BundleRecord, void, undefined> {
  let drafts = 0
  let pieces = 0
  const parts = readJson(source, {
    lists,
    entryBytes: limits.entryBytes,
    // A line may be anything, until it is read; most are drafts.
    nameObject: () => (drafts + pieces === 0 ? 'bundle' : `drafts[${drafts}]`),
  })
  for await (const part of parts) {
    if (part.kind === 'object') {
      const { members, hasLists } = part
      const names = new Set(Object.keys(members))
      if (!hasLists && ofPiece.every((name) => names.has(name))) {
        yield { kind: 'piece', index: pieces, value: members }
        pieces += 1
      } else if (!hasLists && ofDraft.some((name) => names.has(name))) {
        yield { kind: 'draft', index: drafts, value: members }
        drafts += 1
      } else {
        yield { kind: 'bundle', members, hasLists }
      }
    } else if (part.list === 'drafts') {
      yield { kind: 'draft', index: drafts, value: part.value }
      drafts += 1
    } else if (part.list === 'files') {
      yield { kind: 'piece', index: pieces, value: part.value }
      pieces += 1
    } else {
      yield { kind: 'manifest', index: part.index, value: part.value }
    }
  }
}
