import type { Client } from '../client.ts'
import { ProblemError } from '../errors.ts'
import type { Draft } from '../resources.ts'
import type { components } from '../schema.ts'
import {
  type ContentField,
  contentFields,
  differingFields,
  type EditorContent,
  isSameContent,
  type Recipient,
} from './content.ts'
import type { Acknowledged, BegunSave, SentSave } from './shadow.ts'

interface SaveRequest extends SentSave {
  /** The page is going: the request outlives it, where it is small enough. */
  readonly isLeaving: boolean
}

export type SaveAnswer =
  /** `merged`: the draft says otherwise than what was sent, as others have saved meanwhile. */
  | ({ readonly kind: 'saved'; readonly merged: boolean } & Acknowledged)
  /** Nothing was saved over; both texts are kept. */
  | ({
      readonly kind: 'conflict'
      readonly conflictId: string | null
      readonly fields: readonly ContentField[]
    } & Acknowledged)

/** The draft behind the network. @throws {ProblemError | ConnectionError} each of them */
export interface DraftDoor {
  /** Null: there is none, and the first save makes it. */
  load(): Promise<Acknowledged | null>
  /** Says that a save has begun: that it never came is known where the draft is, too. */
  begin(save: BegunSave): Promise<void>
  save(request: SaveRequest): Promise<SaveAnswer>
  /** What this device has said that it begins to save is wanted no more. */
  giveUp(): Promise<void>
  /** It was resolved, and the draft says so already. */
  endConflict(conflictId: string, content: EditorContent): Promise<void>
}

export interface DraftDoorOptions {
  readonly client: Client
  readonly accountId: string
  readonly draftId: string
  readonly deviceId: string
}

type DraftManagerRequest = components['schemas']['DraftManagerRequest']
type DraftState = NonNullable<components['schemas']['DraftManagerOutput']['draft']>

/** A line that is dead without a word must not keep the other tabs waiting. */
const longestAnswerMs = 30_000
/** Browsers let 64 KiB outlive a page, in all (https://fetch.spec.whatwg.org/#http-network-or-cache-fetch). */
const mostBytesOfLeaving = 60_000

export function openDraftDoor({ client, accountId, draftId, deviceId }: DraftDoorOptions): DraftDoor {
  const path = { id: accountId, draft_id: draftId }

  async function load(): Promise<Acknowledged | null> {
    try {
      const { data } = await client.GET('/accounts/{id}/drafts/{draft_id}', {
        params: { path },
        signal: AbortSignal.timeout(longestAnswerMs),
      })
      const { version, subject, text, html, updated_at: updatedAt } = data
      const [to, cc, bcc] = [named(data.to), named(data.cc), named(data.bcc)]
      const content = { subject, body: text, bodyHtml: html, to, cc, bcc }
      return { version, content, savedAt: Date.parse(updatedAt) }
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'NOT_FOUND') return null
      throw error
    }
  }

  async function ask(body: DraftManagerRequest, isLeaving: boolean): Promise<DraftState | undefined> {
    const { data } = await client.POST('/accounts/{id}/draft-manager', {
      params: { path: { id: accountId } },
      body,
      signal: AbortSignal.timeout(longestAnswerMs),
      keepalive: isLeaving && new Blob([JSON.stringify(body)]).size < mostBytesOfLeaving,
    })
    return data.output.draft
  }

  return {
    load,
    async begin({ saveId, base }) {
      const draft = { version: base.version }
      await ask({ action: 'auto-save', draftId, deviceId, beginSave: true, saveId, draft }, false)
    },
    async save({ saveId, base, content, unanswered, isLeaving }) {
      // What an unanswered one has changed, and was changed back since, must be said, too.
      const written = unanswered.length === 0 ? changes(base.content, content) : content
      const draft = { ...written, version: base.version }
      const request = { action: 'auto-save', draftId, deviceId, saveId, draft } as const
      try {
        const stored = await ask({ ...request, unansweredSaveIds: unanswered }, isLeaving)
        if (stored === undefined) throw new ProblemError(200, { detail: 'the answer lacks the draft' }, null)
        const saved = acknowledged(stored)
        return { kind: 'saved', merged: !isSameContent(saved.content, content), ...saved }
      } catch (error) {
        const { draft: stored, conflict } = (error instanceof ProblemError ? error.output : null) ?? {}
        if (stored === undefined || conflict === undefined) throw error
        const fields = contentFields.filter((field) => conflict.fields.includes(field))
        return { kind: 'conflict', conflictId: conflict.conflictId, fields, ...acknowledged(stored) }
      }
    },
    async giveUp() {
      // It ends what has no text there; what has one would be asked about.
      await ask({ action: 'recover', draftId, deviceId }, false)
    },
    async endConflict(conflictId, { subject }) {
      await client.POST('/accounts/{id}/drafts/{draft_id}/conflicts/{conflict_id}/resolve', {
        params: { path: { ...path, conflict_id: conflictId } },
        body: { subject },
      })
    },
  }
}

/** What is not sent is unchanged; the subject always is sent, as a save needs it or the text. */
function changes(base: EditorContent, content: EditorContent): Partial<EditorContent> {
  const changed = differingFields(base, content).map((field) => [field, content[field]])
  return { subject: content.subject, ...(Object.fromEntries(changed) as Partial<EditorContent>) }
}

function named(list: Draft['to']): readonly Recipient[] {
  return list.map(({ address, name }) => ({ address, name: name ?? '' }))
}

function acknowledged({ version, lastSavedAt: savedAt, ...draft }: DraftState): Acknowledged {
  const { subject, body, bodyHtml, to, cc, bcc } = draft
  return { version, savedAt, content: { subject, body, bodyHtml, to, cc, bcc } }
}
