import type {
  AccountId,
  ApiTokenId,
  AttachmentId,
  Author,
  ConflictId,
  DeviceId,
  LastError,
  Page,
  SendId,
  TemplateId,
  Umid,
  Version,
  WebhookId,
} from '@everdraft/core'
import { z } from 'zod'

/** An id in a path. The cast is the seam where text from outside becomes an id; whose it is, the route checks. */
function idSchema<Id extends string>(): z.ZodType<Id> {
  return z.guid('must be a UUID').toLowerCase() as unknown as z.ZodType<Id>
}

export const accountIdSchema: z.ZodType<AccountId> = idSchema<AccountId>()
export const apiTokenIdSchema: z.ZodType<ApiTokenId> = idSchema<ApiTokenId>()
export const draftIdSchema: z.ZodType<Umid> = idSchema<Umid>()
export const attachmentIdSchema: z.ZodType<AttachmentId> = idSchema<AttachmentId>()
export const sendIdSchema: z.ZodType<SendId> = idSchema<SendId>()
export const conflictIdSchema: z.ZodType<ConflictId> = idSchema<ConflictId>()
export const webhookIdSchema: z.ZodType<WebhookId> = idSchema<WebhookId>()
export const templateIdSchema: z.ZodType<TemplateId> = idSchema<TemplateId>()

export const accountPathSchema: z.ZodType<{ id: AccountId }> = z.strictObject({ id: accountIdSchema })
export const draftPathSchema: z.ZodType<{ id: AccountId; draft_id: Umid }> = z.strictObject({
  id: accountIdSchema,
  draft_id: draftIdSchema,
})

/** Text in the query: checked by a pattern, so that the OpenAPI document shows what may stand in the URL. */
const numberText = (pattern: RegExp, range: string): z.ZodString =>
  z.string().regex(pattern, `must be a whole number from ${range}`)

export const limitSchema: z.ZodType<number> = numberText(/^(?:[1-9]\d?|[1-4]\d\d|500)$/, '1 to 500')
  .default('50')
  .transform(Number)
export const offsetSchema: z.ZodType<number> = numberText(/^\d{1,9}$/, '0 to 999999999')
  .default('0')
  .transform(Number)

export const pageQuerySchema: z.ZodType<{ limit: number; offset: number }> = z.strictObject({
  limit: limitSchema,
  offset: offsetSchema,
})

export interface PageJson<Item> {
  readonly items: readonly Item[]
  readonly total: number
  readonly limit: number
  readonly offset: number
}

export function pageSchema<Item>(item: z.ZodType<Item>): z.ZodType<PageJson<Item>> {
  return z.object({ items: z.array(item), total: z.int(), limit: z.int(), offset: z.int() })
}

export function pageToJson<Item, ItemJson>(page: Page<Item>, toJson: (item: Item) => ItemJson): PageJson<ItemJson> {
  return { items: page.items.map((item) => toJson(item)), total: page.total, limit: page.limit, offset: page.offset }
}

/** A page of what the engine answers as a whole, as it is never long. */
export function sliceToJson<Item, ItemJson>(
  all: readonly Item[],
  { limit, offset }: { readonly limit: number; readonly offset: number },
  toJson: (item: Item) => ItemJson,
): PageJson<ItemJson> {
  return pageToJson({ items: all.slice(offset, offset + limit), total: all.length, limit, offset }, toJson)
}

export const timeSchema: z.ZodType<string> = z.iso.datetime({ precision: 3 })

/** ISO 8601, UTC, milliseconds. */
export function timeToJson(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

export interface LastErrorJson {
  readonly code: string
  readonly message: string
  readonly at: string
}

export const lastErrorSchema: z.ZodType<LastErrorJson> = z
  .object({ code: z.string(), message: z.string(), at: timeSchema })
  .meta({ id: 'LastError' })

export function lastErrorToJson(error: LastError | null): LastErrorJson | null {
  return error === null ? null : { code: error.code, message: error.message, at: timeToJson(error.at) }
}

/** `Everdraft-Author`: who writes, for the history; a person in front of a program says so. */
export const authorSchema: z.ZodType<Author> = z.enum(['user', 'program']).default('program')

const largestVersion = 999_999_999
export const versionSchema: z.ZodType<Version> = z.int().min(1).max(largestVersion) as unknown as z.ZodType<Version>
/** In a query. */
export const versionTextSchema: z.ZodType<Version> = numberText(/^[1-9]\d{0,8}$/, '1 to 999999999').transform(
  (text) => Number(text) as Version,
)

/** Of a mail, with or without the angle brackets. */
export const messageIdSchema: z.ZodType<string> = userTextSchema()
  .max(998)
  .regex(
    // oxlint-disable-next-line no-control-regex -- refusing control characters is the purpose
    /^ *(?:<[^\u0000-\u0020\u007f-\u009f\ufeff\s,<>]+>|[^\u0000-\u0020\u007f-\u009f\ufeff\s,<>]+) *$/u,
    'must be one Message-ID, such as <id@example.com>',
  )

/** What a composer calls itself. */
export const deviceIdSchema: z.ZodType<DeviceId> = userTextSchema().regex(
  // oxlint-disable-next-line no-control-regex -- refusing control characters is the purpose
  /^[^\u0000-\u001f\u007f-\u009f]{1,200}$/u,
  'must be 1 to 200 characters, none of them a control character',
) as unknown as z.ZodType<DeviceId>

/** Of everything that makes a new version of a draft. */
export const saveHeadersSchema: z.ZodType<{ 'if-match'?: string; 'everdraft-author': Author }> = z.object({
  'if-match': z.string().exactOptional(),
  'everdraft-author': authorSchema,
})

/** What a person wrote: a lone surrogate could not be stored as UTF-8 and would come back as another text. */
export function userTextSchema(): z.ZodString {
  return z.string().refine((text) => text.isWellFormed(), 'holds half of a surrogate pair')
}

/** What may come to stand in a header, or is compared with what does. */
export function headerTextSchema(maximum: number): z.ZodString {
  // oxlint-disable-next-line no-control-regex -- refusing control characters is the purpose
  const oneLine = /^[^\r\n\0]*$/
  return userTextSchema().max(maximum).regex(oneLine, 'must not contain CR, LF or NUL')
}
