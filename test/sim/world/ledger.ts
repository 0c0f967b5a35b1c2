import type { AccountId, ContentField, Draft, DraftContent, Umid, Version } from '@everdraft/core'

/** What the people of a simulated world know: what the engine told them, and what they did. */
export interface Ledger {
  accountId: AccountId | null
  /** Revisions as the engine showed them: a version never says anything else again. */
  readonly shown: readonly ShownRevision[]
  /** Fields as somebody wrote them and was told that they are saved: in some revision up to `version`. */
  readonly written: readonly WrittenField[]
  /** Somebody asked for it, and it may have been done. */
  readonly discarded: ReadonlySet<Umid>
  /** Bytes of attachments that were acknowledged, by hash. */
  readonly drafts: ReadonlyMap<Umid, 'sync' | 'local-only'>
  show(draft: Draft): void
  write(draft: Draft, field: ContentField, value: unknown): void
  discard(draftId: Umid): void
}

export interface ShownRevision {
  readonly draftId: Umid
  readonly version: Version
  readonly content: DraftContent
  readonly atMs: number
}

export interface WrittenField {
  readonly draftId: Umid
  readonly version: Version
  readonly field: ContentField
  readonly value: unknown
  readonly atMs: number
}

export function createLedger(now: () => number): Ledger {
  const shown = new Map<string, ShownRevision>()
  const written: WrittenField[] = []
  const discarded = new Set<Umid>()
  const drafts = new Map<Umid, 'sync' | 'local-only'>()
  return {
    accountId: null,
    get shown() {
      return [...shown.values()]
    },
    written,
    discarded,
    drafts,
    show(draft) {
      drafts.set(draft.id, draft.policy)
      const { id: draftId, version } = draft
      const key = `${draftId} ${version}`
      if (!shown.has(key)) shown.set(key, { draftId, version, content: contentOf(draft), atMs: now() })
    },
    write: (draft, field, value) =>
      void written.push({ draftId: draft.id, version: draft.version, field, value, atMs: now() }),
    discard: (draftId) => void discarded.add(draftId),
  }
}

function contentOf(draft: Draft): DraftContent {
  const { from, to, cc, bcc, subject, text, html, inReplyTo, references, attachments, metadata, tags } = draft
  return { from, to, cc, bcc, subject, text, html, inReplyTo, references, attachments, metadata, tags }
}
