import type { Address } from '../../draft/address.ts'
import type { DraftContent } from '../../draft/draft.ts'
import { wireAddress } from '../../draft/wire-address.ts'
import type { Hasher } from '../../environment.ts'
import type { Uid } from '../../ids.ts'
import { getDraft } from '../../storage/drafts.ts'
import type { StoredSend } from '../../storage/sends.ts'
import { type Comparable, contentDigest } from '../../sync/recognise.ts'
import type { MailboxSession, MessageIdentity } from '../../wire/mailbox.ts'
import type { ExecuteContext } from '../task.ts'

/** Where the provider gave the mail another Message-ID, its copy is among the newest. */
const newestLookedAt = 20

/** Fields in which providers keep the Message-ID that they have replaced. */
const originalField = /^x-(?:google|microsoft)-original-message-id:\s*(<[^>\r\n]+>)/im

/**
 * Copies of a sent mail in the selected Sent folder: by our Message-ID, by the one that the provider said it gave the mail,
 * by the field in which it keeps ours, or by the same Date and content (hazard 28).
 */
export async function findSentCopies(
  context: ExecuteContext,
  session: MailboxSession,
  send: StoredSend,
): Promise<readonly MessageIdentity[]> {
  const { messageId, facts } = send
  const named = await session.findByMessageId(messageId)
  if (named.length > 0) return named
  if (facts.providerMessageId !== null) {
    const renamed = await session.findByMessageId(facts.providerMessageId)
    if (renamed.length > 0) return renamed
  }
  return await renamedCopies(context, session, send, facts.frozen?.date ?? null)
}

/** The copies of that mail beside this one of ours, by all that `findSentCopies` knows them by. */
export async function sentCopiesBeside(
  context: ExecuteContext,
  session: MailboxSession,
  send: StoredSend,
  ours: Uid,
): Promise<readonly MessageIdentity[]> {
  const { messageId, facts } = send
  const renamedTo = facts.providerMessageId
  const found = [
    ...(await session.findByMessageId(messageId)),
    ...(renamedTo === null ? [] : await session.findByMessageId(renamedTo)),
    // The bytes are not held any more by then: the Date is in our copy.
    ...(await renamedCopies(context, session, send, dateOf(await headerOf(session, ours)))),
  ]
  const others = new Map(found.filter(({ uid }) => uid !== ours).map((identity) => [identity.uid, identity]))
  return [...others.values()]
}

async function renamedCopies(
  context: ExecuteContext,
  session: MailboxSession,
  send: StoredSend,
  date: number | null,
): Promise<readonly MessageIdentity[]> {
  const uids = await session.uids()
  const newest = await session.identities(uids.slice(-newestLookedAt))
  const found: MessageIdentity[] = []
  for (const identity of newest.toReversed()) {
    if (await isRenamedCopy(context, session, send, date, identity)) found.push(identity)
  }
  return found
}

async function isRenamedCopy(
  context: ExecuteContext,
  session: MailboxSession,
  send: StoredSend,
  date: number | null,
  { uid }: MessageIdentity,
): Promise<boolean> {
  const header = await headerOf(session, uid)
  if (originalField.exec(header)?.[1] === send.messageId) return true
  if (date === null || dateOf(header) !== Math.floor(date / 1_000) * 1_000) return false
  const { content } = await context.store.read((db) => getDraft(db, send.draftId))
  return await saysTheSame(context, session, uid, content)
}

/** Empty where it is gone. */
async function headerOf(session: MailboxSession, uid: Uid): Promise<string> {
  const raw = await session.fetchHeader(uid)
  return raw === null ? '' : new TextDecoder('latin1').decode(raw)
}

function dateOf(header: string): number | null {
  const date = Date.parse(/^date:\s*(.*)$/im.exec(header)?.[1] ?? '')
  return Number.isNaN(date) ? null : date
}

/** Without Bcc, which only some copies have, and whichever way domains are written. */
export async function saysTheSame(
  context: ExecuteContext,
  session: MailboxSession,
  uid: MessageIdentity['uid'],
  content: DraftContent,
): Promise<boolean> {
  const raw = await session.fetchRaw(uid)
  if (raw === null) return false
  const { createSha256 } = context.environment
  const parsed = await context.format.parse(raw, createSha256)
  return digestOf(parsed, createSha256()) === digestOf(content, createSha256())
}

function digestOf(content: Comparable, hasher: Hasher): string {
  const { from, to, cc } = content
  const people = { from: from === null ? null : onWire(from), to: to.map(onWire), cc: cc.map(onWire), bcc: [] }
  return contentDigest({ ...content, ...people }, hasher)
}

function onWire({ address, name }: Address): Address {
  return { address: wireAddress(address), name }
}
