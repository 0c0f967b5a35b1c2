/** The fields of a header by their names in lower case, unfolded (RFC 5322 §2.2.3), in the order in which they stand there. */
export type MailHeader = ReadonlyMap<string, readonly string[]>

/** Up to the first empty line. Never fails, however broken the header is. Encoded words are left as they are. */
export function readMailHeader(bytes: Uint8Array): MailHeader {
  const text = new TextDecoder().decode(bytes)
  const fields = new Map<string, string[]>()
  for (const field of text.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)) {
    if (field === '') break
    const colon = field.indexOf(':')
    if (colon < 1) continue
    const name = field.slice(0, colon).trim().toLowerCase()
    const values = fields.get(name) ?? []
    values.push(field.slice(colon + 1).trim())
    fields.set(name, values)
  }
  return fields
}

export function headerValues(header: MailHeader, name: string): readonly string[] {
  return header.get(name.toLowerCase()) ?? []
}
