import type { MessageId, ParsedMessage, RawField } from '@everdraft/core'

import { parseAddresses } from './address-field.ts'
import { decodeRaw } from './charset.ts'
import { decodeText, rawValues, withoutControls } from './header-block.ts'

/** What the header of a message says of it. */
type MessageFields = Omit<ParsedMessage, 'text' | 'html' | 'attachments' | 'protection' | 'unmodelled'>

export function readMessageFields(fields: readonly RawField[]): MessageFields {
  const addresses = (name: string): ParsedMessage['to'] => parseAddresses(rawValues(fields, name).map(decodeRaw))
  const first = (name: string): string | null => rawValues(fields, name)[0] ?? null
  return {
    messageId: readId(first('message-id')),
    date: readDate(first('date')),
    from: addresses('from')[0] ?? null,
    sender: addresses('sender')[0] ?? null,
    replyTo: addresses('reply-to'),
    to: addresses('to'),
    cc: addresses('cc'),
    bcc: addresses('bcc'),
    mailFollowupTo: addresses('mail-followup-to'),
    listPost: readListPost(first('list-post')),
    subject: decodeText(first('subject') ?? ''),
    inReplyTo: readId(first('in-reply-to')),
    references: rawValues(fields, 'references').slice(0, 1).flatMap(readIds),
  }
}

function readId(value: string | null): MessageId | null {
  return value === null || value === '' ? null : (readIdText(value) as MessageId)
}

function readIds(value: string): readonly MessageId[] {
  // Also those that an old program wrote without brackets, or put commas between.
  const ids = readIdText(value).match(/<[^<>]*>|[^\s<>,]+/g) ?? []
  return ids.map((id) => (id.startsWith('<') ? id : `<${id}>`) as MessageId)
}

/** Ids have no encoded words; ours have, where a foreign one cannot stand in a header as it is. */
function readIdText(value: string): string {
  return value.startsWith('=?') ? decodeText(value) : withoutControls(decodeRaw(value))
}

function readDate(value: string | null): number | null {
  // RFC 5322 §3.3: comments may stand anywhere, mostly a zone's name at the end.
  const date = Date.parse((value ?? '').replace(/\([^()]*\)/g, ' ').trim())
  return Number.isNaN(date) ? null : date
}

/** RFC 2369 §3.4: `<mailto:list@example.org>`, or NO. */
function readListPost(value: string | null): string | null {
  const address = /<mailto:([^>?]+)/i.exec(value ?? '')?.[1]
  if (address === undefined) return null
  try {
    return withoutControls(decodeURIComponent(address).trim())
  } catch {
    return withoutControls(address.trim())
  }
}
