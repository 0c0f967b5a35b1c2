import type { EditorContent } from './content.ts'

/** A version that the daemon has acknowledged, and what it says. Version 0: there is none yet. */
export interface Acknowledged {
  readonly version: number
  readonly content: EditorContent
  /** Epoch ms; 0: never. */
  readonly savedAt: number
}

/** A save that was begun; with what it is to save until it has ended. */
export interface BegunSave {
  readonly saveId: string
  readonly draftId: string
  readonly device: string
  /** Which tab began it: each writes rows of its own. */
  readonly tab: string
  readonly changedAt: number
  /** The tab was left in an orderly way, and had time to send this; null: it was not. */
  readonly leftAt: number | null
  /** What the words were written upon. */
  readonly base: Acknowledged
  readonly content: EditorContent
  /** What was sent of it, and not answered; null: nothing. */
  readonly sent: SentSave | null
}

/** A save as it was sent: sent again, word for word, it is the same one. */
export interface SentSave {
  readonly saveId: string
  readonly base: Acknowledged
  readonly content: EditorContent
  /** Earlier ones whose answers never came: this one has their words, too. */
  readonly unanswered: readonly string[]
}

/** A row of `draft_saves`: epoch ms. */
type SaveRow =
  | (BegunSave & { readonly savedAt: null })
  | { readonly saveId: string; readonly draftId: string; readonly device: string; readonly savedAt: number }

/** A row of `drafts`: the newest words of this browser, and what the daemon has. */
interface DraftRow extends EditorContent {
  readonly draftId: string
  readonly accountId: string
  readonly tenantId: string
  readonly userId: string
  readonly isDirty: boolean
  /** 0: never. */
  readonly lastSavedAt: number
  readonly lastModifiedAt: number
  readonly version: number
  readonly acknowledged: Acknowledged
}

/** A file that was attached here: with its bytes until the daemon has them. */
export interface ShadowAttachment {
  readonly draftId: string
  readonly attachmentId: string
  readonly filename: string
  readonly mimeType: string
  readonly size: number
  readonly blob: Blob
  /** By the HTML, or as an attachment. */
  readonly shown: { readonly disposition: 'attachment' | 'inline'; readonly contentId?: string }
}

export interface ShadowOwner {
  readonly tenantId: string
  readonly userId: string
  readonly accountId: string
}

/** Words with which nothing can be done but keep them. @throws {ShadowError} each of them */
export interface Shadow {
  /** What the daemon acknowledged last; none: this browser does not know the draft. */
  acknowledged(draftId: string): Promise<readonly Acknowledged[]>
  /** The newest first. */
  begun(draftId: string): Promise<readonly BegunSave[]>
  /** On disk when it resolves. */
  keep(save: BegunSave): Promise<void>
  /** `saveId` has ended; `next` goes on with what was written meanwhile. */
  acknowledge(done: { readonly saveId: string; readonly next: BegunSave | null } & DraftAt): Promise<void>
  /** The draft is at another version. */
  remember(at: DraftAt): Promise<void>
  /** These words are no more needed. */
  drop(save: { readonly saveId: string; readonly draftId: string }): Promise<void>
  attachments(draftId: string): Promise<readonly ShadowAttachment[]>
  keepAttachment(attachment: ShadowAttachment): Promise<void>
  dropAttachment(attachment: Pick<ShadowAttachment, 'draftId' | 'attachmentId'>): Promise<void>
  close(): void
}

interface DraftAt extends Acknowledged {
  readonly draftId: string
  readonly device: string
}

/** `FULL`: the browser gives no more room. `UNAVAILABLE`: it keeps nothing for this page. */
export class ShadowError extends Error {
  override readonly name = 'ShadowError'
  readonly code: 'FULL' | 'UNAVAILABLE'

  constructor(cause: unknown) {
    const isFull = (cause as { readonly name?: unknown } | null)?.name === 'QuotaExceededError'
    super(isFull ? 'this browser gives no more room' : 'this browser keeps nothing for this page', { cause })
    this.code = isFull ? 'FULL' : 'UNAVAILABLE'
  }
}

function shadowName(tenantId: string): string {
  return `everdraft_email_${tenantId}`
}

/** @throws {ShadowError} */
export async function openShadow(owner: ShadowOwner): Promise<Shadow> {
  const db = await open(shadowName(owner.tenantId))
  type Store = 'drafts' | 'draft_saves' | 'draft_attachments'

  async function write(stores: readonly Store[], work: (transaction: IDBTransaction) => Promise<void>): Promise<void> {
    await told(async () => {
      // Strict: it is on disk, not only on its way there, when it is said to be kept.
      const transaction = db.transaction(stores, 'readwrite', { durability: 'strict' })
      const ended = completion(transaction)
      await Promise.all([work(transaction), ended])
    })
  }

  async function read<Result>(store: Store, work: (store: IDBObjectStore) => IDBRequest<Result>): Promise<Result> {
    return await told(async () => await resultOf(work(db.transaction(store).objectStore(store))))
  }

  const draftRow = (at: DraftAt, words: BegunSave | null): DraftRow => ({
    ...owner,
    draftId: at.draftId,
    ...(words ?? at).content,
    isDirty: words !== null,
    lastSavedAt: at.savedAt,
    lastModifiedAt: words?.changedAt ?? at.savedAt,
    version: at.version,
    acknowledged: { version: at.version, content: at.content, savedAt: at.savedAt },
  })

  return {
    async acknowledged(draftId) {
      const row = (await read('drafts', (drafts) => drafts.get(draftId))) as DraftRow | undefined
      return row === undefined || row.acknowledged.version === 0 ? [] : [row.acknowledged]
    },
    async begun(draftId) {
      const rows = (await read('draft_saves', (saves) => saves.index('draftId').getAll(draftId))) as SaveRow[]
      return rows.filter((row) => row.savedAt === null).toSorted((a, b) => b.changedAt - a.changedAt)
    },
    async keep(save) {
      await write(['drafts', 'draft_saves'], async (transaction) => {
        // Nothing is read before: what is asked for while a page goes must be asked for at once.
        transaction.objectStore('draft_saves').put({ ...save, savedAt: null } satisfies SaveRow)
        const { draftId, device, base } = save
        transaction.objectStore('drafts').put(draftRow({ ...base, draftId, device }, save))
        transaction.commit()
      })
    },
    async acknowledge({ saveId, next, ...at }) {
      await write(['drafts', 'draft_saves'], async (transaction) => {
        const saves = transaction.objectStore('draft_saves')
        transaction.objectStore('drafts').put(draftRow(at, next))
        const rows = (await resultOf(saves.index('draftId').getAll(at.draftId))) as SaveRow[]
        for (const row of rows) if (row.savedAt !== null) saves.delete(row.saveId)
        const { draftId, device, savedAt } = at
        saves.put({ saveId, draftId, device, savedAt } satisfies SaveRow)
        if (next !== null) saves.put({ ...next, savedAt: null } satisfies SaveRow)
      })
    },
    async remember(at) {
      await write(['drafts'], async (transaction) => {
        transaction.objectStore('drafts').put(draftRow(at, null))
      })
    },
    async drop({ saveId }) {
      await write(['draft_saves'], async (transaction) => {
        transaction.objectStore('draft_saves').delete(saveId)
      })
    },
    async attachments(draftId) {
      return (await read('draft_attachments', (attachments) =>
        attachments.index('draftId').getAll(draftId),
      )) as ShadowAttachment[]
    },
    async keepAttachment(attachment) {
      await write(['draft_attachments'], async (transaction) => {
        transaction.objectStore('draft_attachments').put(attachment)
      })
    },
    async dropAttachment({ draftId, attachmentId }) {
      await write(['draft_attachments'], async (transaction) => {
        transaction.objectStore('draft_attachments').delete([draftId, attachmentId])
      })
    },
    close: () => db.close(),
  }
}

async function open(name: string): Promise<IDBDatabase> {
  return await told(async () => {
    const request = indexedDB.open(name, 1)
    request.addEventListener('upgradeneeded', () => {
      const drafts = request.result.createObjectStore('drafts', { keyPath: 'draftId' })
      for (const index of ['accountId', 'userId', 'lastSavedAt']) drafts.createIndex(index, index)
      const saves = request.result.createObjectStore('draft_saves', { keyPath: 'saveId' })
      saves.createIndex('draftId', 'draftId')
      const attachments = request.result.createObjectStore('draft_attachments', {
        keyPath: ['draftId', 'attachmentId'],
      })
      attachments.createIndex('draftId', 'draftId')
    })
    const db = await resultOf(request)
    // Somebody forgets all drafts: nobody stands in the way.
    db.addEventListener('versionchange', () => db.close())
    return db
  })
}

async function resultOf<Result>(request: IDBRequest<Result>): Promise<Result> {
  const { promise, resolve, reject } = Promise.withResolvers<Result>()
  request.addEventListener('success', () => resolve(request.result))
  request.addEventListener('error', () => reject(request.error ?? new Error('the request failed')))
  return await promise
}

async function completion(transaction: IDBTransaction): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  transaction.addEventListener('complete', () => resolve())
  transaction.addEventListener('abort', () => reject(transaction.error ?? new Error('the transaction was ended')))
  await promise
}

async function told<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw new ShadowError(error)
  }
}

/**
 * Deletes all that this browser keeps of a tenant's drafts, also what was never saved: for when somebody logs out. Resolves
 * when it is gone; tabs that have a draft open lose their shadow.
 */
export async function forgetDrafts(tenantId = 'default'): Promise<void> {
  await told(async () => await resultOf(indexedDB.deleteDatabase(shadowName(tenantId))))
}
