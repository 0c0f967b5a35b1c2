import { changedFields } from '../../draft/content.ts'
import { type DraftContent, emptyContent } from '../../draft/draft.ts'
import { newestCopy, type Receipt, transition } from '../../draft/draft-state.ts'
import {
  type AccountId,
  type AttachmentId,
  type AttemptId,
  type DeviceId,
  type Umid,
  uuidv7,
  type Version,
} from '../../ids.ts'
import {
  attemptsByMessageId,
  attemptsOnBase,
  type Attempt,
  insertAttempt,
  noMessageId,
} from '../../storage/attempts.ts'
import { inOnePiece } from '../../storage/chunks.ts'
import type { Db } from '../../storage/db.ts'
import { applyDraftEvent, loadDraftStates, ownedState } from '../../storage/draft-states.ts'
import { draftExists, draftIdByToken, findDraft, getDraft, insertDraft } from '../../storage/drafts.ts'
import { keepSuperseded } from '../../storage/email-outcomes.ts'
import { insertPendingImport, type MessagePlace, type PendingImport } from '../../storage/imports.ts'
import { insertRevisions } from '../../storage/revisions.ts'
import type { Write } from '../../storage/store.ts'
import { contentOfMessage, quotableParts } from '../../sync/imported-content.ts'
import {
  type Kinship,
  kinship,
  type KinshipQuestion,
  type KnownMessage,
  resembling,
  type VanishedDraft,
} from '../../sync/kinship.ts'
import { createToken, tokenOf } from '../../sync/message-ids.ts'
import { contentDigest, isCopyThere } from '../../sync/recognise.ts'
import type { FolderState, MailboxSession, MessageIdentity } from '../../wire/mailbox.ts'
import type { ParsedMessage } from '../../wire/message-format.ts'
import type { ExecuteContext, FollowUp } from '../task.ts'
import { dropParts, holdParts, placeOf, type ReadMessage, readMessage, readRaw } from './read-message.ts'
import { readTextOnly } from './read-text-only.ts'
import { bindSame } from './bind-same.ts'
import { settleRivals } from './settle-rivals.ts'

/** Of a larger message the text comes first, and the rest by a task of its own. */
export const wholeAtOnceBytes: number = 256 * 1024

/** Nobody knows which program it was. */
export const foreignDevice: DeviceId = 'foreign' as DeviceId

export interface TakeInOptions {
  /** What this look at the folder did not find any more. */
  readonly gone: readonly Receipt[]
  /** What a newcomer may be an edit of; who is linked is taken out. */
  readonly vanished: VanishedDraft[]
}

/**
 * Takes a message in that no upload of ours stored: as the next revision of the draft that it is an edit of, where that is
 * beyond doubt and nobody has written on here meanwhile; else as a draft of its own, linked to the one that it comes from.
 */
export async function takeIn(
  context: ExecuteContext,
  session: MailboxSession,
  folder: FolderState,
  identity: MessageIdentity,
  options: TakeInOptions,
): Promise<readonly FollowUp[]> {
  const place = placeOf(context, folder, identity)
  const kin = await context.store.read((db) => kinOf(context, db, identity, options.gone))
  // What may be a draft of ours is compared in whole.
  const isStranger = kin.kind !== 'edit' && kin.kind !== 'same-draft'
  if (isStranger && identity.size > wholeAtOnceBytes) {
    const parsed = await readTextOnly(context, session, identity)
    if (parsed !== null) return await takeInText(context, { place, identity, parsed, kin, options })
  }
  const read = await readMessage(context, session, place, identity.size)
  return read === null ? [] : await storeWhole(context, { folder, identity, read, options })
}

/** A message of at most `wholeAtOnceBytes`, with all its bytes. */
export interface SmallMessage {
  readonly identity: MessageIdentity
  readonly bytes: Uint8Array
}

/** As `takeIn`, of many at once: they are stored in their order, each by itself, and share commits. */
export async function takeInMany(
  context: ExecuteContext,
  folder: FolderState,
  messages: readonly SmallMessage[],
  options: TakeInOptions,
): Promise<readonly FollowUp[]> {
  const read = await Promise.allSettled(messages.map(({ bytes }) => readRaw(context, inOnePiece(bytes))))
  // All are asked for in one turn: that is what shares a commit.
  const stored = await Promise.allSettled(
    messages.map(async ({ identity }, index) => {
      const one = read[index] as (typeof read)[number]
      if (one.status === 'rejected') throw one.reason
      return await storeWhole(context, { folder, identity, read: one.value, options })
    }),
  )
  const failed = stored.find((one) => one.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return stored.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
}

async function storeWhole(
  context: ExecuteContext,
  {
    folder,
    identity,
    read,
    options,
  }: {
    readonly folder: FolderState
    readonly identity: MessageIdentity
    readonly read: ReadMessage
    readonly options: TakeInOptions
  },
): Promise<readonly FollowUp[]> {
  const place = placeOf(context, folder, identity)
  try {
    return await context.write(async (write) => {
      // Read here, as the message before it may have changed what it is an edit of.
      const kin = await kinOf(context, write.db, identity, options.gone)
      const draftId = await store(context, write, { place, identity, parsed: read.parsed, kin, options, isWhole: true })
      await holdParts(write.db, read, context, draftId)
      return await settled(context, write, identity, draftId)
    })
  } catch (error) {
    await dropParts(context, read)
    throw error
  }
}

interface Newcomer {
  readonly place: MessagePlace
  readonly identity: MessageIdentity
  readonly parsed: ParsedMessage
  readonly kin: Kinship
  readonly options: TakeInOptions
}

async function takeInText(context: ExecuteContext, newcomer: Newcomer): Promise<readonly FollowUp[]> {
  const { place, identity } = newcomer
  const { accountId, environment } = context
  return await context.write(async (write) => {
    const draftId = await store(context, write, { ...newcomer, isWhole: false })
    await insertPendingImport(write.db, { ...place, draftId, size: identity.size }, environment.now())
    return [importTheRest({ accountId, draftId }), ...(await settled(context, write, identity, draftId))]
  })
}

/** Of one that answers a mail which was answered here, too, see steps/settle-rivals.ts. */
async function settled(
  context: ExecuteContext,
  write: Write,
  { everdraftAnswers: answers, everdraftId }: MessageIdentity,
  draftId: Umid,
): Promise<readonly FollowUp[]> {
  // Another program has kept the fields of the copy that it was made from.
  const isForeign = everdraftId !== draftId
  return answers === null ? [] : await settleRivals(context, write, { draftId, answers, isForeign })
}

export function importTheRest({ accountId, draftId }: Pick<PendingImport, 'accountId' | 'draftId'>): FollowUp {
  return { task: 'draft_import', accountId, key: draftId, delayMs: 0, join: 'keep' }
}

/** @returns the draft that the message became, or a revision of */
async function store(
  context: ExecuteContext,
  write: Write,
  newcomer: Newcomer & { readonly isWhole: boolean },
): Promise<Umid> {
  const { kin } = newcomer
  if (kin.kind === 'edit' && kin.of === 'newest') {
    const owned = await ownedState(write.db, kin.draftId)
    const { rule } = transition(owned.state, { type: 'successor-seen' })
    if (rule === 'adopt' && owned.accountId === context.accountId)
      return await adopt(context, write, newcomer, kin.draftId)
  }
  if (kin.kind === 'same-draft' && newcomer.isWhole) {
    const { draftId, token } = kin
    const { parsed, options } = newcomer
    const recorded = (version: Version): Promise<Receipt> =>
      record(context, write, newcomer, { draftId, version, isWhole: true })
    if (await bindSame(context, write, { draftId, token, parsed, gone: options.gone, recorded })) return draftId
  }
  return await addDraft(context, write, newcomer)
}

/** The edit becomes the newest revision, and its message the name; the copy that it was made from goes. */
async function adopt(context: ExecuteContext, write: Write, newcomer: Newcomer, draftId: Umid): Promise<Umid> {
  const { environment, accountId } = context
  const now = environment.now()
  const draft = await getDraft(write.db, draftId)
  const content = contentOfMessage(newcomer.parsed, draft.content, () => createAttachmentId(context))
  const fieldsChanged = changedFields(draft.content, content)
  let { version } = draft
  if (fieldsChanged.length > 0) {
    version = (draft.version + 1) as Version
    const revision = { version, content, savedAt: now, device: foreignDevice, by: 'foreign', fieldsChanged } as const
    await insertRevisions(write.db, draftId, [revision], draft)
    await applyDraftEvent(write, draftId, { type: 'saved', version }, now, { content, line: null })
    write.emit({ type: 'draft-saved', accountId, draftId, version, fieldsChanged })
  }
  const receipt = await record(context, write, newcomer, { draftId, version, isWhole: true })
  await applyDraftEvent(write, draftId, { type: 'uploaded', receipt, replaced: null }, now)
  return draftId
}

async function addDraft(
  context: ExecuteContext,
  write: Write,
  newcomer: Newcomer & { readonly isWhole: boolean },
): Promise<Umid> {
  const { environment, accountId } = context
  const { kin, options, parsed } = newcomer
  const now = environment.now()
  const content = contentOfMessage(parsed, null, () => createAttachmentId(context))
  const succeeds = predecessorOf(kin, content, options.vanished)
  const isOtherDevices = kin.kind === 'other-device' && !(await draftExists(write.db, kin.id))
  const id = isOtherDevices ? kin.id : (uuidv7(now, environment.random) as Umid)
  const token = isOtherDevices ? kin.token : createToken(environment.random)
  const version = 1 as Version
  // A list is ordered by what was changed last: what was taken in was changed when its message says so.
  const writtenAt = Math.min(now, Math.max(0, parsed.date ?? now))
  const draft = { id, accountId, token, policy: 'sync', content, now: writtenAt, succeeds } as const
  const bytes = await insertDraft(write.db, draft)
  if (succeeds !== null) await keepSuperseded(write.db, succeeds)
  const fieldsChanged = changedFields(emptyContent, content)
  const revision = {
    version,
    content,
    savedAt: writtenAt,
    device: foreignDevice,
    by: 'foreign',
    fieldsChanged,
    bytes,
  } as const
  await insertRevisions(write.db, id, [revision], null)
  const receipt = await record(context, write, newcomer, { draftId: id, version, isWhole: newcomer.isWhole })
  await applyDraftEvent(write, id, { type: 'uploaded', receipt, replaced: null }, now)
  write.emit({ type: 'draft-imported', accountId, draftId: id, version, succeeds })
  return id
}

function predecessorOf(kin: Kinship, content: DraftContent, vanished: VanishedDraft[]): Umid | null {
  if (kin.kind === 'edit' || kin.kind === 'resembles' || kin.kind === 'same-draft') return kin.draftId
  const found = kin.kind === 'none' ? resembling(content, vanished) : null
  // One newcomer for each that vanished.
  if (found !== null)
    vanished.splice(
      vanished.findIndex(({ draftId }) => draftId === found),
      1,
    )
  return found
}

/** What is known of the message from now on, as of a copy that we stored ourselves. */
export async function record(
  context: ExecuteContext,
  write: Write,
  { place, identity, parsed }: Pick<Newcomer, 'place' | 'identity' | 'parsed'>,
  of: { readonly draftId: Umid; readonly version: Version; readonly isWhole: boolean },
): Promise<Receipt> {
  const { environment } = context
  const now = environment.now()
  const attempt: Attempt = {
    id: uuidv7(now, environment.random) as AttemptId,
    accountId: place.accountId,
    draftId: of.draftId,
    version: of.version,
    messageId: identity.messageId ?? noMessageId,
    baseMessageId: null,
    // What is not whole is the same as nothing.
    digest: of.isWhole ? contentDigest(parsed, environment.createSha256()) : '',
    method: 'import',
    folder: place.folder,
    uidValidity: place.uidValidity,
    uidNext: null,
    parts: of.isWhole ? quotableParts(parsed) : [],
    size: identity.size,
    state: 'stored',
    bytesSent: 0,
    createdAt: now,
    endedAt: now,
  }
  await insertAttempt(write.db, attempt)
  const { version, messageId, id: attemptId } = attempt
  return { ...place, messageId, version, attemptId }
}

export function createAttachmentId({ environment }: Pick<ExecuteContext, 'environment'>): AttachmentId {
  return uuidv7(environment.now(), environment.random) as AttachmentId
}

async function kinOf(
  context: ExecuteContext,
  db: Db,
  identity: MessageIdentity,
  gone: readonly Receipt[],
): Promise<Kinship> {
  const { messageId, everdraftBase, everdraftId } = identity
  const ids = [messageId, everdraftBase].filter((id) => id !== null)
  const attempts = await attemptsByMessageId(db, context.accountId, ids)
  const sameMessageId = known(messageId === null ? undefined : attempts.get(messageId)?.[0])
  const base = known(everdraftBase === null ? undefined : attempts.get(everdraftBase)?.[0])
  const onBase = everdraftBase === null ? [] : await attemptsOnBase(db, context.accountId, everdraftBase)
  const sameBase = known(onBase.find((attempt) => attempt.draftId === everdraftId))
  const text = messageId === null ? null : tokenOf(messageId)
  const token = text === null ? null : { text, draftId: await draftIdByToken(db, context.accountId, text) }
  const draftIds = [sameMessageId, base, sameBase].flatMap((one) => one?.draftId ?? [])
  const states = await loadDraftStates(db, draftIds)
  return kinship({
    everdraftId,
    token,
    sameMessageId,
    base,
    sameBase,
    idIsTaken: everdraftId === null ? null : await placeOfId(db, context.accountId, everdraftId),
    newest(draftId) {
      const copies = states.get(draftId)?.copies
      const copy = copies === undefined ? null : newestCopy(copies)
      if (copies === undefined || copy === null) return null
      return { messageId: copy.messageId, isThere: isCopyThere(copies, gone) }
    },
  })
}

async function placeOfId(db: Db, accountId: AccountId, id: Umid): Promise<KinshipQuestion['idIsTaken']> {
  const draft = await findDraft(db, id)
  if (draft === null) return null
  return draft.accountId === accountId && draft.status === 'draft' ? 'here' : 'otherwise'
}

function known(attempt: Attempt | undefined): KnownMessage | null {
  if (attempt === undefined) return null
  const { draftId, messageId, method } = attempt
  return { draftId, messageId, isOurs: method !== 'import' || tokenOf(messageId) !== null }
}
