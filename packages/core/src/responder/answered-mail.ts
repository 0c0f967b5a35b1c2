import type { MessageId } from '../ids.ts'
import { headerValues, type MailHeader } from './mail-header.ts'

/** Which mail that one answers: by In-Reply-To, else the last of References (RFC 5322 §3.6.4); null: it answers none. */
export function answeredMail(header: MailHeader): MessageId | null {
  const [first] = idsIn(headerValues(header, 'In-Reply-To'))
  return first ?? idsIn(headerValues(header, 'References')).at(-1) ?? null
}

function idsIn(values: readonly string[]): readonly MessageId[] {
  return (values.join(' ').match(/<[^<>\s]+>/g) ?? []) as MessageId[]
}
