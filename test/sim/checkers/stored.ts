import { createHash } from 'node:crypto'

import type { DraftContent } from '@everdraft/core'
import type Database from 'better-sqlite3'

import { bodyOf, fieldsOf } from '../world/message-format.ts'
import type { Arrival } from '../world/server.ts'

/** What lies on the disk, read past the engine. */

const statements = new WeakMap<Database.Database, Map<string, Database.Statement>>()

/** Rows of a question that is asked after every step: the statement is made once. `Row` is what the caller selects. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- SQL has no types: the caller says them, once.
export function ask<Row>(database: Database.Database, sql: string, ...parameters: readonly unknown[]): readonly Row[] {
  const known = statements.get(database) ?? new Map<string, Database.Statement>()
  statements.set(database, known)
  const statement = known.get(sql) ?? database.prepare(sql)
  known.set(sql, statement)
  return statement.all(...parameters) as Row[]
}

/** A save as a line, both ways, or the way back alone: see core/src/storage/save-lines.ts; read here by other code. */
type SaveOnDisk =
  | readonly [msSinceTheLineBefore: number, change: Change]
  | readonly [version: number, savedAt: number, device: string, by: string, change: Change]
  | readonly [
      version: number,
      savedAt: number,
      device: string,
      by: string,
      fields: string[],
      back: Delta,
      bytes: number,
    ]

type Change = Readonly<
  Record<
    string,
    | readonly [start: number, removed: string, inserted: string]
    | {
        readonly from: unknown
        readonly to: unknown
      }
  >
>

export interface DraftOnDisk {
  readonly id: string
  readonly status: string
  readonly sync_state: string
  readonly policy: string
  readonly version: number
  readonly content: DraftContent
  /** Saves that the history does not tell yet, as they stand. */
  readonly recent: string
}

export function draftsOnDisk(database: Database.Database): readonly DraftOnDisk[] {
  type Row = Omit<DraftOnDisk, 'content'> & { readonly content: string }
  const rows = ask<Row>(
    database,
    `select id, status, sync_state, policy, version, content, recent
      from draft join draft_content on draft_content.draft_id = draft.id`,
  )
  return rows.map(({ content: text, ...row }) => {
    let content = JSON.parse(text) as DraftContent
    for (const line of row.recent.split('\n')) {
      if (line === '') continue
      const change = (JSON.parse(line) as SaveOnDisk).find((told) => typeof told === 'object')
      if (change === undefined || Array.isArray(change))
        throw new Error(`draft ${row.id}: a line without the way there`)
      content = there(content, change as Change)
    }
    return { ...row, content }
  })
}

export interface SendOnDisk {
  readonly id: string
  readonly draft_id: string
  readonly message_id: string
  readonly phase: string
  readonly state: {
    readonly version: number
    readonly held: object | null
    readonly filing: string | null
    readonly error: object | null
    readonly dueAt: number
    readonly recipients: readonly { readonly address: string; readonly status: string }[]
  }
  readonly facts: {
    readonly sentCopy: object | null
    readonly frozen: { readonly sha256: string } | null
    readonly heldUntil: number | null
  }
}

export function sendsOnDisk(database: Database.Database): readonly SendOnDisk[] {
  type Row = Omit<SendOnDisk, 'state' | 'facts'> & { readonly state: string; readonly facts: string }
  const rows = ask<Row>(database, 'select id, draft_id, message_id, phase, state, facts from send order by id')
  return rows.map((row) => ({
    ...row,
    state: JSON.parse(row.state) as SendOnDisk['state'],
    // What was not found out is not stored.
    facts: {
      sentCopy: null,
      frozen: null,
      heldUntil: null,
      ...(JSON.parse(row.facts) as Partial<SendOnDisk['facts']>),
    },
  }))
}

/** Of a revision, told by the next one: see core/src/draft/delta.ts; read here by other code, so that it is checked too. */
interface Delta {
  readonly set: Partial<DraftContent>
  readonly splice: Readonly<Record<string, readonly [start: number, removed: number, inserted: string]>>
}

export interface RevisionOnDisk {
  readonly content: DraftContent
  readonly savedAt: number
}

/** The revisions of a draft that are kept, by version. */
export function revisionsOnDisk(database: Database.Database, draft: DraftOnDisk): ReadonlyMap<number, RevisionOnDisk> {
  type Row = {
    readonly version: number
    readonly encoding: string
    readonly content: string
    readonly saved_at: number
  }
  const sql = 'select version, encoding, content, saved_at from revision where draft_id = ? order by version desc'
  const revisions = new Map<number, RevisionOnDisk>()
  let next: DraftContent = draft.content
  const readRun = (lines: string): void => {
    const all = lines.split('\n').filter((line) => line !== '')
    const saves: { readonly version: number; readonly savedAt: number; readonly back: Change | Delta }[] = []
    for (const line of all) {
      const told = JSON.parse(line) as SaveOnDisk | DraftContent
      if (!isSave(told)) {
        next = told
      } else if (told.length === 2) {
        const before = saves.at(-1)
        if (before === undefined) throw new Error(`draft ${draft.id}: the first line tells of one before it`)
        saves.push({ version: before.version + 1, savedAt: before.savedAt + told[0], back: told[1] })
      } else {
        saves.push({ version: told[0], savedAt: told[1], back: told.length === 5 ? told[4] : told[5] })
      }
    }
    for (const { version, savedAt, back } of saves.toReversed()) {
      revisions.set(version, { content: next, savedAt })
      next = isDelta(back) ? applied(next, back) : backFrom(next, back)
    }
  }
  readRun(draft.recent)
  for (const row of ask<Row>(database, sql, draft.id)) {
    if (row.encoding === 'run') {
      readRun(row.content)
      continue
    }
    if (row.encoding === 'full') next = JSON.parse(row.content) as DraftContent
    if (row.encoding === 'reverse') next = applied(next, JSON.parse(row.content) as Delta)
    revisions.set(row.version, { content: next, savedAt: row.saved_at })
  }
  return revisions
}

/** A change is told by field, and no field is called so. */
function isDelta(back: Change | Delta): back is Delta {
  return 'splice' in back
}

function isSave(told: SaveOnDisk | DraftContent): told is SaveOnDisk {
  return Array.isArray(told)
}

function there(from: DraftContent, change: Change): DraftContent {
  const fields: Record<string, unknown> = { ...from }
  for (const [field, told] of Object.entries(change)) {
    fields[field] = 'to' in told ? told.to : replaced(fields[field], told[0], told[1], told[2])
  }
  return fields as unknown as DraftContent
}

function backFrom(to: DraftContent, change: Change): DraftContent {
  const fields: Record<string, unknown> = { ...to }
  for (const [field, told] of Object.entries(change)) {
    fields[field] = 'to' in told ? told.from : replaced(fields[field], told[0], told[2], told[1])
  }
  return fields as unknown as DraftContent
}

/** What is to give way is looked at, too. */
function replaced(text: unknown, start: number, away: string, instead: string): string {
  if (typeof text !== 'string' || !text.startsWith(away, start)) throw new Error('a save tells of another text')
  return text.slice(0, start) + instead + text.slice(start + away.length)
}

function applied(from: DraftContent, { set, splice }: Delta): DraftContent {
  const texts: Record<string, string> = {}
  for (const [field, [start, removed, inserted]] of Object.entries(splice)) {
    const text = from[field as 'text' | 'html'] ?? ''
    texts[field] = text.slice(0, start) + inserted + text.slice(start + removed)
  }
  return { ...from, ...set, ...texts }
}

const withTables = new WeakSet<Database.Database>()

/** False for a database that no engine has been in yet. */
export function hasTables(database: Database.Database): boolean {
  if (withTables.has(database)) return true
  const has = ask(database, "select 1 from sqlite_master where name = 'lane'").length > 0
  if (has) withTables.add(database)
  return has
}

interface Place {
  readonly folder: string
  readonly uidValidity: number
  readonly uid: number
}

export interface ReceiptOnDisk {
  readonly draft_id: string
  readonly message_id: string
  readonly attempt_id: string
}

const receipts = ['server_name', 'anchor', 'delete_debt']
  .map(
    (table) => `select draft_id, message_id, attempt_id from ${table}
      where folder = $folder and uid_validity = $uidValidity and uid = $uid`,
  )
  .join(' union all ')

/** What says that the message at this place is a copy of ours, whoever put it there. */
export function receiptAt(database: Database.Database, { folder, uidValidity, uid }: Place): ReceiptOnDisk | undefined {
  return ask<ReceiptOnDisk>(database, receipts, { folder, uidValidity, uid })[0]
}

/** A message that we stored for this draft, or that was taken in as a copy of it. */
export function isOf(database: Database.Database, draftId: string, arrival: Arrival): boolean {
  if (arrival.by === 'engine') return arrival.draftId === draftId
  const sql = "select 1 from attempt where draft_id = ? and method = 'import' and message_id = ?"
  return ask(database, sql, draftId, arrival.messageId ?? '').length > 0
}

type Modelled = Pick<
  DraftContent,
  'from' | 'to' | 'cc' | 'bcc' | 'subject' | 'inReplyTo' | 'references' | 'text' | 'html'
>

/** What a simulated message says, and how many attachments it has. */
export function modelledIn(message: Uint8Array): {
  readonly fields: Modelled
  readonly attachments: readonly string[]
} {
  const text = Buffer.from(message).toString('latin1')
  const fields = fieldsOf(/^\{.*\}$/m.exec(text)?.[0] ?? bodyOf(text))
  const bodies = [...text.matchAll(/Content-Transfer-Encoding: base64\r\n\r\n([^-]*?)\r\n--/g)]
  return { fields, attachments: bodies.map((match) => hashOf(Buffer.from(match[1] ?? '', 'base64'))).toSorted() }
}

export function sameMessage(message: ReturnType<typeof modelledIn>, held: DraftContent): boolean {
  const { from, to, cc, bcc, subject, inReplyTo, references, text, html } = held
  const fields: Modelled = { from, to, cc, bcc, subject, inReplyTo, references, text, html }
  const hashes = held.attachments.map((attachment) => attachment.sha256).toSorted()
  return (
    JSON.stringify(message.fields) === JSON.stringify(fields) &&
    JSON.stringify(message.attachments) === JSON.stringify(hashes)
  )
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
