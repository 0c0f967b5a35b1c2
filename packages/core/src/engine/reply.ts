import { readMessageId } from '../draft/content.ts'
import type { Attachment, Draft } from '../draft/draft.ts'
import { type AttachmentToFetch, type OriginalMessage, replyDraft } from '../draft/reply.ts'
import { withoutBcc } from '../draft/without-bcc.ts'
import { EverdraftError } from '../errors.ts'
import {
  type AccountId,
  type AttachmentId,
  type FolderPath,
  type MessageId,
  type Sha256,
  type Uid,
  uuidv7,
} from '../ids.ts'
import { getAccount } from '../storage/accounts.ts'
import { type Blob, deleteBlob, storeBlob } from '../storage/blobs.ts'
import { draftOfRequest } from '../storage/draft-requests.ts'
import type { RepeatableRequest } from '../storage/repeatable-request.ts'
import { searchOrder } from '../sync/search-order.ts'
import type { NewAttachment } from '../tasks/draft-create.ts'
import { localTasks } from '../tasks/registry.ts'
import { type MailboxSession, WireError } from '../wire/mailbox.ts'
import type { PassingPart } from '../wire/message-format.ts'
import type { Drafts, KnownOriginal, ReplyInput } from './api.ts'
import { bytesOf, describeAttachment } from './attachment-input.ts'
import { viewIn, viewOfCreated } from './draft-views.ts'
import type { EngineParts } from './parts.ts'

/** A blob that nothing refers to yet. */
type StoredBlob = Blob & { readonly id: number }

interface Original {
  readonly message: OriginalMessage
  /** Puts the bytes of one of its attachments into the store. */
  readonly fetch: (wanted: AttachmentToFetch) => Promise<StoredBlob>
}

/** The draft that answers a message or passes it on: first all of it is read, then the draft is made in one step. */
export function createReply(parts: EngineParts): Drafts['reply'] {
  const { store, sessions, environment, run } = parts

  return async (accountId, input, options = {}) => {
    const account = await store.read((db) => getAccount(db, accountId))
    const request = options.request ?? null
    const made = request === null ? null : await madeBy(request)
    if (made !== null) return made
    const own = [{ address: account.address, name: account.name }]
    const stored: StoredBlob[] = []

    async function keep(source: AsyncIterable<Uint8Array>): Promise<StoredBlob> {
      const blob = await storeBlob(store, accountId, source, {
        hasher: environment.createSha256(),
        now: environment.now(),
      })
      stored.push(blob)
      return blob
    }

    async function prepare({ message, fetch }: Original) {
      const { mode, withHtml = message.html !== null, phrases } = input
      const { fields, attachments: wanted } = replyDraft({
        original: message,
        mode,
        own,
        withHtml,
        ...(phrases === undefined ? {} : { phrases }),
      })
      const attachments: NewAttachment[] = []
      for (const one of wanted) {
        attachments.push({ attachment: describe(one, environment), blob: await fetch(one) })
      }
      return { fields, attachments }
    }

    async function drop(unused: readonly StoredBlob[]): Promise<void> {
      if (unused.length === 0) return
      await store.write(async ({ db }) => {
        for (const { id } of unused) await deleteBlob(db, id)
      })
    }

    try {
      const prepared =
        'original' in input
          ? await prepare(knownOriginal(input.original, keep, environment))
          : await onServer(accountId, input, async (session, uid) =>
              prepare(await fetchOriginal(parts, session, uid, { input, keep })),
            )
      const { attachments } = prepared
      await drop(stored.filter(({ id }) => !attachments.some(({ blob }) => blob.id === id)))
      const create = {
        accountId,
        owner: null,
        ...prepared,
        templateId: null,
        policy: input.policy ?? 'sync',
        reviewRequired: input.review?.required ?? false,
        by: options.by ?? 'user',
        device: options.device ?? null,
        request,
      } as const
      const draft = await run(localTasks.draft_create, create, viewOfCreated)
      // The same request, in the meantime: that draft has what it needs.
      const isThisOne = attachments.every(({ attachment: { id } }) => draft.attachments.some((one) => one.id === id))
      if (!isThisOne) await drop(attachments.map(({ blob }) => blob))
      return draft
    } catch (error) {
      await drop(stored)
      throw error
    }
  }

  async function madeBy(request: RepeatableRequest): Promise<Draft | null> {
    return await store.read(async (db) => {
      const id = await draftOfRequest(db, request, environment.now())
      return id === null ? null : await viewIn(db, id)
    })
  }

  async function onServer<Result>(
    accountId: AccountId,
    input: Extract<ReplyInput, { readonly messageId: string }>,
    use: (session: MailboxSession, uid: Uid) => Promise<Result>,
  ): Promise<Result> {
    const messageId = readMessageId(input.messageId, 'message_id')
    // Somebody waits: they may knock, whatever the back-off of the queue.
    sessions.allow(accountId)
    return await sessions.beside(accountId, async (session) => {
      const uid = await findMessage(session, messageId, input.folder ?? null)
      if (uid === null) throw new EverdraftError('NOT_FOUND', `there is no message ${messageId} on the server`)
      return await use(session, uid)
    })
  }
}

/** Its UID in the folder that is selected then. */
async function findMessage(
  session: MailboxSession,
  messageId: MessageId,
  first: FolderPath | null,
): Promise<Uid | null> {
  for (const path of searchOrder(await session.folders(), first)) {
    try {
      if ((await session.select(path)) === null) continue
    } catch (error) {
      // A folder of others that only may be listed is no reason to give up.
      if (error instanceof WireError && error.code === 'REFUSED') continue
      throw error
    }
    const found = await session.findByMessageId(messageId)
    const best = found.findLast(({ deleted }) => !deleted) ?? found.at(-1)
    if (best !== undefined) return best.uid
  }
  return null
}

async function fetchOriginal(
  { format, environment }: EngineParts,
  session: MailboxSession,
  uid: Uid,
  {
    input: { mode, withHtml },
    keep,
  }: { readonly input: ReplyInput; readonly keep: (source: AsyncIterable<Uint8Array>) => Promise<StoredBlob> },
): Promise<Original> {
  const raw = async (): Promise<AsyncIterable<Uint8Array>> => {
    const bytes = await session.fetchRaw(uid)
    if (bytes === null) throw new EverdraftError('NOT_FOUND', 'the message was removed from the server meanwhile')
    return bytes
  }
  // In the one pass over the message all that may be needed goes into the store; what is not, goes again.
  const mayBeNeeded = (part: PassingPart): boolean =>
    part.kind === 'attachment' && (mode === 'forward' || (part.contentId !== null && withHtml !== false))
  const passed = new Map<string, StoredBlob>()
  const message = await format.parse(await raw(), environment.createSha256, {
    lookIntoSigned: true,
    onPart: async (part, bytes) => {
      if (mayBeNeeded(part)) passed.set(part.section, await keep(bytes))
    },
  })
  return {
    message,
    fetch: async ({ section }) =>
      // The whole message: its Bcc was for its author alone (hazard 39).
      passed.get(section) ?? (await keep(withoutBcc(await raw()))),
  }
}

/** @throws {EverdraftError} VALIDATION_ERROR */
function knownOriginal(
  { attachments = [], ...known }: KnownOriginal,
  keep: (source: AsyncIterable<Uint8Array>) => Promise<StoredBlob>,
  environment: EngineParts['environment'],
): Original {
  const described = attachments.map((attachment, index) => ({
    ...describeAttachment(attachment, environment),
    // Nothing is fetched: it says which one it is.
    section: `${index}`,
    encoding: 'binary',
    size: 0,
    sha256: '' as Sha256,
  }))
  return {
    message: { ...known, attachments: described, protection: null },
    fetch: async ({ section }) => {
      const attachment = attachments[Number(section)]
      if (attachment === undefined) throw new TypeError(`the original has no attachment ${section}`)
      return await keep(bytesOf(attachment))
    },
  }
}

function describe(
  { filename, contentType, disposition, contentId }: AttachmentToFetch,
  { now, random }: EngineParts['environment'],
): Omit<Attachment, 'size' | 'sha256'> {
  const id = uuidv7(now(), random) as AttachmentId
  // Pictures in a text often have no name.
  return { id, filename: filename.trim() || 'attachment', contentType, disposition, contentId }
}
