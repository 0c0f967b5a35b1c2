import { newestCopy } from '../draft/draft-state.ts'
import type { SendId } from '../ids.ts'
import { getAccount } from '../storage/accounts.ts'
import { attemptById } from '../storage/attempts.ts'
import { loadDraftState } from '../storage/draft-states.ts'
import { getSend, type QuotedPart, setSendFacts, type StoredSend } from '../storage/sends.ts'
import type { BodyPart } from '../wire/body-structure.ts'
import { type MailboxSession, WireError } from '../wire/mailbox.ts'
import { sendFollowUps } from './steps/send-follow-ups.ts'
import { isMessage } from './steps/verify-copy.ts'
import { done, type ExecuteContext, type WireTask } from './task.ts'

/** The URLs are used within seconds; a clock of the server's that goes ahead must not end them before. */
const validForMs = 60 * 60_000

/**
 * Which attachments the server that takes mail can fetch from the draft's copy by itself (RFC 4468), so that they do not go up
 * again. In the mailbox's lane, as it looks at that copy; `outbox_send` asks for it, and goes on without it where nothing comes of it.
 */
export const outboxQuote: WireTask = {
  name: 'outbox_quote',
  lane: 'mailbox',
  priority: 14,
  async execute(context, key) {
    const send = await context.store.read((db) => getSend(db, key as SendId))
    const { quotes } = send.facts
    if (send.state.phase === 'checked' && quotes !== null && quotes.parts === null) {
      const parts = await quotable(context, send, quotes.server)
      const now = context.environment.now()
      await context.write((write) => setSendFacts(write, send.id, { quotes: { ...quotes, parts } }, now))
    }
    return done(...sendFollowUps(send, context.environment.now()))
  },
}

async function quotable(context: ExecuteContext, send: StoredSend, server: string): Promise<readonly QuotedPart[]> {
  try {
    return await quotedParts(context, await context.session(), send, server)
  } catch (error) {
    // Without it the mail goes as well, in whole.
    if (error instanceof WireError) return []
    throw error
  }
}

async function quotedParts(
  context: ExecuteContext,
  session: MailboxSession,
  { draftId, accountId }: StoredSend,
  server: string,
): Promise<readonly QuotedPart[]> {
  const { copies } = await context.store.read((db) => loadDraftState(db, draftId))
  const receipt = newestCopy(copies)
  if (receipt === null || receipt.accountId !== accountId) return []
  const { smtp } = await context.store.read((db) => getAccount(db, accountId))
  const folder = await session.select(receipt.folder)
  if (smtp === null || folder?.uidValidity !== receipt.uidValidity) return []
  const [identity] = await session.identities([receipt.uid])
  const [structure] = await session.structures([receipt.uid])
  if (identity === undefined || structure === undefined || !isMessage(identity, receipt)) return []
  const attempt = await context.store.read((db) => attemptById(db, receipt.attemptId))
  // A server that does not find a part may send nothing in its place, and say OK.
  const parts = (attempt?.parts ?? []).filter(
    ({ section, encodedSize }) => encodedSize > 0 && sizeOf(structure.body, section) === encodedSize,
  )
  if (parts.length === 0) return []
  const { folder: path, uidValidity, uid } = receipt
  const made = await session.partUrls({
    folder: path,
    uidValidity,
    uid,
    sections: parts.map(({ section }) => section),
    server,
    submitter: smtp.user,
    expiresAt: context.environment.now() + validForMs,
  })
  if (made.kind === 'refused') return []
  return parts.map(({ sha256, encodedSize }, index) => ({ sha256, encodedSize, url: made.urls[index] ?? '' }))
}

/** In base64 alone a part's size says how long its lines are, and so what its bytes are. */
function sizeOf(part: BodyPart, section: string): number | null {
  if (part.section === section) return part.encoding === 'base64' ? part.size : null
  for (const child of part.children) {
    const size = sizeOf(child, section)
    if (size !== null) return size
  }
  return null
}
