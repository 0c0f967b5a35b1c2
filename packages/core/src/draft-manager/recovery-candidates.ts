import { changedFields } from '../draft/content.ts'
import { type DraftContent, emptyContent } from '../draft/draft.ts'
import { missingAttachments, withMissingAttachments } from '../draft/missing-attachments.ts'
import type { DeviceId, Umid, Version } from '../ids.ts'
import type { Db } from '../storage/db.ts'
import type { UnfinishedSave } from '../storage/draft-saves.ts'
import type { StoredDraft } from '../storage/drafts.ts'
import { recentRevisions } from '../storage/revision-lookups.ts'
import { revisionContent } from '../storage/revisions.ts'
import { baseOfSave } from './base-of-save.ts'
import { unnamedDevice } from './check-request.ts'
import { contentOfState } from './content-of-state.ts'
import type { DraftStateInput } from './envelope.ts'
import { openConflicts } from './open-conflicts.ts'
import type { Candidate } from './recovery-plan.ts'

export interface RecoveryQuestion {
  readonly draftId: Umid
  /** Null: there is none, or not yet. */
  readonly stored: StoredDraft | null
  /** What the client that asks still has; null: nothing. */
  readonly local: { readonly state: DraftStateInput; readonly device: DeviceId; readonly at: number } | null
  readonly unfinished: readonly UnfinishedSave[]
  /** False: of what is recovered the attachments are left out. */
  readonly preserveAttachments: boolean
  /** Earlier revisions, too: somebody looks for something. */
  readonly withHistory: boolean
}

/** So far back that what a slip has emptied is in it. */
const revisionsLookedAt = 10

/** All that a draft could go on from. */
export async function recoveryCandidates(db: Db, question: RecoveryQuestion): Promise<readonly Candidate[]> {
  const { draftId, stored, local, unfinished } = question
  const claims = [
    ...(local === null ? [] : [{ candidateId: `local:${draftId}`, source: 'local' as const, ...local }]),
    ...unfinished.flatMap(({ saveId, device, state, begunAt, baseVersion }) =>
      state === null
        ? []
        : [
            {
              candidateId: `unfinished-save:${saveId}`,
              source: 'unfinished-save' as const,
              state: { ...(JSON.parse(state) as DraftStateInput), version: baseVersion ?? 0 },
              device,
              at: begunAt,
            },
          ],
    ),
  ]
  const written = []
  for (const claim of claims) written.push(await writtenBy(db, question, claim))
  return [...(stored === null ? [] : [storedAs(stored)]), ...written, ...(await earlier(db, question))]
}

function storedAs(stored: StoredDraft): Candidate {
  const isInTrash = stored.status === 'discarded'
  const source = isInTrash ? 'trash' : 'stored'
  return {
    candidateId: `${source}:${stored.id}`,
    source,
    draftId: stored.id,
    content: stored.content,
    modifiedAt: stored.updatedAt,
    length: lengthOf(stored.content),
    edits: stored.version,
    differs: isInTrash,
    isContinuation: false,
    device: null,
    version: stored.version,
    conflictId: null,
  }
}

/** What a client has on top of what it began with. */
async function writtenBy(
  db: Db,
  question: RecoveryQuestion,
  claim: {
    readonly candidateId: string
    readonly source: 'local' | 'unfinished-save'
    readonly state: DraftStateInput
    readonly device: DeviceId
    readonly at: number
  },
): Promise<Candidate> {
  const { draftId, stored } = question
  const { candidateId, source, state, device, at } = claim
  const base = stored === null ? null : await baseOf(db, stored, state, device)
  const began = stored === null || base === null ? null : await revisionContent(db, draftId, base, stored.content)
  const whole = contentOfState(began ?? stored?.content ?? emptyContent, state, stored?.content.attachments)
  const content = question.preserveAttachments ? whole : withAttachmentsOf(stored?.content ?? emptyContent, whole)
  const differs = stored === null || changedFields(stored.content, content).length > 0
  const isContinuation = stored === null || (stored.status === 'draft' && base === stored.version)
  // Who is where somebody else went on from has written nothing that is not there.
  const saysNothing = !isContinuation && began !== null && changedFields(began, content).length === 0
  return {
    candidateId,
    source,
    draftId,
    content,
    modifiedAt: state.lastModifiedAt ?? at,
    length: lengthOf(content),
    edits: (base ?? 0) + 1,
    differs: differs && !saysNothing,
    isContinuation,
    device: named(device),
    version: base,
    conflictId: null,
  }
}

/** Null: the client speaks of a version that is not here, as after a backup was put back. */
async function baseOf(
  db: Db,
  stored: StoredDraft,
  { version, lastSavedAt }: DraftStateInput,
  device: DeviceId,
): Promise<Version | null> {
  if (version !== undefined && version > stored.version) return null
  return (await baseOfSave(db, stored, { version, lastSavedAt, device, own: new Map() })).version
}

function withAttachmentsOf(stored: DraftContent, content: DraftContent): DraftContent {
  const metadata = withMissingAttachments(content.metadata, missingAttachments(stored))
  return { ...content, attachments: stored.attachments, metadata }
}

/** What waits for a decision, and what the history says. */
async function earlier(db: Db, { stored, withHistory }: RecoveryQuestion): Promise<readonly Candidate[]> {
  if (stored === null) return []
  const conflicts = await openConflicts(db, stored.id)
  const revisions = withHistory ? await recentRevisions(db, stored.id, stored.content, revisionsLookedAt + 1) : []
  const common = { draftId: stored.id, isContinuation: false } as const
  return [
    ...conflicts.map(({ id, local, createdAt, baseVersion, device }): Candidate => ({
      ...common,
      device: named(device),
      candidateId: `conflict:${id}`,
      source: 'conflict',
      content: local,
      modifiedAt: createdAt,
      length: lengthOf(local),
      edits: baseVersion + 1,
      differs: true,
      version: null,
      conflictId: id,
    })),
    ...revisions
      .filter(({ version }) => version !== stored.version)
      .map(({ version, savedAt, content }): Candidate => ({
        ...common,
        device: null,
        candidateId: `revision:${stored.id}:${version}`,
        source: 'revision',
        content,
        modifiedAt: savedAt,
        length: lengthOf(content),
        edits: version,
        differs: true,
        version,
        conflictId: null,
      })),
  ]
}

/** Who has no name may be anybody. */
function named(device: DeviceId): DeviceId | null {
  return device === unnamedDevice ? null : device
}

function lengthOf({ subject, text, html }: DraftContent): number {
  return subject.length + Math.max(text.length, html?.length ?? 0)
}
