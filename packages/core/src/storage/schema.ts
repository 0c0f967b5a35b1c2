import type { Generated, Selectable } from 'kysely'

/** Rows as they lie in the tables; migrations.ts makes them. JSON columns hold text. Times are epoch milliseconds. */
export interface Schema {
  readonly meta: { readonly key: string; readonly value: string }
  readonly account: AccountRow
  readonly account_secret: AccountSecretRow
  readonly draft: DraftRow
  readonly draft_content: DraftContentRow
  readonly revision: RevisionRow
  readonly server_name: ReceiptRow & { readonly missing_since: number | null }
  readonly anchor: ReceiptRow
  readonly delete_debt: ReceiptRow & { readonly id: Generated<number> }
  readonly attempt: AttemptRow
  readonly pending_import: PendingImportRow
  readonly download: DownloadRow
  readonly folder: FolderRow
  readonly blob: BlobRow
  readonly blob_chunk: { readonly blob_id: number; readonly seq: number; readonly bytes: Uint8Array }
  readonly blob_ref: { readonly holder: string; readonly blob_id: number }
  readonly task: TaskRow
  readonly task_log: TaskLogRow
  readonly event: EventRow
  readonly conflict: ConflictRow
  readonly template: TemplateRow
  readonly lease: LeaseRow
  readonly draft_count: DraftCountRow
  readonly draft_search: SearchRow
  /** In SQLite alone: `draft_search.rowid` of a draft. */
  readonly search_row: { readonly id: Generated<number>; readonly draft_id: string }
  readonly lane: LaneRow
  readonly send: SendRow
  readonly sent_habit: SentHabitRow
  readonly send_request: SendRequestRow
  readonly draft_request: DraftRequestRow
  readonly draft_save: DraftSaveRow
  readonly api_token: ApiTokenRow
  readonly webhook: WebhookRow
  readonly webhook_delivery: WebhookDeliveryRow
  readonly staged_import: StagedImportRow
  readonly email_outcomes: EmailOutcomeRow
  readonly sent_mail: SentMailRow
  readonly outcome_sight: OutcomeSightRow
  readonly outcome_look: OutcomeLookRow
  readonly responder: ResponderRow
  readonly inbox_mark: InboxMarkRow
  readonly conversation_message: ConversationMessageRow
  readonly mail_answer: MailAnswerRow
}

/** One consent to send. */
export interface SendRow {
  readonly id: string
  readonly account_id: string
  readonly draft_id: string
  readonly status: string
  readonly phase: string
  readonly due_at: number
  /** JSON of `SendState`. */
  readonly state: string
  /** JSON of `SendFacts`: what the steps have found out. */
  readonly facts: string
  readonly message_id: string
  /** The address of the envelope. */
  readonly sender: string
  readonly subject: string
  readonly created_at: number
  /** JSON of its entries, without the brackets around. */
  readonly journal: string
  /** How often it was written. */
  readonly changes: number
  /** When nothing was left to be done. */
  readonly ended_at: number | null
}

export interface ApiTokenRow {
  readonly id: string
  readonly tenant_id: string
  readonly user_id: string
  readonly name: string
  /** JSON of a list. */
  readonly scopes: string
  /** Hexadecimal SHA-256 of what the bearer shows. */
  readonly digest: string
  readonly expires_at: number | null
  readonly last_used_at: number | null
  readonly created_at: number
}

export interface WebhookRow {
  readonly id: string
  readonly tenant_id: string
  readonly user_id: string
  readonly url: string
  /** JSON of a list; null: all. */
  readonly events: string | null
  readonly account_id: string | null
  readonly allow_private: number
  readonly secret: string
  /** 1: by a key; see secrets.ts. */
  readonly sealed: number
  /** The one before; null: there is none, or it signs no more. */
  readonly previous_secret: string | null
  readonly previous_sealed: number | null
  readonly previous_until: number | null
  readonly created_at: number
  /** All up to it was delivered. */
  readonly event_cursor: number
  readonly failures: number
  readonly failing_since: number | null
  readonly next_attempt_at: number | null
  readonly disabled_at: number | null
}

export interface WebhookDeliveryRow {
  readonly seq: Generated<number>
  readonly webhook_id: string
  readonly event: string
  /** Null: a ping. */
  readonly event_cursor: number | null
  readonly attempt: number
  readonly at: number
  readonly duration_ms: number
  /** Of HTTP; null: none came. */
  readonly status: number | null
  readonly error: string | null
}

/** A draft of a bundle that is being read. */
interface StagedImportRow {
  readonly import_id: string
  readonly seq: number
  /** JSON of an `ImportedDraft`. */
  readonly entry: string
  readonly at: number
}

/** By which a repeated request is known for the consent that it made. */
interface SendRequestRow {
  readonly scope: string
  readonly key: string
  /** Of what was asked for. */
  readonly digest: string
  readonly send_id: string
  readonly at: number
}

/** The same for the draft that it made. */
interface DraftRequestRow {
  readonly scope: string
  readonly key: string
  readonly digest: string
  readonly draft_id: string
  readonly at: number
}

/** A save as the draft manager's clients know it; see draft-saves.ts. */
export interface DraftSaveRow {
  readonly account_id: string
  readonly save_id: string
  /** There may be no such draft yet. */
  readonly draft_id: string
  readonly device: string
  readonly begun_at: number
  readonly base_version: number | null
  /** JSON of what the client had written by then; null: it did not say. */
  readonly state: string | null
  /** Null: it was begun, and is not finished. */
  readonly ended_at: number | null
  /** That it made; null: none. */
  readonly version: number | null
  /** Of what it said; null: it has not come. */
  readonly digest: string | null
  /** JSON of a `SaveAnswer`; null: it had none. */
  readonly answer: string | null
  /** JSON of a `DraftContent`: what the client had written, where the version says otherwise; else null. */
  readonly written: string | null
  /** The `save_id` of a later one that has its words, and came before it or instead; null: none. */
  readonly included_in: string | null
}

interface SentHabitRow {
  readonly account_id: string
  readonly by_server: number
  readonly after_ms: number
  readonly seen_at: number
}

export interface AccountRow {
  readonly id: string
  readonly tenant_id: string
  readonly user_id: string
  readonly address: string
  readonly name: string
  /** JSON of a `Login`. */
  readonly imap: string
  readonly smtp: string | null
  readonly last_error: string | null
  readonly last_used_at: number
  readonly created_at: number
  /** JSON of an `AccountProbe`; null before the first. */
  readonly probe: string | null
}

interface AccountSecretRow {
  readonly account_id: string
  /** See storage/secrets.ts. */
  readonly kind: string
  readonly secret: string
  /** 1: by a key; see secrets.ts. */
  readonly sealed: number
}

interface DraftRow {
  readonly id: string
  readonly account_id: string
  /** Unguessable; it stands in the Message-ID of every copy. */
  readonly token: string
  readonly status: string
  readonly sync_state: string
  readonly policy: string
  readonly version: number
  readonly scheduled_send_at: number | null
  readonly succeeds: string | null
  readonly created_at: number
  readonly updated_at: number
  /** When it went into the local trash. */
  readonly trashed_at: number | null
  /** When its text was taken out of the trash for good: the row stays for copies that show up late. */
  readonly emptied_at: number | null
  /** It is in the trash because its copy vanished, and not by an act of the user here. */
  readonly purged: Generated<number>
  /** The Message-ID of the mail that another program, or another device, made of it; null where none is known. */
  readonly sent_as: string | null
  /** 1: it is sent only as it was approved. */
  readonly review_required: Generated<number>
  /** Of the last approval; null: there was none. */
  readonly approved_version: number | null
  readonly approved_at: number | null
  readonly approved_by: string | null
  /** The version that the full-text index holds. */
  readonly indexed_version: Generated<number>
  /** What the last saves changed, beyond `draft_content`: see storage/recent-saves.ts. */
  readonly recent: Generated<string>
}

/** What of its row tells those something who read a draft; the rest is of use to few, and each column takes its time. */
export type DraftFacts = Omit<Selectable<DraftRow>, 'purged' | 'sent_as' | 'indexed_version' | 'recent'>

export const draftFacts: readonly (keyof DraftFacts)[] = [
  'id',
  'account_id',
  'token',
  'status',
  'sync_state',
  'policy',
  'version',
  'scheduled_send_at',
  'succeeds',
  'created_at',
  'updated_at',
  'trashed_at',
  'emptied_at',
  'review_required',
  'approved_version',
  'approved_at',
  'approved_by',
]

/** The head, but for the last saves. */
interface DraftContentRow {
  readonly draft_id: string
  readonly content: string
}

interface RevisionRow {
  readonly draft_id: string
  readonly version: number
  /** See storage/revisions.ts. */
  readonly encoding: string
  readonly content: string
  /** Of what the revision changed, as JSON. */
  readonly bytes: number
  readonly saved_at: number
  readonly device: string
  readonly author: string
  readonly fields_changed: string
}

/** A receipt: a message on the server that is a copy of ours, proved. */
export interface ReceiptRow {
  readonly draft_id: string
  readonly account_id: string
  readonly folder: string
  readonly uid_validity: number
  readonly uid: number
  readonly message_id: string
  readonly version: number
  readonly attempt_id: string
}

export interface AttemptRow {
  readonly id: string
  readonly account_id: string
  readonly draft_id: string
  readonly version: number
  readonly message_id: string
  readonly base_message_id: string | null
  readonly digest: string
  readonly method: string
  readonly folder: string
  readonly uid_validity: number
  readonly uid_next: number | null
  /** `[{sha256, section, encodedSize}]`: what a later CATENATE can quote. */
  readonly parts: string
  readonly size: number
  /** `open`: the server may or may not have it. `stored`, `absent`, `refused`. */
  readonly state: string
  readonly bytes_sent: number
  readonly created_at: number
  readonly ended_at: number | null
}

/** A draft that was taken in with its text alone: its other parts are still on their way. */
export interface PendingImportRow {
  readonly draft_id: string
  readonly account_id: string
  readonly folder: string
  readonly uid_validity: number
  readonly uid: number
  /** RFC822.SIZE. */
  readonly size: number
  readonly created_at: number
}

/** A large message on its way here, piece by piece: after a cut it goes on where it was. */
interface DownloadRow {
  readonly account_id: string
  readonly folder: string
  readonly uid_validity: number
  readonly uid: number
  readonly seq: number
  readonly bytes: Uint8Array
  readonly at: number
}

interface FolderRow {
  readonly account_id: string
  readonly role: string
  readonly path: string
  readonly uid_validity: number
  readonly uid_next: number
  /** RFC 7162, decimal; null without CONDSTORE. */
  readonly highest_modseq: string | null
  readonly seen_at: number
  /** A sequence set: the UIDs of messages that are none of ours. */
  readonly others: string
  /** `apply`, `hold`, `confirmed`: see `Losses`. */
  readonly losses: string
  /** See `SeenFolder`. */
  readonly newest_at: number | null
}

export interface BlobRow {
  readonly id: Generated<number>
  readonly account_id: string
  /** Empty until the last chunk is in. */
  readonly sha256: string
  readonly size: number
  readonly complete: number
  /** `database`: in blob_chunk. `store`: in the `BlobStore` that the engine was given. */
  readonly place: Generated<string>
  readonly created_at: number
}

export interface TaskRow {
  readonly seq: Generated<number>
  readonly id: string
  readonly account_id: string
  readonly lane: string
  /** `lane.seq`. */
  readonly lane_seq: number
  readonly kind: string
  readonly key: string
  readonly state: string
  readonly priority: number
  readonly attempts: number
  /** Failures to connect in a row: they count as no attempt, and only space the next try (hazard 29). */
  readonly connect_failures: number
  readonly superseded: number
  /** Somebody waits for it: what it costs in bytes is no reason to wait. */
  readonly urgent: number
  readonly run_at: number
  /** When the first of the requests that this row stands for came: the debounce never waits longer than from here. */
  readonly requested_at: number
  readonly last_error: string | null
  readonly created_at: number
  /** What happened to it: see task-steps.ts. */
  readonly steps: string
}

interface LaneRow {
  /** Never given twice. */
  readonly seq: Generated<number>
  readonly id: string
  readonly account_id: string
  readonly busy: number
  /** Counts the claims: a write under an older one is refused. */
  readonly fence: number
}

/** A task that has ended. */
interface TaskLogRow {
  readonly task_id: string
  readonly account_id: string
  readonly kind: string
  readonly key: string
  /** What happened to it: see task-steps.ts. */
  readonly steps: string
  readonly ended_at: number
}

/** The log of events; `seq` is the cursor of a subscriber. */
export interface EventRow {
  readonly seq: Generated<number>
  /** Empty: of none. */
  readonly account_id: string
  /** Whose it is, where no account says that; see events.ts. */
  readonly owner: string | null
  readonly at: number
  /** JSON of an `EngineEvent`. */
  readonly payload: string
}

/** Two texts of one draft that could not be made one. Contents are JSON. */
interface ConflictRow {
  readonly id: string
  readonly draft_id: string
  readonly account_id: string
  readonly base_version: number
  readonly remote_version: number
  readonly base: string
  readonly local: string
  readonly remote: string
  readonly fields: string
  readonly device: string
  readonly author: string
  readonly created_at: number
  readonly resolved_at: number | null
  readonly strategy: string | null
}

interface TemplateRow {
  readonly id: string
  readonly account_id: string
  readonly name: string
  readonly content: string
  readonly created_at: number
  readonly updated_at: number
}

/** A composer that has a draft open, until `expires_at`. */
interface LeaseRow {
  readonly draft_id: string
  readonly device: string
  /** The version at which it was opened: what "discard my changes" goes back to. */
  readonly base_version: number
  readonly expires_at: number
}

/** A virtual table (FTS5). */
/** Kept by triggers of the database. */
interface DraftCountRow {
  readonly account_id: string
  readonly status: string
  readonly sync_state: string
  readonly drafts: number
}

interface SearchRow {
  readonly draft_id: string
  readonly account_id: string
  readonly subject: string
  readonly people: string
  readonly body: string
  readonly files: string
}

/** A draft that a program wrote; `message_id` is the draft's id. The columns of what was sent are all null until it was. */
export interface EmailOutcomeRow {
  readonly id: string
  readonly account_id: string
  readonly tenant_id: string
  readonly user_id: string
  readonly user_name: string
  readonly message_id: string
  readonly conversation_id: string
  readonly reply_to_message_id: string | null
  readonly scenario: string | null
  readonly draft_subject: string
  readonly draft_body: string
  readonly final_subject: string
  readonly final_body: string
  readonly metadata_json: string
  readonly status: string
  readonly created_at: number
  readonly superseded_at: number | null
  readonly superseded_by: string | null
  /** 1: it was superseded, and its copy stays on the server. */
  readonly is_kept: number
  readonly sent_message_id: string | null
  readonly sent_subject: string | null
  readonly sent_body: string | null
  readonly sent_to: string | null
  readonly sent_at: number | null
  readonly evidence: string | null
  readonly score: number | null
  readonly similarity: number | null
  readonly edit_distance: number | null
  readonly verdict: string
}

/** Whom it asks is one of `url` and `module`; what signs its requests is a secret of the account. */
export interface ResponderRow {
  readonly account_id: string
  readonly url: string | null
  readonly module: string | null
  readonly allow_private: number
  /** JSON of `MailFilters`. */
  readonly filters: string
  readonly scenario: string | null
  readonly timeout_ms: number
  readonly cooldown_ms: number
  readonly hourly_limit: number
  readonly created_at: number
  readonly updated_at: number
}

/** A mail in INBOX that a responder answers, or has answered. */
export interface InboxMarkRow {
  readonly id: string
  readonly account_id: string
  /** What tells mails apart, hashed: it holds over a change of UIDs. */
  readonly identity: string
  readonly conversation_id: string
  /** JSON of `KeptMail`. */
  readonly mail: string
  readonly state: string
  /** JSON of a `LastError`: why there is no draft, or not yet. */
  readonly reason: string | null
  readonly failures: number
  readonly draft_id: string | null
  readonly found_at: number
  readonly ended_at: number | null
}

interface ConversationMessageRow {
  readonly account_id: string
  readonly message_id: string
  readonly conversation_id: string
  readonly at: number
}

/** That a mail is answered, as far as that was seen. */
interface MailAnswerRow {
  readonly account_id: string
  /** The mail: its Message-ID with whom the answer went to, or `identity` of its mark. */
  readonly mail: string
  /** Empty: the answer is a mail in Sent. */
  readonly draft_id: string
  /** 1: a person has written in the draft. */
  readonly is_edited: number
  readonly at: number
}

interface SentMailRow {
  readonly account_id: string
  readonly folder: string
  readonly uid_validity: number
  readonly uid: number
  readonly sent_at: number
  /** JSON of a `SentMail`, without its key. */
  readonly mail: string
}

interface OutcomeSightRow {
  readonly draft_id: string
  readonly account_id: string
  readonly seen_at: number
  /** Null: it is there. */
  readonly gone_at: number | null
  /** JSON of a list of `SeenCopy`. */
  readonly server_ids: string
}

interface OutcomeLookRow {
  readonly account_id: string
  readonly weighed_at: number
  readonly is_due: number
}
