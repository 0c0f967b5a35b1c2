import { type DraftEvent, newestCopy, type OwnedState, type Receipt } from '../../draft/draft-state.ts'
import type { Umid, Version } from '../../ids.ts'
import type { Db } from '../../storage/db.ts'
import { applyDraftEvent, ownedState } from '../../storage/draft-states.ts'
import { getDraft, takeToken } from '../../storage/drafts.ts'
import { revisionContents } from '../../storage/revisions.ts'
import type { Write } from '../../storage/store.ts'
import { contentDigest, isCopyThere } from '../../sync/recognise.ts'
import type { ParsedMessage } from '../../wire/message-format.ts'
import type { ExecuteContext } from '../task.ts'

interface SameDraft {
  readonly draftId: Umid
  /** Of the Message-IDs that another device gives its copies. */
  readonly token: string
  readonly parsed: ParsedMessage
  readonly gone: readonly Receipt[]
  /** What is to be known of the message from now on. */
  readonly recorded: (version: Version) => Promise<Receipt>
}

/**
 * A copy that another device has stored of a draft that a bundle brought here: where it says what one of our versions says, it is
 * a copy of that. @returns false where it says something else
 */
export async function bindSame(context: ExecuteContext, write: Write, same: SameDraft): Promise<boolean> {
  const { db } = write
  const version = await versionThatSays(context, db, same)
  if (version === null) return false
  const owned = await ownedState(db, same.draftId)
  const event = eventForSame(owned, await same.recorded(version), same.gone)
  // The two devices know each other's copies by it from now on, and each other's mails in Sent.
  if (owned.state.copies.kind === 'local-only') await takeToken(db, same.draftId, same.token)
  await applyDraftEvent(write, same.draftId, event, context.environment.now())
  return true
}

async function versionThatSays(
  { environment }: ExecuteContext,
  db: Db,
  { draftId, parsed }: SameDraft,
): Promise<Version | null> {
  const digest = contentDigest(parsed, environment.createSha256())
  const { content: head } = await getDraft(db, draftId)
  const versions = await revisionContents(db, draftId, head)
  const found = versions.find(({ content }) => contentDigest(content, environment.createSha256()) === digest)
  return found?.version ?? null
}

/** Of two copies of one text both devices keep the one that was there first: else each would remove the other's. */
function eventForSame({ state }: OwnedState, receipt: Receipt, gone: readonly Receipt[]): DraftEvent {
  const { copies } = state
  const uploaded: DraftEvent = { type: 'uploaded', receipt, replaced: null }
  const newest = newestCopy(copies)
  if (copies.kind !== 'synchronized' || newest === null) return uploaded
  const isHead = receipt.version === state.head
  const isFirst = newest.folder === receipt.folder && receipt.uid < newest.uid
  return isHead && (isFirst || !isCopyThere(copies, gone)) ? uploaded : { type: 'late-copy', receipt }
}
