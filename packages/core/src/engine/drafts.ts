import { defaultOwner } from '../access.ts'
import { changedFields } from '../draft/content.ts'
import type { Draft } from '../draft/draft.ts'
import { EverdraftError, validationError } from '../errors.ts'
import type { Umid } from '../ids.ts'
import { deleteBlob, readBlob, storeBlob } from '../storage/blobs.ts'
import { listConflicts } from '../storage/conflicts.ts'
import { whenAnswered } from '../storage/direct.ts'
import { type DraftFilter as StoredFilter, getDraft, listDrafts } from '../storage/drafts.ts'
import { revisionContent, revisions } from '../storage/revisions.ts'
import { searchDrafts } from '../storage/search.ts'
import { wakeTasks } from '../storage/tasks.ts'
import { localTasks } from '../tasks/registry.ts'
import { checkEditable } from '../tasks/steps/commit-revision.ts'
import type { LocalTask } from '../tasks/task.ts'
import type { DraftFilter, Drafts, SaveOptions } from './api.ts'
import { bytesOf, describeAttachment } from './attachment-input.ts'
import { draftViews, queuedUpload, viewIn, viewOf, viewOfCreated, withoutText } from './draft-views.ts'
import { openComposer } from './composer.ts'
import { checkPage } from './paging.ts'
import type { EngineParts } from './parts.ts'
import { createReply } from './reply.ts'
import { createSend } from './sends.ts'

export function createDrafts(parts: EngineParts): Drafts {
  const { store, queue, environment, run } = parts

  function view(id: Umid): Promise<Draft> {
    return store.read((db) => viewIn(db, id))
  }

  /** Runs a task about one draft; the answer is the draft as the task left it. */
  function change<Input>(task: LocalTask<Input, unknown>, id: Umid, input: Input): Promise<Draft> {
    return run(task, input, (db) => viewIn(db, id))
  }

  return {
    async create({ accountId, owner, policy, review, templateId, ...fields }, options = {}) {
      const input = {
        accountId: accountId ?? null,
        owner: owner ?? null,
        fields,
        attachments: [],
        templateId: templateId ?? null,
        policy: policy ?? 'sync',
        reviewRequired: review?.required ?? false,
        by: options.by ?? 'user',
        device: options.device ?? null,
        request: options.request ?? null,
      }
      return await run(localTasks.draft_create, input, viewOfCreated)
    },
    reply: createReply(parts),
    get: view,
    async search(query, filter = {}) {
      const page = checkPage(filter)
      return await store.read(async (db) => {
        const { hits, total } = await searchDrafts(db, { query, ...stored(filter), ...page })
        const found = await Promise.all(hits.map((hit) => getDraft(db, hit.id)))
        const drafts = await draftViews(db, found)
        const items = drafts.map((draft, index) => ({
          draft: withoutText(draft),
          snippet: hits[index]?.snippet ?? '',
        }))
        return { items, total, ...page }
      })
    },
    async list(filter = {}) {
      const page = checkPage(filter)
      return await store.read(async (db) => {
        const { items, total } = await listDrafts(db, { ...stored(filter), ...page })
        return { items: (await draftViews(db, items)).map(withoutText), total, ...page }
      })
    },
    async save(id, changes, options = {}) {
      const input = {
        ...request(id, options),
        changes,
        onConflict: options.onConflict ?? 'refuse',
        reviewRequired: options.review?.required ?? null,
      }
      const { draft, conflictId } = await run(localTasks.draft_save, input, (db, saved, queued) => {
        const seen = viewOf(db, saved.draft, { state: saved.state, tasks: queuedUpload(queued, id) })
        return whenAnswered(seen, (viewed) => ({ draft: viewed, conflictId: saved.conflictId }))
      })
      if (conflictId === null) return draft
      throw new EverdraftError(
        'CONFLICT',
        `the draft is at version ${draft.version} and says otherwise: both texts are kept in conflict ${conflictId}`,
        { conflictId },
      )
    },
    async attach(id, input, options = {}) {
      const described = describeAttachment(input, environment)
      const draft = await store.read((db) => getDraft(db, id))
      const isThere = draft.content.attachments.some((one) => one.id === described.id)
      // Before megabytes are stored for nothing; the task checks again in its transaction.
      checkEditable(draft, { baseVersion: isThere ? null : (options.baseVersion ?? null) })
      const now = environment.now()
      const blob = await storeBlob(store, draft.accountId, bytesOf(input), { hasher: environment.createSha256(), now })
      try {
        const attach = { ...request(id, options), accountId: draft.accountId, attachment: described, blob }
        return await run(localTasks.draft_attach, attach, async (db, { attachment }) => {
          return { draft: await viewIn(db, id), attachment }
        })
      } catch (error) {
        await store.write(({ db }) => deleteBlob(db, blob.id))
        throw error
      }
    },
    async detach(id, attachmentId, options = {}) {
      return await change(localTasks.draft_detach, id, { ...request(id, options), attachmentId })
    },
    async readAttachment(id, attachmentId, range = {}) {
      const draft = await store.read((db) => getDraft(db, id))
      const attachment = draft.content.attachments.find((one) => one.id === attachmentId)
      if (attachment === undefined) throw new EverdraftError('NOT_FOUND', `there is no attachment ${attachmentId}`)
      const { start = 0, end = attachment.size } = range
      for (const [path, value] of Object.entries({ start, end })) {
        if (!Number.isInteger(value) || value < 0) throw validationError(path, 'must be a whole number, 0 or more')
      }
      const bounds = { start, end: Math.min(end, attachment.size) }
      return { attachment, content: readBlob(store, draft.accountId, attachment.sha256, bounds) }
    },
    async discard(id, options = {}) {
      return await change(localTasks.draft_discard, id, request(id, options))
    },
    conflicts: (id) => store.read((db) => listConflicts(db, id)),
    async resolve(id, conflictId, how, options = {}) {
      return await change(localTasks.draft_resolve, id, { ...request(id, options), conflictId, how })
    },
    async restore(id, version, options = {}) {
      return await change(localTasks.draft_restore, id, { ...request(id, options), to: version })
    },
    async discardChanges(id, options = {}) {
      return await change(localTasks.draft_restore, id, { ...request(id, options), to: 'changes' })
    },
    async undiscard(id) {
      return await change(localTasks.draft_undiscard, id, { draftId: id })
    },
    async move(id, accountId, options = {}) {
      return await change(localTasks.draft_move, id, { ...request(id, options), accountId })
    },
    open: (id, options = {}) => openComposer(parts, id, options),
    async flush(id) {
      await store.write(async (write) => {
        const draft = await getDraft(write.db, id)
        await wakeTasks(write.db, draft.accountId, environment.now(), id)
      })
      queue.wake()
    },
    send: createSend(parts),
    async approve(id, version, options = {}) {
      const by = options.by ?? defaultOwner.userId
      return await change(localTasks.draft_approve, id, { draftId: id, version, by })
    },
    async changesSince(id, version) {
      return await store.read(async (db) => {
        const draft = await getDraft(db, id)
        const before = await revisionContent(db, id, version, draft.content)
        if (before === null) throw new EverdraftError('NOT_FOUND', `there is no version ${version} of the draft`)
        return { before, after: draft.content, fields: changedFields(before, draft.content) }
      })
    },
    async history(id) {
      return await store.read(async (db) => {
        await getDraft(db, id)
        return await revisions(db, id)
      })
    },
  }
}

/** As the store asks for it. */
function stored(filter: DraftFilter): StoredFilter {
  const { accountId = null, status = null, syncState = null, tag = null } = filter
  return { accountId, status, syncState, tag }
}

function request(id: Umid, options: SaveOptions) {
  return {
    draftId: id,
    baseVersion: options.baseVersion ?? null,
    by: options.by ?? 'user',
    device: options.device ?? null,
  } as const
}
