import type {
  AccountId,
  AttachmentId,
  DeviceId,
  FolderPath,
  MessageId,
  Sha256,
  Uid,
  UidValidity,
  Umid,
  UserId,
  Version,
} from '../ids.ts'
import type { Address } from './address.ts'
import type { Unmodelled } from './unmodelled.ts'

/** `queued` and `sending` belong to the outbox; `discarded` is in the local trash for 30 days. */
export type DraftStatus = 'draft' | 'queued' | 'sending' | 'sent' | 'discarded'

export interface Attachment {
  readonly id: AttachmentId
  readonly filename: string
  /** `type/subtype`, without parameters. */
  readonly contentType: string
  /** Decoded bytes. */
  readonly size: number
  readonly sha256: Sha256
  readonly disposition: 'attachment' | 'inline'
  /** Without angle brackets (RFC 2392). */
  readonly contentId: string | null
}

/** What a person or a program writes: the fields that a revision holds. Line ends in `text` and `html` are LF. */
export interface DraftContent {
  readonly from: Address | null
  readonly to: readonly Address[]
  readonly cc: readonly Address[]
  readonly bcc: readonly Address[]
  readonly subject: string
  readonly text: string
  readonly html: string | null
  readonly inReplyTo: MessageId | null
  readonly references: readonly MessageId[]
  readonly attachments: readonly Attachment[]
  /** Kept as given; never sent. */
  readonly metadata: Readonly<Record<string, unknown>>
  readonly tags: readonly string[]
  /** Of a draft that another program wrote: what of it has no field here. Absent is null. */
  readonly unmodelled?: Unmodelled | null
}

export type ContentField = keyof DraftContent

/** `local-only` drafts are never uploaded (hazard 37). */
export type DraftPolicy = 'sync' | 'local-only'

/** Who made a revision. */
export type Author = 'user' | 'program' | 'foreign'

export interface Revision {
  readonly version: Version
  readonly savedAt: number
  readonly device: DeviceId
  readonly by: Author
  readonly fieldsChanged: readonly ContentField[]
  /** Of what it changed, as it is stored. */
  readonly bytes: number
}

/** Why the head revision is on this device and not on the server yet. */
export interface Pending {
  readonly reason:
    | 'waiting'
    | 'uploading'
    | 'offline'
    | 'backing-off'
    | 'parked'
    | 'removing-copies'
    | 'local-only'
    /** Written by another program: its text is here, its attachments are on their way. */
    | 'importing'
  readonly since: number
  /** The size of the message as it would be uploaded, where it is known. */
  readonly bytes: number
}

/** A failure that a user can read and act on; no secret and no user text is ever in it. */
export interface LastError {
  readonly code: string
  readonly message: string
  readonly at: number
}

/** How a copy got to the server: RFC 3501 APPEND, RFC 8508 REPLACE, each also with RFC 4469 CATENATE. */
export type UploadMethod = 'append' | 'append-catenate' | 'replace' | 'replace-catenate'

/** The sync side of a draft, as users see it. */
export interface DraftSyncView {
  readonly state: 'local-only' | 'synchronized' | 'stale-server'
  readonly folder: FolderPath | null
  readonly uid: Uid | null
  readonly uidValidity: UidValidity | null
  readonly uploadedVersion: Version | null
  readonly messageId: MessageId | null
  readonly pending: Pending | null
  readonly lastError: LastError | null
  /** How the last upload went; `bytesSent` counts the whole conversation of that upload, client to server. */
  readonly lastUpload: { readonly method: UploadMethod; readonly bytesSent: number; readonly at: number } | null
}

/** Somebody is to look at the draft before it is sent, or has done so. */
export interface DraftReview {
  /** It is sent only at the version that was approved. */
  readonly required: boolean
  /** The last one; any edit makes it void, wherever it was made. */
  readonly approval: Approval | null
}

export interface Approval {
  readonly version: Version
  readonly at: number
  readonly by: UserId
}

/** Two versions of a draft, and the fields that they do not have in common. */
export interface Comparison {
  readonly before: DraftContent
  readonly after: DraftContent
  readonly fields: readonly ContentField[]
}

export function isApproved({ version, review }: { readonly version: Version; readonly review: DraftReview }): boolean {
  return review.approval?.version === version
}

export interface Draft extends Omit<DraftContent, 'unmodelled'> {
  readonly id: Umid
  readonly accountId: AccountId
  readonly status: DraftStatus
  readonly version: Version
  readonly sync: DraftSyncView
  readonly policy: DraftPolicy
  readonly review: DraftReview
  readonly scheduledSendAt: number | null
  readonly succeeds: Umid | null
  readonly createdAt: number
  readonly updatedAt: number
}

/** A draft in a list: without its text and HTML. */
export type DraftListItem = Omit<Draft, 'text' | 'html'>

export const emptyContent: DraftContent = {
  from: null,
  to: [],
  cc: [],
  bcc: [],
  subject: '',
  text: '',
  html: null,
  inReplyTo: null,
  references: [],
  attachments: [],
  metadata: {},
  tags: [],
}
