import { validationError } from '../errors.ts'
import type { MessageId, Sha256 } from '../ids.ts'
import {
  type Address,
  type AddressInput,
  type AddressListInput,
  checkHeaderText,
  isBlank,
  parseAddress,
  parseAddressList,
} from './address.ts'
import { type ContentField, type DraftContent, emptyContent } from './draft.ts'

/** Fields given are set, null empties one, absent ones stay. */
export interface DraftChanges {
  readonly from?: AddressInput | null
  readonly to?: AddressListInput | null
  readonly cc?: AddressListInput | null
  readonly bcc?: AddressListInput | null
  readonly subject?: string | null
  readonly text?: string | null
  readonly html?: string | null
  readonly inReplyTo?: string | null
  readonly references?: readonly string[] | null
  readonly metadata?: Readonly<Record<string, unknown>> | null
  readonly tags?: readonly string[] | null
}

type ChangedField = keyof DraftChanges
type Readers = { readonly [Field in ChangedField]: (given: NonNullable<DraftChanges[Field]>) => DraftContent[Field] }

const readers: Required<Readers> = {
  from: sender,
  to: (to) => parseAddressList(to, 'to'),
  cc: (cc) => parseAddressList(cc, 'cc'),
  bcc: (bcc) => parseAddressList(bcc, 'bcc'),
  subject: (subject) => checkHeaderText(subject, 'subject'),
  text: (text) => withLineFeeds(text, 'text'),
  html: (html) => withLineFeeds(html, 'html'),
  inReplyTo: (id) => readMessageId(id, 'in_reply_to'),
  references: (ids) => ids.map((id, index) => readMessageId(id, `references[${index}]`)),
  metadata: (metadata) => jsonObject(metadata, 'metadata'),
  tags: (tags) => [...new Set(tags.map((tag) => tag.trim()))].filter(Boolean),
}
const changeable = Object.keys(readers) as readonly ChangedField[]

/** @throws {EverdraftError} VALIDATION_ERROR naming the field */
export function applyChanges(content: DraftContent, changes: DraftChanges): DraftContent {
  const changed = { ...content }
  for (const field of changeable) change(changed, field, changes[field])
  return changed
}

function change<Field extends ChangedField>(
  content: Record<Field, DraftContent[Field]>,
  field: Field,
  given: DraftChanges[Field],
): void {
  if (given === undefined) return
  const read: Readers[Field] = readers[field]
  content[field] = given === null ? emptied(field) : read(given)
}

/** An object of its own: the caller of a save gets it. */
function emptied<Field extends ChangedField>(field: Field): DraftContent[Field] {
  return JSON.parse(JSON.stringify(emptyContent[field])) as DraftContent[Field]
}

function sender(from: AddressInput): Address | null {
  const address = parseAddress(from, 'from')
  return isBlank(address) ? null : address
}

/** In the model lines end in LF; on the wire in CRLF. */
function withLineFeeds(text: string, path: string): string {
  if (text.includes('\0')) throw validationError(path, 'must not contain NUL')
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text
}

/** With or without the angle brackets. @throws {EverdraftError} VALIDATION_ERROR naming `path` */
export function readMessageId(text: string, path: string): MessageId {
  const trimmed = checkHeaderText(text, path).trim()
  const bare = /^<.*>$/.test(trimmed) ? trimmed.slice(1, -1) : trimmed
  if (bare === '' || /[\s,<>]/.test(bare)) {
    throw validationError(path, 'must be one Message-ID, such as <id@example.com>')
  }
  return `<${bare}>` as MessageId
}

/** What goes through JSON unchanged is kept as given; the rest is refused rather than silently altered. */
function jsonObject(value: Readonly<Record<string, unknown>>, path: string): Readonly<Record<string, unknown>> {
  let text: string
  try {
    text = JSON.stringify(value)
  } catch {
    throw validationError(path, 'must be JSON')
  }
  if (!isPlainObject(value)) throw validationError(path, 'must be an object')
  if (!isJson(value)) throw validationError(path, 'must be JSON: no dates, functions, or numbers that are not finite')
  return JSON.parse(text) as Readonly<Record<string, unknown>>
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // Also an object of another realm: what matters is that JSON says all of it.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** A key whose value is undefined counts as absent. */
function isJson(value: unknown): boolean {
  if (value === null || value === undefined || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (Array.isArray(value)) return value.every((item) => item !== undefined && isJson(item))
  return isPlainObject(value) && Object.values(value).every(isJson)
}

/** Which fields differ, in the order of `DraftContent`. Empty: the save changes nothing and makes nothing (hazard 17). */
export function changedFields(before: DraftContent, after: DraftContent): readonly ContentField[] {
  return contentFields.filter((field) => !isSame(before[field] ?? null, after[field] ?? null))
}

function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true
  // Only what has parts can be the same and yet another object; a long text is not looked at a second time.
  const haveParts = typeof one === 'object' && one !== null && typeof other === 'object' && other !== null
  return haveParts && canonical(one) === canonical(other)
}

const contentFields: readonly ContentField[] = [...(Object.keys(emptyContent) as ContentField[]), 'unmodelled']

/** The bytes that a content needs to be whole: its attachments, and parts that are no field of it. */
export function blobsOf(content: DraftContent): readonly Sha256[] {
  return [...content.attachments, ...(content.unmodelled?.parts ?? [])].map(({ sha256 }) => sha256)
}

/** JSON with sorted keys: equal values give equal text. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
