import type { Author } from '../draft/draft.ts'
import { validationError } from '../errors.ts'
import type { AccountId, DeviceId, Umid, Version } from '../ids.ts'
import type { Db } from '../storage/db.ts'
import { endUnfinishedSaves, unfinishedSaves, unfinishedSavesOf, type UnfinishedSave } from '../storage/draft-saves.ts'
import { findDraft, listDrafts, type StoredDraft } from '../storage/drafts.ts'
import { localTasks } from '../tasks/registry.ts'
import type { FollowUp, LocalTask, PlanContext } from '../tasks/task.ts'
import type { ActionContext, ActionHandler, ActionResult } from './action.ts'
import { hasText } from './begin-save.ts'
import { endOpenConflicts } from './open-conflicts.ts'
import { type CheckedRequest, unnamedDevice } from './check-request.ts'
import type { DraftRecovery, RecoveryCandidate, RecoveryReason } from './envelope.ts'
import { DraftManagerError } from './failure.ts'
import { ownDraft } from './own-draft.ts'
import { rankCandidates, type Ranked } from './rank-candidates.ts'
import { recoveryCandidates, type RecoveryQuestion } from './recovery-candidates.ts'
import { type Candidate, recoveryPlan, type RecoveryPlan } from './recovery-plan.ts'
import { checkSize, type ShownDraft, stateIn, storageOf } from './state-of-draft.ts'

/** So many drafts are looked at where the client names none. */
const draftsLookedAt = 10

interface Recovered {
  readonly reason: RecoveryReason
  readonly ranked: readonly Ranked<Candidate>[]
  readonly plan: RecoveryPlan
  /** Of the draft that it is about, as it is now; null: it is stored nowhere. */
  readonly draft: StoredDraft | null
  readonly changed: boolean
}

/** Finds what a draft could go on from. What would be one's words over another's is asked about, and nothing is changed. */
export const recover: ActionHandler = async (context, request) => {
  const { account, parts } = context
  return await parts.run(recoverDraft, { context, request }, async (db, { reason, ranked, plan, draft, changed }) => {
    const isAsked = plan.kind === 'ask'
    const best = plan.kind === 'take' ? plan.candidate : isAsked ? plan.best : null
    const shown = draft === null ? null : await stateIn(db, draft, account)
    const lastKnown = isAsked && best !== null ? await stateIn(db, asDraft(best, draft, account.id), account) : shown
    if (lastKnown === null) throw nothing('nothing is there to recover')
    const recovery: DraftRecovery = {
      draftId: lastKnown.draftId,
      recoveredAt: parts.environment.now(),
      recoveryReason: reason,
      lastKnownState: lastKnown,
      autoRecovered: plan.kind === 'keep' || (plan.kind === 'take' && !plan.confirmed),
      userConfirmationRequired: isAsked,
      candidates: ranked.map(toCandidate),
    }
    const result: ActionResult = {
      ...(shown === null ? {} : { draft: shown }),
      recovery,
      conflictDetected: isAsked,
      stats: { itemsAffected: changed ? 1 : 0, storageUsed: draft === null ? 0 : storageOf(draft.content) },
    }
    return result
  })
}

interface Recover {
  readonly context: ActionContext
  readonly request: CheckedRequest
}

/** One transaction: the look, the decision, and what follows from it. */
const recoverDraft: LocalTask<Recover, Recovered> = {
  name: 'draft_restore',
  async plan(planning, { context, request }) {
    const { db } = planning.write
    const { account, by } = context
    const found = await draftsInQuestion(db, account.id, request, planning.now)
    const unfinished = found.flatMap((one) => one.unfinished)
    const reason =
      request.recoveryReason ??
      reasonOf(
        unfinished.length > 0,
        found.some(({ local }) => local !== null),
      )
    const candidates: Candidate[] = []
    for (const one of found) {
      candidates.push(
        ...(await recoveryCandidates(db, {
          ...one,
          preserveAttachments: request.recoveryOptions?.preserveAttachments ?? true,
          withHistory: request.recoveryReason === 'manual-recovery' && request.draftId !== null,
        })),
      )
    }
    const since = planning.now - request.maxRecoveryAge
    const young = candidates.filter(({ modifiedAt }) => modifiedAt >= since)
    // Else a client would take it for recovered, and let go what it has.
    const isTooOld = candidates.some((one) => one.source === 'local' && one.differs && one.modifiedAt < since)
    if (young.length === 0 || isTooOld) {
      throw nothing(
        candidates.length === 0 ? 'nothing is there to recover' : 'what is there is older than maxRecoveryAge',
      )
    }
    for (const { source, content } of young) if (source === 'local') checkSize(content, request.maxDraftSize)
    const ranked = rankCandidates(young)
    const plan = recoveryPlan(ranked, {
      reason,
      candidateId: request.recoveryOptions?.candidateId ?? null,
      preferLocal: request.recoveryOptions?.preferLocal ?? null,
    })
    if (plan.kind === 'unknown') throw validationError('recoveryOptions.candidateId', 'is none of the candidates')
    const about = draftOf(plan, ranked)
    const before = found.find(({ draftId }) => draftId === about)?.stored ?? null
    const writer = { accountId: account.id, by, device: request.deviceId }
    const carried = await carryOut(planning, plan, before, writer)
    if (plan.kind !== 'ask') await settle(planning, { plan, before, draftId: about, since, ...writer })
    const draft = await findDraft(db, about)
    const changed = draft?.version !== before?.version || draft?.status !== before?.status
    return { result: { reason, ranked, plan, draft, changed }, followUps: carried }
  },
}

interface InQuestion {
  readonly draftId: Umid
  readonly stored: StoredDraft | null
  readonly local: RecoveryQuestion['local']
  readonly unfinished: readonly UnfinishedSave[]
}

/** The one that the client names; else those in which this client has begun to save; else the ones that changed last. */
async function draftsInQuestion(
  db: Db,
  accountId: AccountId,
  request: CheckedRequest,
  now: number,
): Promise<readonly InQuestion[]> {
  const { draftId, draft: state, deviceId: device } = request
  const local = state === undefined || !hasText(state) ? null : { state, device, at: now }
  if (draftId !== null) {
    const unfinished = await unfinishedSavesOf(db, accountId, draftId)
    const found = await findDraft(db, draftId)
    const isNew = found === null && (local !== null || unfinished.length > 0)
    return [{ draftId, stored: isNew ? null : ownDraft(found, accountId), local, unfinished }]
  }
  if (local !== null) throw validationError('draftId', 'is required with a draft to recover')
  const begun = await unfinishedSaves(db, accountId, device === unnamedDevice ? null : device)
  const ids = [...new Set(begun.map((save) => save.draftId))]
  const drafts: InQuestion[] = []
  for (const id of ids) {
    const stored = await findDraft(db, id)
    if (stored !== null && (stored.accountId !== accountId || stored.emptiedAt !== null)) continue
    drafts.push({ draftId: id, stored, local: null, unfinished: begun.filter((save) => save.draftId === id) })
  }
  if (drafts.length > 0) return drafts
  const query = { accountId, status: 'draft', syncState: null, tag: null, limit: draftsLookedAt, offset: 0 } as const
  const { items } = await listDrafts(db, query)
  return items.map((stored) => ({ draftId: stored.id, stored, local: null, unfinished: [] }))
}

function reasonOf(hasUnfinished: boolean, hasLocal: boolean): RecoveryReason {
  if (hasUnfinished) return 'browser-crash'
  return hasLocal ? 'reconnection' : 'manual-recovery'
}

function draftOf(plan: RecoveryPlan, ranked: readonly Ranked<Candidate>[]): Umid {
  if (plan.kind === 'take') return plan.candidate.draftId
  if (plan.kind === 'ask') return plan.best.draftId
  return ranked[0]!.candidate.draftId
}

interface Writer {
  readonly accountId: AccountId
  readonly by: Author
  readonly device: DeviceId
}

async function carryOut(
  context: PlanContext,
  plan: RecoveryPlan,
  before: StoredDraft | null,
  writer: Writer,
): Promise<readonly FollowUp[]> {
  if (plan.kind === 'ask' || plan.kind === 'unknown') return []
  const followUps: FollowUp[] = []
  for (const loser of plan.losers) {
    if (before?.status !== 'draft') continue
    followUps.push(...(await keepInHistory(context, loser, before, writer)))
  }
  if (plan.kind === 'take') followUps.push(...(await take(context, plan.candidate, before, writer)))
  return followUps
}

/** What was decided is asked about no more. */
async function settle(
  { write, now }: PlanContext,
  decision: Writer & {
    readonly plan: Exclude<RecoveryPlan, { kind: 'ask' | 'unknown' }>
    readonly before: StoredDraft | null
    readonly draftId: Umid
    readonly since: number
  },
): Promise<void> {
  const { plan, before, draftId, since, accountId, device } = decision
  // Nothing of them is kept elsewhere where the draft is none any more.
  if (plan.losers.length > 0 && before?.status !== 'draft') return
  const isConfirmed = plan.kind === 'take' ? plan.confirmed : plan.losers.length > 0
  const taken = plan.kind === 'take' ? plan.candidate.device : null
  // What another device has begun and not told is for that one to bring.
  const devices = isConfirmed ? [null] : [device, ...(taken === null ? [] : [taken])]
  for (const one of devices) await endUnfinishedSaves(write.db, { accountId, draftId, device: one, since, now })
  for (const one of new Set([taken, ...plan.losers.map((loser) => loser.device)])) {
    if (one !== null) await endOpenConflicts(write, { accountId, draftId, device: one, but: null, now })
  }
}

/** What the candidate says is what the draft says from now on; what it said is in the history. */
async function take(
  context: PlanContext,
  candidate: Candidate,
  before: StoredDraft | null,
  { accountId, by, device }: Writer,
): Promise<readonly FollowUp[]> {
  const { draftId, source, content, conflictId, version } = candidate
  const request = { draftId, baseVersion: null, by, device } as const
  if (before === null) return await create(context, candidate, { accountId, by, device })
  const followUps: FollowUp[] = []
  if (before.status === 'discarded') {
    followUps.push(...(await localTasks.draft_undiscard.plan(context, { draftId })).followUps)
  }
  if (conflictId !== null) {
    const how = 'local-wins'
    followUps.push(...(await localTasks.draft_resolve.plan(context, { ...request, conflictId, how })).followUps)
  } else if (source === 'revision' && version !== null) {
    followUps.push(...(await localTasks.draft_restore.plan(context, { ...request, to: version })).followUps)
  } else if (source === 'local' || source === 'unfinished-save') {
    const save = { ...request, changes: () => content, onConflict: 'refuse', reviewRequired: null } as const
    followUps.push(...(await localTasks.draft_save.plan(context, save)).followUps)
  }
  return followUps
}

async function create(
  context: PlanContext,
  { draftId, content }: Candidate,
  { accountId, by, device }: Writer,
): Promise<readonly FollowUp[]> {
  const { subject, text, html, to, cc, bcc, references, tags, metadata } = content
  const { followUps } = await localTasks.draft_create.plan(context, {
    id: draftId,
    accountId,
    owner: null,
    fields: { subject, text, html, to, cc, bcc, references, tags, metadata },
    attachments: [],
    templateId: null,
    policy: 'sync',
    reviewRequired: false,
    by,
    device,
    request: null,
  })
  return followUps
}

/** What loses is a revision before the one that stays. */
async function keepInHistory(
  context: PlanContext,
  { draftId, content, conflictId }: Candidate,
  before: StoredDraft,
  { by, device }: Writer,
): Promise<readonly FollowUp[]> {
  const request = { draftId, baseVersion: null, by, device } as const
  if (conflictId !== null) {
    // Its text stays in the record of the conflict.
    return (await localTasks.draft_resolve.plan(context, { ...request, conflictId, how: {} })).followUps
  }
  const save = { ...request, changes: () => content, onConflict: 'refuse', reviewRequired: null } as const
  const saved = await localTasks.draft_save.plan(context, save)
  const restored = await localTasks.draft_restore.plan(context, { ...request, to: before.version })
  return [...saved.followUps, ...restored.followUps]
}

/** As the draft would be. */
function asDraft(candidate: Candidate, stored: StoredDraft | null, accountId: AccountId): ShownDraft {
  const { draftId, content, modifiedAt, version } = candidate
  if (stored !== null) return { ...stored, content, updatedAt: modifiedAt, version: version ?? stored.version }
  return {
    id: draftId,
    accountId,
    status: 'draft',
    content,
    syncState: 'local-only',
    policy: 'sync',
    updatedAt: modifiedAt,
    version: 0 as Version,
    scheduledSendAt: null,
  }
}

function toCandidate({ candidate, rank, reason }: Ranked<Candidate>): RecoveryCandidate {
  const { candidateId, source, draftId, modifiedAt, length, edits, differs } = candidate
  return { candidateId, source, draftId, rank, reason, modifiedAt, length, edits, differs }
}

function nothing(message: string): DraftManagerError {
  return new DraftManagerError('NOTHING_TO_RECOVER', message)
}
