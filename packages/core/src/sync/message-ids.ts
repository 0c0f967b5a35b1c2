import type { Random } from '../environment.ts'
import { type MessageId, toHex } from '../ids.ts'

/** 128 unguessable bits: who has not seen a copy cannot make one that passes for it. */
export function createToken(random: Random): string {
  return toHex(random(16))
}

/** Each attempt has its own; all of a draft share the token. The domain is the account's, as some servers ask for one. */
export function attemptMessageId(token: string, accountAddress: string, random: Random): MessageId {
  const domain = /@([^@\s<>]+)$/.exec(accountAddress)?.[1] ?? 'everdraft.invalid'
  return `<${toHex(random(6))}.${token}@${domain}>` as MessageId
}

/** The token in a Message-ID that an upload of ours has, or one by another device of ours; null in any other. */
export function tokenOf(messageId: MessageId): string | null {
  return /^<[0-9a-f]{12}\.([0-9a-f]{32})@[^<>@\s]+>$/.exec(messageId)?.[1] ?? null
}
