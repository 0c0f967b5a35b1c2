import { changedFields } from '../draft/content.ts'
import { applyDelta, type Delta, deltaBetween } from '../draft/delta.ts'
import { type Author, type ContentField, type DraftContent, type DraftPolicy, emptyContent } from '../draft/draft.ts'
import { missingAttachments, withMissingAttachments } from '../draft/missing-attachments.ts'
import { EverdraftError, validationError } from '../errors.ts'
import { type AttachmentId, type DeviceId, isUuid, type Sha256, type Umid, type Version } from '../ids.ts'
import type { RevisionRecord } from '../storage/revisions.ts'
import {
  attachmentFields,
  boolean,
  contentChecks,
  list,
  listOf,
  type NamedAttachment,
  object,
  oneOf,
  orNull,
  text,
  time,
  uuid,
  whole,
} from './bundle-fields.ts'
import { scheduleKey, scheduleOf } from './state-of-draft.ts'

/** A draft of a bundle that was found right, as it will be stored. Survives `JSON`. */
export interface ImportedDraft {
  /** Its place in the bundle, from 0. */
  readonly index: number
  /** Null: it had none, and is a new one. */
  readonly draftId: Umid | null
  readonly version: Version
  readonly content: DraftContent
  readonly policy: DraftPolicy
  readonly reviewRequired: boolean
  readonly createdAt: number
  readonly updatedAt: number
  /** Oldest first; the last one is the head. */
  readonly history: readonly RevisionRecord[]
  /** Of all versions. */
  readonly files: readonly ImportedFile[]
}

export interface ImportedFile {
  readonly sha256: Sha256
  readonly size: number
  /** Since when it was held elsewhere, in epoch milliseconds. */
  readonly since: number
}

export interface ReadEntryOptions {
  readonly now: number
  /** Who saved a draft that does not say so. */
  readonly device: DeviceId
  readonly by: Author
  readonly withAttachments: boolean
  /** See `BundleLimits`. */
  readonly historyBytes: number
}

/** Their names in a bundle's draft, where they have others than in the engine. */
const shown = {
  from: 'from',
  to: 'to',
  cc: 'cc',
  bcc: 'bcc',
  subject: 'subject',
  text: 'body',
  html: 'bodyHtml',
  inReplyTo: 'inReplyTo',
  references: 'references',
  attachments: 'attachments',
  metadata: 'metadata',
  tags: 'tags',
  unmodelled: 'unmodelled',
} as const satisfies Readonly<Record<ContentField, string>>

const fieldNames: readonly ContentField[] = Object.keys(shown) as ContentField[]
const field = oneOf(fieldNames)
const largestVersion = 999_999_999
/** A stored history has a whole version now and then: the way to an old one must not be long. */
const longestChain = 64

/** @throws {EverdraftError} VALIDATION_ERROR naming the entry, its draft and the field; TOO_LARGE */
export function readEntry(value: unknown, index: number, options: ReadEntryOptions): ImportedDraft {
  const path = `drafts[${index}]`
  const given = object(value, path)
  try {
    return read(given, index, path, options)
  } catch (error) {
    const { draftId } = given
    if (!(error instanceof EverdraftError) || typeof draftId !== 'string' || !isUuid(draftId)) throw error
    const { code, errors, message } = error
    throw new EverdraftError(code, `${message} (draft ${draftId})`, { errors })
  }
}

function read(
  given: Readonly<Record<string, unknown>>,
  index: number,
  path: string,
  options: ReadEntryOptions,
): ImportedDraft {
  const { now, withAttachments } = options
  const version = whole(given['version'] ?? 1, `${path}.version`, 1, largestVersion) as Version
  const written = headOf(given, path)
  const lastModifiedAt = time(given['lastModifiedAt'] ?? given['lastSavedAt'] ?? now, `${path}.lastModifiedAt`)
  const savedAt = time(given['lastSavedAt'] ?? lastModifiedAt, `${path}.lastSavedAt`)
  const head = { version, content: written, savedAt }
  const versions =
    given['history'] === undefined ? [single(head, options)] : readHistory(given['history'], path, head, options)
  const history = encodeHistory(withAttachments ? versions : versions.map(withoutFiles))
  const content = withAttachments ? written : without(written)
  return {
    index,
    draftId: given['draftId'] === undefined ? null : (uuid(given['draftId'], `${path}.draftId`) as Umid),
    version,
    content,
    policy: oneOf(['sync', 'local-only'])(given['policy'] ?? 'sync', `${path}.policy`),
    reviewRequired: boolean(given['reviewRequired'] ?? false, `${path}.reviewRequired`),
    createdAt: time(given['createdAt'] ?? Math.min(savedAt, lastModifiedAt), `${path}.createdAt`),
    updatedAt: lastModifiedAt,
    history,
    files: withAttachments ? filesOf(given, versions, savedAt) : [],
  }
}

function headOf(given: Readonly<Record<string, unknown>>, path: string): DraftContent {
  const content: Partial<Record<ContentField, unknown>> = { ...emptyContent }
  for (const name of fieldNames) {
    const value = given[shown[name]]
    if (value === undefined || name === 'attachments') continue
    content[name] = contentChecks[name](value, `${path}.${shown[name]}`)
  }
  const named = attachmentFields(given['attachments'] ?? [], `${path}.attachments`)
  const attachments = named.flatMap(({ sha256, url: _url, ...rest }) => (sha256 === null ? [] : [{ ...rest, sha256 }]))
  const head = { ...(content as unknown as DraftContent), attachments }
  const scheduled = orNull(time)(given['scheduledSendTime'] ?? null, `${path}.scheduledSendTime`)
  return withSchedule(withMissing(head, named), scheduled)
}

/** Those that have no bytes anywhere are named in the metadata, where they may be already. */
function withMissing(content: DraftContent, named: readonly NamedAttachment[]): DraftContent {
  const known = missingAttachments(content)
  const more = named.filter((one) => one.sha256 === null && !known.some(({ id }) => id === one.id))
  if (more.length === 0) return content
  const missing = more.map(({ id, filename, contentType, size, contentId, url }) => {
    return { id, filename, contentType, size, contentId, url }
  })
  return { ...content, metadata: withMissingAttachments(content.metadata, [...known, ...missing]) }
}

/** It is an intention: nothing is sent by itself for being in a bundle. */
function withSchedule(content: DraftContent, at: number | null): DraftContent {
  if (at === null || scheduleOf(content) === at) return content
  return { ...content, metadata: { ...content.metadata, [scheduleKey]: at } }
}

/** A version of a draft, whole. */
export interface Whole extends Omit<RevisionRecord, 'encoding' | 'encoded'> {
  readonly content: DraftContent
  /** It came as a whole. */
  readonly isWhole: boolean
  /** As it came: what makes it of the next one. */
  readonly back: Delta | null
}

function single(
  {
    version,
    content,
    savedAt,
  }: { readonly version: Version; readonly content: DraftContent; readonly savedAt: number },
  { device, by }: ReadEntryOptions,
): Whole {
  const fieldsChanged = changedFields(emptyContent, content)
  const bytes = JSON.stringify(content).length
  return { version, savedAt, device, by, fieldsChanged, bytes, content, isWhole: true, back: null }
}

function filesOf(
  given: Readonly<Record<string, unknown>>,
  versions: readonly Whole[],
  savedAt: number,
): readonly ImportedFile[] {
  const files = new Map<Sha256, ImportedFile>()
  for (const { content } of versions) {
    for (const { sha256, size } of [...content.attachments, ...(content.unmodelled?.parts ?? [])]) {
      files.set(sha256, { sha256, size, since: savedAt })
    }
  }
  for (const one of list(given['attachments'] ?? [], 'attachments')) {
    const { sha256, uploadedAt } = one as { readonly sha256?: Sha256; readonly uploadedAt?: unknown }
    const known = sha256 === undefined ? undefined : files.get(sha256)
    if (known !== undefined && Number.isSafeInteger(uploadedAt)) {
      files.set(known.sha256, { ...known, since: uploadedAt as number })
    }
  }
  return [...files.values()]
}

/** Oldest first. */
function readHistory(
  value: unknown,
  draftPath: string,
  head: { readonly version: Version; readonly content: DraftContent },
  { historyBytes }: ReadEntryOptions,
): readonly Whole[] {
  const path = `${draftPath}.history`
  const given = list(value, path)
  const versions: Whole[] = []
  let newer = head.content
  let above = head.version + 1
  let size = 0
  for (let index = given.length - 1; index >= 0; index -= 1) {
    const at = `${path}[${index}]`
    const one = object(given[index], at)
    const version = whole(one['version'], `${at}.version`, 1, largestVersion) as Version
    const isHead = index === given.length - 1
    if (isHead && version !== head.version) throw validationError(`${at}.version`, 'must be the version of the draft')
    if (version >= above) throw validationError(`${at}.version`, 'must be lower than that of the next one')
    above = version
    const back = one['back'] === undefined || isHead ? null : readDelta(one['back'], `${at}.back`, newer)
    const content = isHead ? head.content : versionOf(one, at, newer, back)
    size += content.text.length + (content.html?.length ?? 0)
    if (size > historyBytes) {
      const message = `is larger than ${historyBytes} bytes`
      throw new EverdraftError('TOO_LARGE', `${path}: ${message}`, { errors: [{ path, message }] })
    }
    versions.push({
      version,
      savedAt: time(one['savedAt'], `${at}.savedAt`),
      device: deviceId(one['device'], `${at}.device`),
      by: oneOf(['user', 'program', 'foreign'])(one['by'], `${at}.by`),
      fieldsChanged: listOf(field)(one['fieldsChanged'], `${at}.fieldsChanged`),
      bytes: whole(one['bytes'] ?? 0, `${at}.bytes`, 0, Number.MAX_SAFE_INTEGER),
      content,
      isWhole: back === null,
      back,
    })
    newer = content
  }
  if (versions.length === 0) throw validationError(path, 'must end with the draft itself')
  return versions.toReversed()
}

function deviceId(value: unknown, path: string): DeviceId {
  const given = text(value, path)
  if (given === '' || given.length > 200) throw validationError(path, 'must be 1 to 200 characters')
  return given as DeviceId
}

function versionOf(
  one: Readonly<Record<string, unknown>>,
  path: string,
  newer: DraftContent,
  back: Delta | null,
): DraftContent {
  if (back !== null) return applyDelta(newer, back)
  const given = object(one['content'], `${path}.content`)
  const content: Partial<Record<ContentField, unknown>> = {}
  for (const name of fieldNames) {
    if (given[name] === undefined && name === 'unmodelled') continue
    content[name] = asGiven(name, given[name], `${path}.content.${name}`)
  }
  return content as unknown as DraftContent
}

/** With its keys in the order in which they came, if it is right: the history is the same text again when it is exported. */
function asGiven(name: ContentField, value: unknown, path: string): unknown {
  const checked = contentChecks[name](value, path)
  return isSameField(name, checked, value) ? value : checked
}

function isSameField(name: ContentField, one: unknown, other: unknown): boolean {
  return changedFields({ ...emptyContent, [name]: one }, { ...emptyContent, [name]: other }).length === 0
}

/** What it sets is checked; what it leaves was, with the version after it. */
function readDelta(value: unknown, path: string, newer: DraftContent): Delta {
  const given = object(value, path)
  const set: Partial<Record<ContentField, unknown>> = {}
  for (const [name, said] of Object.entries(object(given['set'], `${path}.set`))) {
    const known = field(name, `${path}.set`)
    set[known] = asGiven(known, said, `${path}.set.${known}`)
  }
  const splice: { text?: [number, number, string]; html?: [number, number, string] } = {}
  for (const [name, said] of Object.entries(object(given['splice'], `${path}.splice`))) {
    const known = oneOf(['text', 'html'])(name, `${path}.splice`)
    const [start, removed, inserted, ...others] = list(said, `${path}.splice.${known}`)
    const at = `${path}.splice.${known}`
    const { length } = newer[known] ?? ''
    if (others.length > 0) throw validationError(at, 'must be [start, removed, inserted]')
    const from = whole(start, `${at}[0]`, 0, length)
    splice[known] = [from, whole(removed, `${at}[1]`, 0, length - from), contentChecks.text(inserted, `${at}[2]`)]
  }
  return { set: set as Partial<DraftContent>, splice }
}

function withoutFiles(one: Whole): Whole {
  return { ...one, content: without(one.content), back: null }
}

function without({ unmodelled: _unmodelled, ...content }: DraftContent): DraftContent {
  const isMissing = missingAttachments(content).length > 0
  const metadata = isMissing ? withMissingAttachments(content.metadata, []) : content.metadata
  return { ...content, metadata, attachments: [] }
}

/** Oldest first; the last one is the head. */
export function wholeVersions({ content: head, history }: ImportedDraft): readonly Whole[] {
  let content = head
  return history
    .toReversed()
    .map(({ encoding, encoded, ...record }): Whole => {
      const back = encoding === 'reverse' ? (JSON.parse(encoded) as Delta) : null
      if (encoding === 'full') content = JSON.parse(encoded) as DraftContent
      if (back !== null) content = applyDelta(content, back)
      return { ...record, content, isWhole: back === null, back }
    })
    .toReversed()
}

/**
 * Where bytes are neither in the bundle nor here, what names them is missing: each version says so, and the draft is not sent
 * without them.
 */
export function withoutBytesOf(entry: ImportedDraft, absent: ReadonlySet<Sha256>): ImportedDraft {
  const versions = wholeVersions(entry).map((one) => ({ ...one, content: lacking(one.content, absent), back: null }))
  return {
    ...entry,
    content: lacking(entry.content, absent),
    history: encodeHistory(versions),
    files: entry.files.filter(({ sha256 }) => !absent.has(sha256)),
  }
}

/** What it says where these bytes are not. */
export function lacking(content: DraftContent, absent: ReadonlySet<Sha256>): DraftContent {
  const { unmodelled, ...modelled } = content
  const gone = content.attachments.filter(({ sha256 }) => absent.has(sha256))
  // A message is not put together of some of its parts.
  const parts = (unmodelled?.parts ?? []).filter(({ sha256 }) => absent.has(sha256))
  if (gone.length + parts.length === 0) return content
  const missing = [
    ...missingAttachments(content),
    ...gone.map(({ id, filename, contentType, size, contentId }) => {
      return { id, filename, contentType, size, contentId, url: null }
    }),
    ...parts.map(({ contentType, size, sha256 }) => {
      const id = customUuid(sha256) as AttachmentId
      return { id, filename: contentType, contentType, size, contentId: null, url: null }
    }),
  ]
  return {
    ...(parts.length === 0 ? content : modelled),
    attachments: content.attachments.filter(({ sha256 }) => !absent.has(sha256)),
    metadata: withMissingAttachments(content.metadata, missing),
  }
}

/** Of a hash; RFC 9562 §5.8: its bits are whatever one likes. */
export function customUuid(hex: string): string {
  const variant = (8 + (Number.parseInt(hex[16] ?? '0', 16) & 3)).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

function encodeHistory(versions: readonly Whole[]): readonly RevisionRecord[] {
  const records: RevisionRecord[] = []
  let chain = 0
  for (let index = versions.length - 1; index >= 0; index -= 1) {
    const { content, back, isWhole: cameWhole, ...record } = versions[index] as Whole
    const next = versions[index + 1]
    if (next === undefined) {
      records.push({ ...record, encoding: 'head', encoded: '' })
      continue
    }
    // It came whole, or comes whole because the way to it would be long.
    const isWhole = cameWhole || chain >= longestChain
    chain = isWhole ? 0 : chain + 1
    records.push(
      isWhole
        ? { ...record, encoding: 'full', encoded: JSON.stringify(content) }
        : { ...record, encoding: 'reverse', encoded: JSON.stringify(back ?? deltaBetween(next.content, content)) },
    )
  }
  return records.toReversed()
}
