import type { Client } from '../client.ts'
import { ProblemError } from '../errors.ts'
import type { Draft } from '../resources.ts'
import { type ContentField, type EditorContent, type Recipient } from './content.ts'
import type { Acknowledged, BegunSave } from './shadow.ts'

interface SaveRequest {
  /** A fresh one for each. */
  readonly saveId: string
  readonly base: Acknowledged
  readonly content: EditorContent
  /** Earlier ones whose answers never came: this one has their words, too. */
  readonly unanswered: readonly string[]
  /** The page is going: the request outlives it, where it is small enough. */
  readonly isLeaving: boolean
}

export type SaveAnswer =
  /** `merged`: others had saved meanwhile, and what the draft says now has both. */
  | ({ readonly kind: 'saved'; readonly merged: boolean } & Acknowledged)
  | ({
      readonly kind: 'conflict'
      readonly conflictId: string | null
      readonly fields: readonly ContentField[]
    } & Acknowledged)

/** A line that is dead without a word must not keep the other tabs waiting. */
const longestAnswerMs = 30_000

/** The draft behind the network. @throws {ProblemError | ConnectionError} each of them */
export interface DraftDoor {
  /** Null: there is none, and the first save makes it. */
  load(): Promise<Acknowledged | null>
  /** Says that a save has begun. */
  begin(save: BegunSave): Promise<void>
  save(request: SaveRequest): Promise<SaveAnswer>
  /** It was resolved, and the draft says so already. */
  endConflict(conflictId: string, content: EditorContent): Promise<void>
}

export interface DraftDoorOptions {
  readonly client: Client
  readonly accountId: string
  readonly draftId: string
  readonly deviceId: string
}

export function openDraftDoor({ client, accountId, draftId }: DraftDoorOptions): DraftDoor {
  const path = { id: accountId, draft_id: draftId }
  return {
    async load() {
      try {
        const { data } = await client.GET('/accounts/{id}/drafts/{draft_id}', {
          params: { path },
          signal: AbortSignal.timeout(longestAnswerMs),
        })
        return acknowledged(data)
      } catch (error) {
        if (error instanceof ProblemError && error.code === 'NOT_FOUND') return null
        throw error
      }
    },
    async begin() {},
    async save({ base, content, isLeaving }) {
      const { subject, body, bodyHtml, to, cc, bcc } = content
      try {
        const { data } = await client.PUT('/accounts/{id}/drafts/{draft_id}', {
          params: { path, query: { on_conflict: 'merge', base_version: String(base.version) } },
          body: { subject, text: body, html: bodyHtml, to: [...to], cc: [...cc], bcc: [...bcc] },
          signal: AbortSignal.timeout(longestAnswerMs),
          ...(isLeaving ? { keepalive: true } : {}),
        })
        const saved = acknowledged(data)
        return { kind: 'saved', merged: saved.version > base.version + 1, ...saved }
      } catch (error) {
        if (!(error instanceof ProblemError) || error.code !== 'CONFLICT') throw error
        const stored = await this.load()
        if (stored === null) throw error
        return { ...stored, kind: 'conflict', conflictId: error.conflictId, fields: [] }
      }
    },
    async endConflict(conflictId, { subject }) {
      await client.POST('/accounts/{id}/drafts/{draft_id}/conflicts/{conflict_id}/resolve', {
        params: { path: { ...path, conflict_id: conflictId } },
        body: { subject },
      })
    },
  }
}

function acknowledged(draft: Draft): Acknowledged {
  return { version: draft.version, content: contentOf(draft), savedAt: Date.parse(draft.updated_at) }
}

function contentOf(draft: Draft): EditorContent {
  const { subject, text, html } = draft
  return {
    subject,
    body: text,
    bodyHtml: html,
    to: peopleOf(draft.to),
    cc: peopleOf(draft.cc),
    bcc: peopleOf(draft.bcc),
  }
}

function peopleOf(list: Draft['to']): readonly Recipient[] {
  return list.map(({ address, name }) => ({ address, name: name ?? '' }))
}
