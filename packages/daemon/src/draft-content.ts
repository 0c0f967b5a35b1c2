import type { Address, ContentField, DraftChanges, DraftContent } from '@everdraft/core'
import { z } from 'zod'

import { userTextSchema } from './fields.ts'
import { attachmentSchema, attachmentToJson, type AttachmentJson } from './routes/attachments.ts'

export interface AddressJson {
  readonly address: string
  readonly name: string
}

/** What a person or a program writes; drafts and the sides of a conflict have it. */
export interface DraftContentJson {
  readonly from: AddressJson | null
  readonly to: readonly AddressJson[]
  readonly cc: readonly AddressJson[]
  readonly bcc: readonly AddressJson[]
  readonly subject: string
  readonly text: string
  readonly html: string | null
  readonly in_reply_to: string | null
  readonly references: readonly string[]
  readonly attachments: readonly AttachmentJson[]
  readonly metadata: Readonly<Record<string, unknown>>
  readonly tags: readonly string[]
}

// What comes in.

// On a draft an address may be unfinished, so any text is one; what no header could carry, the engine refuses.
const addressInputSchema = z.union(
  [userTextSchema(), z.strictObject({ address: userTextSchema(), name: userTextSchema().nullable().exactOptional() })],
  'must be an address, "Name <a@b>" or {address, name}',
)
const addressListSchema = z.union(
  [...addressInputSchema.options, z.array(addressInputSchema).max(10_000)],
  'must be an address, "Name <a@b>", {address, name} or a list of these',
)

const deepestMetadata = 32

/** The fields given are set, null empties one. */
export interface DraftChangesJson extends Omit<DraftChanges, 'inReplyTo'> {
  readonly in_reply_to?: string | null
}

type ChangesShape = {
  readonly [Field in keyof DraftChangesJson]-?: z.ZodExactOptional<z.ZodType<Required<DraftChangesJson>[Field]>>
}

export const changesShape: ChangesShape = {
  from: addressInputSchema.nullable().exactOptional(),
  to: addressListSchema.nullable().exactOptional(),
  cc: addressListSchema.nullable().exactOptional(),
  bcc: addressListSchema.nullable().exactOptional(),
  subject: userTextSchema().nullable().exactOptional(),
  text: userTextSchema().nullable().exactOptional(),
  html: userTextSchema().nullable().exactOptional(),
  in_reply_to: userTextSchema().nullable().exactOptional(),
  references: z.array(userTextSchema()).max(10_000).nullable().exactOptional(),
  metadata: z
    .record(z.string(), z.unknown())
    .refine((value) => depthIsAtMost(value, deepestMetadata), `must not be nested deeper than ${deepestMetadata}`)
    .nullable()
    .exactOptional(),
  tags: z.array(userTextSchema().min(1).max(200)).max(1000).nullable().exactOptional(),
}

export function draftChanges(json: DraftChangesJson): DraftChanges {
  const { in_reply_to: inReplyTo, ...same } = json
  return { ...same, ...(inReplyTo === undefined ? {} : { inReplyTo }) }
}

/** Without recursion: what is nested a million deep must not end the process. */
function depthIsAtMost(value: unknown, limit: number): boolean {
  let level: readonly unknown[] = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > limit) return false
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []))
  }
  return true
}

// What goes out.

const addressSchema: z.ZodType<AddressJson> = z
  .object({ address: z.string(), name: z.string() })
  .meta({ id: 'Address' })

type ContentShape = { readonly [Field in keyof DraftContentJson]: z.ZodType<DraftContentJson[Field]> }

/** The fields of a list: all but the long ones. */
export const shortContentShape: Omit<ContentShape, 'text' | 'html'> = {
  from: addressSchema.nullable(),
  to: z.array(addressSchema),
  cc: z.array(addressSchema),
  bcc: z.array(addressSchema),
  subject: z.string(),
  in_reply_to: z.string().nullable(),
  references: z.array(z.string()),
  attachments: z.array(attachmentSchema),
  metadata: z.record(z.string(), z.unknown()),
  tags: z.array(z.string()),
}
export const contentShape: ContentShape = { ...shortContentShape, text: z.string(), html: z.string().nullable() }

export function contentToJson(content: DraftContent): DraftContentJson {
  return { ...shortContentToJson(content), text: content.text, html: content.html }
}

export function shortContentToJson(
  content: Omit<DraftContent, 'text' | 'html'>,
): Omit<DraftContentJson, 'text' | 'html'> {
  return {
    from: content.from === null ? null : addressToJson(content.from),
    to: content.to.map(addressToJson),
    cc: content.cc.map(addressToJson),
    bcc: content.bcc.map(addressToJson),
    subject: content.subject,
    in_reply_to: content.inReplyTo,
    references: content.references,
    attachments: content.attachments.map(attachmentToJson),
    metadata: content.metadata,
    tags: content.tags,
  }
}

function addressToJson({ address, name }: Address): AddressJson {
  return { address, name }
}

const jsonNames = {
  from: 'from',
  to: 'to',
  cc: 'cc',
  bcc: 'bcc',
  subject: 'subject',
  text: 'text',
  html: 'html',
  inReplyTo: 'in_reply_to',
  references: 'references',
  attachments: 'attachments',
  metadata: 'metadata',
  tags: 'tags',
  // In the history: what of another program's draft is no field here.
  unmodelled: 'other_parts',
} satisfies Record<ContentField, keyof DraftContentJson | 'other_parts'>

/** How a field is called in JSON. */
export function fieldToJson(field: ContentField): keyof DraftContentJson | 'other_parts' {
  return jsonNames[field]
}
