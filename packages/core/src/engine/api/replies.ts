import type { DraftPolicy } from '../../draft/draft.ts'
import type { OriginalMessage, ReplyMode, ReplyPhrases } from '../../draft/reply.ts'
import type { FolderPath } from '../../ids.ts'
import type { AttachmentInput } from './attachments.ts'
import type { ReviewInput } from './reviews.ts'

export interface ReplyOptions {
  readonly mode: ReplyMode
  /** HTML beside the text. Default: where the original has it. */
  readonly withHtml?: boolean
  /** The words around the quote; default: English. */
  readonly phrases?: ReplyPhrases
  readonly policy?: DraftPolicy
  readonly review?: ReviewInput
}

/** Which message is answered or passed on: one on the account's server, or one that the app has. */
export type ReplyInput = ReplyOptions &
  (
    | {
        readonly messageId: string
        /** Where it was seen: looked at first. */
        readonly folder?: FolderPath
      }
    | { readonly original: KnownOriginal }
  )

/** A message that the app has: nothing is fetched, so that it works offline. */
export interface KnownOriginal extends Omit<OriginalMessage, 'attachments' | 'protection' | 'unmodelled'> {
  /** A forward gets all of them, a reply the pictures that its quote shows. */
  readonly attachments?: readonly Omit<AttachmentInput, 'id'>[]
}
