import type { AccountId, Draft, DraftContent, SendId, SendRecord, Umid, Version } from '@everdraft/core'

/** What the people of a simulated world know: what the engine told them, and what they did. */
export interface Ledger {
  accountId: AccountId | null
  /** Revisions as the engine showed them: a version never says anything else again. */
  readonly shown: readonly ShownRevision[]
  /** Words that somebody wrote once and was told that they are kept: in a revision, or in a conflict. */
  readonly written: readonly WrittenWords[]
  /** Somebody asked for it, and it may have been done. */
  readonly discarded: ReadonlySet<Umid>
  /** When a draft was taken back out of the trash. */
  readonly takenBackMs: ReadonlyMap<string, number>
  /** All that were heard of. */
  readonly drafts: ReadonlyMap<Umid, 'sync' | 'local-only'>
  /** Consents that the engine has acknowledged. */
  readonly consents: ReadonlyMap<SendId, SendRecord>
  /** How often somebody said that it is to be sent again, whatever became of it. */
  readonly sentAgain: ReadonlyMap<string, number>
  /** Somebody said that it was sent. */
  readonly saidSent: ReadonlySet<string>
  show(draft: Draft): void
  consent(record: SendRecord): void
  resolve(sendId: SendId, as: 'sent' | 'send_again'): void
  write(draftId: Umid, words: string): void
  discard(draftId: Umid): void
  undiscard(draftId: Umid): void
}

interface ShownRevision {
  readonly draftId: Umid
  readonly version: Version
  readonly content: DraftContent
  readonly atMs: number
}

interface WrittenWords {
  readonly draftId: Umid
  readonly words: string
  readonly atMs: number
}

export function createLedger(now: () => number): Ledger {
  const shown = new Map<string, ShownRevision>()
  const written: WrittenWords[] = []
  const discarded = new Set<Umid>()
  const takenBackMs = new Map<string, number>()
  const drafts = new Map<Umid, 'sync' | 'local-only'>()
  const consents = new Map<SendId, SendRecord>()
  const sentAgain = new Map<string, number>()
  const saidSent = new Set<string>()
  return {
    accountId: null,
    get shown() {
      return [...shown.values()]
    },
    written,
    discarded,
    drafts,
    consents,
    sentAgain,
    saidSent,
    consent: (record) => void consents.set(record.id, record),
    resolve(sendId, as) {
      if (as === 'sent') saidSent.add(sendId)
      else sentAgain.set(sendId, (sentAgain.get(sendId) ?? 0) + 1)
    },
    show(draft) {
      drafts.set(draft.id, draft.policy)
      const { id: draftId, version } = draft
      const key = `${draftId} ${version}`
      if (!shown.has(key)) shown.set(key, { draftId, version, content: contentOf(draft), atMs: now() })
    },
    write: (draftId, words) => void written.push({ draftId, words, atMs: now() }),
    discard: (draftId) => void discarded.add(draftId),
    takenBackMs,
    undiscard(draftId) {
      discarded.delete(draftId)
      takenBackMs.set(draftId, now())
    },
  }
}

function contentOf(draft: Draft): DraftContent {
  const { from, to, cc, bcc, subject, text, html, inReplyTo, references, attachments, metadata, tags } = draft
  return { from, to, cc, bcc, subject, text, html, inReplyTo, references, attachments, metadata, tags }
}
