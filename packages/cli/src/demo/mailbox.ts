import { createHash } from 'node:crypto'

import type { Hasher, ServerSettings } from '@everdraft/core'

/** The mailbox that the demo runs on, with a look into it that does not go through the daemon. */
export interface DemoMailbox {
  /** One line each, before the first step: what runs, and how "offline" is made. */
  readonly introduction: readonly string[]
  readonly address: string
  /** What the account is made with. */
  readonly imap: ServerSettings
  /** Null: nothing is sent. */
  readonly smtp: ServerSettings | null
  /** To whom the draft is written, and sent. */
  readonly recipient: string
  /** What happens when the mail server comes up, as the title of that step. */
  readonly comingUp: string
  goOnline(): Promise<void>
  /** The copies of this draft that lie in the mailbox now. */
  copies(folder: string | null, draftId: string): Promise<readonly Copy[]>
  /** What lies in Sent under this Message-ID. */
  sentCopies(messageId: string): Promise<readonly Copy[]>
  /** Null for a mailbox of the user's own: no strange mail comes into that. */
  readonly correspondence: Correspondence | null
  /** SHA-256 of the attachments of the message, as they are decoded from what the server holds. */
  attachmentHashes(folder: string, uid: number): Promise<readonly string[]>
  /**
   * For a mailbox that outlives the demo: removes what the daemon left of these drafts, which should be nothing.
   * Absent where the mailbox goes with the demo.
   */
  removeLeftovers?(draftIds: readonly string[]): Promise<Leftovers>
  close(): Promise<void>
}

/** What others do in the mailbox. */
export interface Correspondence {
  receive(mail: Mail): Promise<void>
  /**
   * A mail program that knows nothing of us: it opens the draft, edits it, sends it under a Message-ID of its own, files it in
   * Sent, and removes it from Drafts.
   */
  sendElsewhere(draftId: string, edit: { readonly before: string; readonly after: string }): Promise<void>
}

export interface Mail {
  readonly messageId: string
  readonly from: string
  readonly subject: string
  readonly text: string
}

interface Leftovers {
  readonly removed: readonly Copy[]
  /** Folders that were not there before; they stay. */
  readonly newFolders: readonly string[]
}

export interface Copy {
  readonly uid: number
  /** RFC822.SIZE. */
  readonly size: number
}

export function createSha256(): Hasher {
  const hash = createHash('sha256')
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') }
}
