export interface Recipient {
  readonly address: string
  /** Empty: it has none. */
  readonly name: string
}

/** What an editor edits, by the names of the draft manager. */
export interface EditorContent {
  readonly subject: string
  /** The plain text. */
  readonly body: string
  /** Null: the draft has none. */
  readonly bodyHtml: string | null
  readonly to: readonly Recipient[]
  readonly cc: readonly Recipient[]
  readonly bcc: readonly Recipient[]
}

export type ContentField = keyof EditorContent

export const emptyContent: EditorContent = { subject: '', body: '', bodyHtml: null, to: [], cc: [], bcc: [] }

export const contentFields: readonly ContentField[] = ['subject', 'body', 'bodyHtml', 'to', 'cc', 'bcc']

/** In the order of the fields. */
export function differingFields(one: EditorContent, other: EditorContent): readonly ContentField[] {
  return contentFields.filter((field) => !isSameValue(one[field], other[field]))
}

export function isSameContent(one: EditorContent, other: EditorContent): boolean {
  return differingFields(one, other).length === 0
}

type Value = EditorContent[ContentField]

export function isSameValue(one: Value, other: Value): boolean {
  if (!isList(one) || !isList(other)) return one === other
  return one.length === other.length && one.every((recipient, index) => isSameRecipient(recipient, other[index]))
}

export function isList(value: Value): value is readonly Recipient[] {
  return Array.isArray(value)
}

function isSameRecipient(one: Recipient, other: Recipient | undefined): boolean {
  return other !== undefined && one.address === other.address && one.name === other.name
}
