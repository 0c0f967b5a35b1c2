import type { BouncedRecipient, RawField } from '@everdraft/core'

import { rawValues } from '../mime/header-block.ts'
import { serverWords } from '../imap/wire-failure.ts'
import { fieldsOf } from './report-parts.ts'

export interface DeliveryStatus {
  readonly envid: string | null
  readonly recipients: readonly BouncedRecipient[]
}

const actions: ReadonlySet<string> = new Set(['failed', 'delayed', 'delivered', 'relayed', 'expanded'])

/** RFC 3464 §2.1: fields about the message, then a group of fields for each recipient. Null: nobody is in it. */
export function readDeliveryStatus(text: string): DeliveryStatus | null {
  const groups = text
    .split(/\n[ \t]*\n/)
    .map(fieldsOf)
    .filter((fields) => fields.length > 0)
  const recipients = groups.flatMap((fields): readonly BouncedRecipient[] => {
    const address = addressOf(fields, 'Original-Recipient') ?? addressOf(fields, 'Final-Recipient')
    const action = (rawValues(fields, 'Action')[0] ?? '')
      .replace(/\(.*\)/, '')
      .trim()
      .toLowerCase()
    const status = /\b[245]\.\d{1,3}\.\d{1,3}\b/.exec(rawValues(fields, 'Status')[0] ?? '')?.[0] ?? null
    if (address === null) return []
    const known = actions.has(action) ? (action as BouncedRecipient['action']) : actionOf(status)
    return known === null ? [] : [{ address, action: known, status, diagnostic: diagnosticOf(fields) }]
  })
  if (recipients.length === 0) return null
  const envid = groups.map((fields) => rawValues(fields, 'Original-Envelope-Id')[0]).find((id) => id !== undefined)
  return { envid: envid === undefined ? null : fromXtext(envid), recipients }
}

/** RFC 3463 §3.1. */
export function actionOf(status: string | null): 'failed' | 'delayed' | 'delivered' | null {
  if (status === null) return null
  if (status.startsWith('5')) return 'failed'
  return status.startsWith('4') ? 'delayed' : 'delivered'
}

/** RFC 3464 §2.3.1, RFC 6533 §3: `rfc822; ann@example.org`, `utf-8; j\x{F6}rg@example.org`. */
function addressOf(fields: readonly RawField[], name: string): string | null {
  const value = rawValues(fields, name)[0]
  if (value === undefined) return null
  const [type = '', ...rest] = value.split(';')
  const written = rest.length === 0 ? type : rest.join(';')
  // Exim and others put it in brackets.
  const bare = written.trim().replace(/^<(.*)>$/, '$1')
  const isUtf8 = type.trim().toLowerCase() === 'utf-8'
  const address = isUtf8 ? fromUtf8Xtext(bare) : addressFromXtext(Buffer.from(bare, 'latin1').toString())
  return address.includes('@') ? address : null
}

function diagnosticOf(fields: readonly RawField[]): string | null {
  const value = rawValues(fields, 'Diagnostic-Code')[0]
  if (value === undefined) return null
  const words = serverWords(Buffer.from(value.replace(/^[\w-]+\s*;\s*/, ''), 'latin1').toString())
  return words === '' ? null : words
}

/** Where an address has no quotes, two characters alone had to be escaped; `+20` is the beginning of a tag there. */
function addressFromXtext(text: string): string {
  return text.startsWith('"') ? fromXtext(text) : text.replace(/\+(2B|3D)/g, (_, hex) => (hex === '2B' ? '+' : '='))
}

/** RFC 3461 §4. Reporters give back what they were given: some with, some without its escapes. */
function fromXtext(text: string): string {
  return text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

function fromUtf8Xtext(text: string): string {
  const characters = text.replace(/\\x\{([0-9a-f]{1,6})\}/gi, (_, hex: string) => {
    const code = Number.parseInt(hex, 16)
    return code <= 0x10ffff ? String.fromCodePoint(code) : ''
  })
  // RFC 6533 §3: utf-8-address may also be as it is.
  const bytes = Buffer.from(characters, 'latin1')
  return /^[\0-\xff]*$/.test(characters) && /[\x80-\xff]/.test(text) ? bytes.toString() : characters
}
