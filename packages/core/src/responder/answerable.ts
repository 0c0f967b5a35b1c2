import type { Address } from '../draft/address.ts'
import { type FilteredMail, type MailFilters, passes } from './mail-filters.ts'
import { headerValues, type MailHeader } from './mail-header.ts'

/** What says whether a mail may be answered by a program (RFC 3834 §2). */
export interface NewMail {
  readonly from: Address | null
  readonly to: readonly Address[]
  readonly cc: readonly Address[]
  /** Decoded. */
  readonly subject: string
  /** The fields of `askedFields`, and those that filters name. */
  readonly header: MailHeader
}

/** Why a mail is not answered. */
export type Unanswerable =
  /** Nobody could be answered. */
  | 'NO_SENDER'
  | 'OWN_MAIL'
  /** A program wrote it (RFC 3834 §5). */
  | 'AUTO_SUBMITTED'
  /** It went to many at once. */
  | 'BULK'
  | 'LIST'
  /** From a mail system, or a report (RFC 3834 §2: an empty return path). */
  | 'BOUNCE'
  | 'NO_REPLY'
  | 'FILTERED'

/** What is asked of each new mail. */
export const askedFields: readonly string[] = [
  'Message-ID',
  'Date',
  'From',
  'Sender',
  'Reply-To',
  'To',
  'Cc',
  'Subject',
  'In-Reply-To',
  'References',
  'Return-Path',
  'Auto-Submitted',
  'X-Auto-Response-Suppress',
  'X-Autoreply',
  'X-Autorespond',
  'Precedence',
  'List-Id',
  'List-Unsubscribe',
  'Content-Type',
]

/** Null: it may be answered. */
export function whyNot(mail: NewMail, filters: MailFilters, own: readonly string[]): Unanswerable | null {
  const { header } = mail
  const has = (name: string): boolean => headerValues(header, name).length > 0
  const from = mail.from?.address.toLowerCase() ?? ''
  if (!/^[^@\s]+@[^@\s]+$/.test(from)) return 'NO_SENDER'
  if (own.some((address) => address.toLowerCase() === from)) return 'OWN_MAIL'
  if (isReport(header) || hasNullPath(header) || systems.test(localPart(from))) return 'BOUNCE'
  // RFC 3834 §5: any other word than `no`, also one that is not known yet.
  const submitted = headerValues(header, 'Auto-Submitted')
  if (submitted.some((value) => !/^\s*no\s*(?:[;(]|$)/i.test(value))) return 'AUTO_SUBMITTED'
  if (has('X-Autoreply') || has('X-Autorespond') || isSuppressed(header)) return 'AUTO_SUBMITTED'
  if (noReply.test(localPart(from))) return 'NO_REPLY'
  const listId = listIdOf(header)
  const wantsLists = filters.listId !== undefined
  if (listId !== null && !wantsLists) return 'LIST'
  if (listId === null && (isBulk(header) || has('List-Unsubscribe'))) return 'BULK'
  return passes(filters, filteredMail(mail, from, listId)) ? null : 'FILTERED'
}

function filteredMail({ to, cc, subject, header }: NewMail, from: string, listId: string | null): FilteredMail {
  return {
    from,
    recipients: [...to, ...cc].map(({ address }) => address),
    subject,
    listId,
    header: (name) => headerValues(header, name),
  }
}

const systems = /^(?:mailer-daemon|mail-daemon|postmaster|double-bounce|bounces?(?:[-+=].*)?)$/
const noReply = /(?:^|[-_.+])(?:no|do[-_.]?not|dont|never)[-_.]?reply(?:$|[-_.+\d])|^(?:noreply|donotreply)/

function localPart(address: string): string {
  return address.slice(0, address.lastIndexOf('@'))
}

function hasNullPath(header: MailHeader): boolean {
  return headerValues(header, 'Return-Path').some((value) => /^<\s*>$/.test(value))
}

/** RFC 6522 §3: reports of delivery, receipts of readers, complaints. */
function isReport(header: MailHeader): boolean {
  return headerValues(header, 'Content-Type').some((value) => /^\s*multipart\/report\b/i.test(value))
}

/** What Exchange writes into mails that programs are not to answer. */
function isSuppressed(header: MailHeader): boolean {
  return headerValues(header, 'X-Auto-Response-Suppress').some((value) => /\b(?:all|autoreply|oof)\b/i.test(value))
}

function isBulk(header: MailHeader): boolean {
  return headerValues(header, 'Precedence').some((value) => /^\s*(?:bulk|list|junk)\b/i.test(value))
}

/** RFC 2919 §3: the last pair of brackets; some programs write none. */
function listIdOf(header: MailHeader): string | null {
  const [value] = headerValues(header, 'List-Id')
  if (value === undefined) return null
  return /<([^<>]*)>[^<>]*$/.exec(value)?.[1]?.trim() ?? value.trim()
}
