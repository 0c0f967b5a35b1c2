import type { Random } from '../environment.ts'
import { type MessageId, toHex } from '../ids.ts'

/** 128 unguessable bits: who has not seen a copy cannot make one that passes for it. */
export function createToken(random: Random): string {
  return toHex(random(16))
}

/** Each attempt has its own; all of a draft share the token. The domain is the account's, as some servers ask for one. */
export function attemptMessageId(token: string, accountAddress: string, random: Random): MessageId {
  return `<${toHex(random(6))}.${token}@${domainOf(accountAddress)}>` as MessageId
}

/** Of a mail as it goes to others: it says nothing of the token, by which copies in Drafts are known. */
export function sentMessageId(fromAddress: string, random: Random): MessageId {
  return `<${toHex(random(16))}@${domainOf(fromAddress)}>` as MessageId
}

function domainOf(address: string): string {
  return /@([^@\s<>]+)$/.exec(address)?.[1] ?? 'everdraft.invalid'
}

/** The token in a Message-ID that an upload of ours has, or one by another device of ours; null in any other. */
export function tokenOf(messageId: MessageId): string | null {
  return /^<[0-9a-f]{12}\.([0-9a-f]{32})@[^<>@\s]+>$/.exec(messageId)?.[1] ?? null
}
