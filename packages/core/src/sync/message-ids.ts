import { asciiDomain } from '../draft/wire-address.ts'
import type { Hasher, Random } from '../environment.ts'
import { type MessageId, toHex } from '../ids.ts'

/** 128 unguessable bits: who has not seen a copy cannot make one that passes for it. */
export function createToken(random: Random): string {
  return toHex(random(16))
}

/** Each attempt has its own; all of a draft share the token. The domain is the account's, as some servers ask for one. */
export function attemptMessageId(token: string, accountAddress: string, random: Random): MessageId {
  return `<${toHex(random(6))}.${token}@${domainOf(accountAddress)}>` as MessageId
}

/**
 * Made of the token, which it does not give away: devices that have a draft in common know by it that one of them has sent it,
 * and to everybody else it says nothing.
 */
export function sentMark(token: string, hasher: Hasher): string {
  hasher.update(new TextEncoder().encode(`sent ${token}`))
  return hasher.digest().slice(0, 32)
}

/** Of a mail as it goes to others; each consent has its own. It says nothing of the token, by which copies in Drafts are known. */
export function sentMessageId(mark: string, fromAddress: string, random: Random): MessageId {
  return `<${mark}.${toHex(random(6))}@${domainOf(fromAddress)}>` as MessageId
}

/** Whether some consent to a draft of that mark led to this Message-ID. */
export function hasSentMark(messageId: MessageId, mark: string): boolean {
  return markOfSent(messageId) === mark
}

/** The mark in the Message-ID of a mail that went from a device of ours; null in any other. */
export function markOfSent(messageId: MessageId): string | null {
  return /^<([0-9a-f]{32})\./.exec(messageId)?.[1] ?? null
}

/** In ASCII (RFC 5890), as a Message-ID is (RFC 5322 §3.6.4). */
function domainOf(address: string): string {
  return asciiDomain(/@([^@\s<>]+)$/.exec(address)?.[1] ?? '') ?? 'everdraft.invalid'
}

/** The token in a Message-ID that an upload of ours has, or one by another device of ours; null in any other. */
export function tokenOf(messageId: MessageId): string | null {
  return /^<[0-9a-f]{12}\.([0-9a-f]{32})@[^<>@\s]+>$/.exec(messageId)?.[1] ?? null
}
