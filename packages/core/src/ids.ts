import type { Random } from './environment.ts'

declare const brand: unique symbol
type Branded<T, Name extends string> = T & { readonly [brand]: Name }

/** The stable id of a draft: ours, a UUIDv7, never the server's. It does not change when the draft is uploaded, moved or sent. */
export type Umid = Branded<string, 'Umid'>
/** A UUIDv7. */
export type AccountId = Branded<string, 'AccountId'>
export type TenantId = Branded<string, 'TenantId'>
export type UserId = Branded<string, 'UserId'>
/** A UUIDv7; it stands in the token, which is no secret by it. */
export type ApiTokenId = Branded<string, 'ApiTokenId'>
/** A UUIDv7; one per upload that was begun. */
export type AttemptId = Branded<string, 'AttemptId'>
export type TaskId = Branded<string, 'TaskId'>
/** A UUIDv7; one per consent to send, kept through all its retries. It is also the ENVID (RFC 3461 §4.4). */
export type SendId = Branded<string, 'SendId'>
export type AttachmentId = Branded<string, 'AttachmentId'>
export type TemplateId = Branded<string, 'TemplateId'>
/** A UUIDv7. */
export type WebhookId = Branded<string, 'WebhookId'>
/** A UUIDv7; one per draft that a program wrote for somebody to send. */
export type OutcomeId = Branded<string, 'OutcomeId'>
/** A UUIDv7; one per mail that a responder is asked about. */
export type InboxMarkId = Branded<string, 'InboxMarkId'>
/** Mails that answer one another; of the server where it says which, else the first Message-ID that is known of them. */
export type ConversationId = Branded<string, 'ConversationId'>
export type ConflictId = Branded<string, 'ConflictId'>
export type DeviceId = Branded<string, 'DeviceId'>
/** Lower-case hexadecimal SHA-256 of an attachment's decoded bytes. */
export type Sha256 = Branded<string, 'Sha256'>
/** Counts a draft's revisions from 1; it is also the `ETag`. */
export type Version = Branded<number, 'Version'>
/** RFC 3501 §2.3.1.1: 1 to 2^32−1, ascending, never reused under one UIDVALIDITY. */
export type Uid = Branded<number, 'Uid'>
/** RFC 3501 §2.3.1.1: changes when the UIDs of a folder no longer mean what they meant. */
export type UidValidity = Branded<number, 'UidValidity'>
/** A folder's name as the mailbox port gives it: decoded, with the server's own hierarchy separator. */
export type FolderPath = Branded<string, 'FolderPath'>
/** Where a subscriber is in the log of events; grows, survives restarts. */
export type EventCursor = Branded<number, 'EventCursor'>
/** With the angle brackets: `<local@domain>` (RFC 5322 §3.6.4). */
export type MessageId = Branded<string, 'MessageId'>

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export function isUuid(text: string): boolean {
  return uuidPattern.test(text)
}

/** A UUIDv7 (RFC 9562 §5.7): sorts by the time it was made, so that rows made together lie together on disk. */
export function uuidv7(nowMs: number, random: Random): string {
  const bytes = random(16)
  let time = nowMs
  for (let index = 5; index >= 0; index -= 1) {
    bytes[index] = time % 256
    time = Math.floor(time / 256)
  }
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  return `${hexOf(bytes, 0, 4)}-${hexOf(bytes, 4, 6)}-${hexOf(bytes, 6, 8)}-${hexOf(bytes, 8, 10)}-${hexOf(bytes, 10, 16)}`
}

const hexOfByte: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

export function toHex(bytes: Uint8Array): string {
  return hexOf(bytes, 0, bytes.length)
}

function hexOf(bytes: Uint8Array, start: number, end: number): string {
  let hex = ''
  for (let place = start; place < end; place += 1) hex += hexOfByte[bytes[place] ?? 0]
  return hex
}
