import type { Hasher } from '../environment.ts'
import type { KeptMail } from './reply-content.ts'

/**
 * What tells a mail from others, whatever UID it has: also where its Message-ID is missing, or is one that its author writes into
 * every mail. Two copies of one mail have the same.
 */
export function inboxIdentity({ messageId, from, date, subject }: KeptMail, hasher: Hasher): string {
  hasher.update(new TextEncoder().encode(JSON.stringify([messageId, from?.address ?? null, date, subject])))
  return hasher.digest()
}
