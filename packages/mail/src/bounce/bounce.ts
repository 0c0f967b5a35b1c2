import type { Bounce, BounceReader, MessageId, RawField } from '@everdraft/core'

import { decodeText, rawValues } from '../mime/header-block.ts'
import { readBounceText } from './bounce-text.ts'
import { readDeliveryStatus } from './delivery-status.ts'
import { fieldsOf, type ReportPart, reportParts } from './report-parts.ts'

const lookedAtBytes = 1024 * 1024

/** Reads reports of RFC 3464 and RFC 6533, and those of mail systems that write only for people. */
export function bounceReader(): BounceReader {
  return {
    fields: ['Return-Path', 'From', 'Subject', 'Content-Type', 'X-Failed-Recipients'],
    mayBe: (header) => mayBeBounce(fieldsOf(Buffer.from(header).toString('latin1'))),
    read: (raw) => readBounce(raw.subarray(0, lookedAtBytes)),
  }
}

function mayBeBounce(fields: readonly RawField[]): boolean {
  const type = rawValues(fields, 'Content-Type')[0] ?? ''
  // RFC 6522 §3. Receipts of readers and complaints (RFC 8098, RFC 5965) are reports, too, of other kinds.
  const isReport = /^\s*multipart\/report\b/i.test(type) && !/report-type\s*=\s*"?(?:disposition|feedback)/i.test(type)
  return isReport || hasNullPath(fields) || isFromSystem(fields)
}

function readBounce(raw: Uint8Array): Bounce | null {
  const { fields, parts } = reportParts(raw)
  const returned = returnedHeader(parts)
  const evidence = evidenceOf(returned)
  const statusPart = parts.find(({ type }) => /^message\/(?:global-)?delivery-status$/.test(type))
  const status = statusPart === undefined ? null : readDeliveryStatus(Buffer.from(statusPart.text).toString('latin1'))
  if (status !== null) return { ...status, ...evidence, kind: 'report' }
  if (isAutomaticReply(fields)) return null

  const text = parts.find(({ type }) => type === 'text/plain')?.text ?? textOfHtml(parts)
  const recipients = readBounceText(text, decodeText(rawValues(fields, 'Subject')[0] ?? ''), {
    isSystem: isFromSystem(fields),
    hasNullPath: hasNullPath(fields),
    // Exchange says in a field of its own who it is about.
    returned: rawValues(fields, 'X-Failed-Recipients')[0]?.split(',')[0]?.trim() ?? null,
  })
  if (recipients === null) return null
  const inText =
    returned.length > 0 ? evidence : evidenceOf(fieldsOf(Buffer.from(quotedHeader(text)).toString('latin1')))
  return { recipients, envid: null, ...inText, kind: 'text' }
}

function evidenceOf(header: readonly RawField[]): Pick<Bounce, 'messageId' | 'token'> {
  const given = ['X-Google-Original-Message-ID', 'X-Microsoft-Original-Message-ID', 'Message-ID']
  const messageId = given.map((name) => /<[^<>\s]+>/.exec(rawValues(header, name)[0] ?? '')?.[0]).find(Boolean) ?? null
  // What `attemptMessageId` of the core makes.
  const inMessageId = /^<[0-9a-f]{12}\.([0-9a-f]{32})@/.exec(messageId ?? '')?.[1]
  return {
    messageId: messageId as MessageId | null,
    token: rawValues(header, 'X-Everdraft-Id')[0] ?? inMessageId ?? null,
  }
}

/** Of the mail that came back: whole, or its header only (RFC 6522 §3, RFC 6533 §4). */
function returnedHeader(parts: readonly ReportPart[]): readonly RawField[] {
  const part = parts.find(({ type }) =>
    /^(?:message\/(?:rfc822|global|rfc822-headers|global-headers)|text\/rfc822-headers?)$/.test(type),
  )
  if (part === undefined) return []
  const header = part.text.trimStart().split(/\n\n/)[0] ?? ''
  return fieldsOf(Buffer.from(header).toString('latin1'))
}

/** Below a line such as `--- Below this line is a copy of the message.`, or from `Message-ID:` on. */
function quotedHeader(text: string): string {
  const lines = text.split('\n')
  const copy = lines.findIndex((line) =>
    /^-{2,}.*(?:copy of|original) (?:the |of the )?message|^-{2,} ?This is a copy/i.test(line),
  )
  const id = lines.findIndex((line) => /^[> ]*Message-ID:/i.test(line))
  const from = copy === -1 ? id : copy + 1
  return from === -1
    ? ''
    : (lines
        .slice(from)
        .join('\n')
        .trimStart()
        .split('\n\n')[0]
        ?.replace(/^[> ]+(?=[\w-]+:)/gm, '') ?? '')
}

/** RFC 3834 §3: out of office, and other answers of programs for people. */
function isAutomaticReply(fields: readonly RawField[]): boolean {
  const submitted = rawValues(fields, 'Auto-Submitted')[0]?.toLowerCase() ?? ''
  const isReply = submitted.startsWith('auto-replied') && !isFromSystem(fields)
  return isReply || ['X-Autoreply', 'X-Autorespond', 'X-Auto-Reply'].some((name) => rawValues(fields, name).length > 0)
}

/** The null reverse-path and a name that RFC 5321 and custom give to mail systems. */
function isFromSystem(fields: readonly RawField[]): boolean {
  const from = rawValues(fields, 'From')[0] ?? ''
  const isSystemName =
    /(?:mailer-daemon|postmaster|mail delivery (?:system|subsystem|service)|microsoftexchange|mdaemon|mail administrator)/i.test(
      from,
    )
  const failed = rawValues(fields, 'X-Failed-Recipients').length > 0
  const isUndeliverable =
    /^(?:undeliver|returned mail|delivery status|mail delivery failed|failure notice|nicht zustellbar|unzustellbar)/i.test(
      rawValues(fields, 'Subject')[0] ?? '',
    )
  return isSystemName || failed || (hasNullPath(fields) && isUndeliverable)
}

/** RFC 5321 §6.1: what a mail system writes goes out without a return path. */
function hasNullPath(fields: readonly RawField[]): boolean {
  return (rawValues(fields, 'Return-Path')[0] ?? '').replace(/\s/g, '') === '<>'
}

function textOfHtml(parts: readonly ReportPart[]): string {
  const html = parts.find(({ type }) => type === 'text/html')?.text ?? ''
  return html
    .replace(/<(?:style|script)[\s\S]*?<\/(?:style|script)>/gi, '')
    .replace(/<(?:br|\/p|\/div|\/tr|\/h\d)[^>]*>/gi, '\n')
    .replace(/<[^>]*>/g, '')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&#39;|&rsquo;/g, "'")
    .replace(/&nbsp;/g, ' ')
    .replace(/&amp;/g, '&')
    .replace(/^[ \t]+|[ \t]+$/gm, '')
}
