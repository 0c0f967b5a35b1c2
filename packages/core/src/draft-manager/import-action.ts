import type { MergeStrategy } from '../draft/merge.ts'
import type { EngineParts } from '../engine/parts.ts'
import { validationError } from '../errors.ts'
import type { AccountId, Umid } from '../ids.ts'
import { listConflicts } from '../storage/conflicts.ts'
import { getDraft } from '../storage/drafts.ts'
import type { ActionContext, ActionHandler, ActionResult } from './action.ts'
import { fromBase64 } from './bundle-base64.ts'
import { stateFieldName } from './content-of-state.ts'
import type { DraftManagerConflict, DraftState, RecoveryOptions } from './envelope.ts'
import { DraftManagerError } from './failure.ts'
import { createImport } from './import.ts'
import type { ImportedDraft } from './import-entry.ts'
import type { ImportReport } from './import-options.ts'
import type { ImportedItem } from './import-outcome.ts'
import { type ShownDraft, stateIn, storageOf, withoutBodies } from './state-of-draft.ts'

/** Of what is compressed in an envelope; longer bundles are streamed, beside it. */
const longestBundle = 256 * 1024 * 1024
/** As many of its drafts are shown. */
const shownDrafts = 500
const pageDrafts = 100

/** Takes the drafts of a bundle in that came with the request. */
export const importDrafts: ActionHandler = async (context, request) => {
  const { parts, account, signal, by } = context
  const { recoveryOptions = {}, bundleData, deviceId, maxDraftSize } = request
  const onConflict = strategyOf(recoveryOptions)
  const created = new Map<Umid, Created>()
  const report = await createImport(parts, (entry, item) => {
    const { draftId } = item
    if (item.outcome === 'created' && entry.files.length === 0) created.set(draftId, createdBy(entry, item, account.id))
    else created.delete(draftId)
  })(account.id, pieces(bytesOf(bundleData)), {
    onConflict,
    attachments: recoveryOptions.preserveAttachments !== false,
    device: deviceId,
    by,
    maxDraftBytes: maxDraftSize,
    limits: { totalBytes: longestBundle },
    ...(signal === null ? {} : { signal }),
  })
  const result = await resultOf(context, report, created)
  const conflict = await firstConflict(parts, report, onConflict)
  if (conflict === null) return result
  const failed: ActionResult = { ...result, conflictDetected: true, conflict }
  const { counts } = report
  throw new DraftManagerError('CONFLICT', `${counts.conflict} drafts are said otherwise here: both are kept`, failed)
}

function strategyOf({ preferLocal }: RecoveryOptions): MergeStrategy {
  if (preferLocal === undefined) return 'merge'
  return preferLocal ? 'local-wins' : 'remote-wins'
}

/**
 * A bundle as an export has answered it, or a file of one: text as it is, gzip in base64.
 * @throws {EverdraftError} VALIDATION_ERROR
 */
function bytesOf(bundleData: unknown): Uint8Array {
  const encoder = new TextEncoder()
  if (typeof bundleData === 'object' && bundleData !== null) {
    const { data } = bundleData as { readonly data?: unknown }
    if (typeof data === 'string') return bytesOf(data)
    try {
      return encoder.encode(JSON.stringify(bundleData))
    } catch {
      throw validationError('bundleData', 'is no JSON, or nested too deeply')
    }
  }
  if (typeof bundleData !== 'string') throw validationError('bundleData', 'must be a bundle, or its text')
  const text = bundleData.trim()
  return /^[A-Za-z0-9+/\s]+={0,2}$/.test(text.slice(0, 1_000))
    ? fromBase64(text.replaceAll(/\s+/g, ''), 'bundleData')
    : encoder.encode(text)
}

/** What takes it has its turn with each. */
async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += 256 * 1024) yield bytes.subarray(at, at + 256 * 1024)
}

const isAffected = ({ outcome }: ImportedItem): boolean => outcome !== 'unchanged' && outcome !== 'kept'

/** One that is as the bundle says it: nobody has to read it again. */
interface Created {
  readonly storage: number
  /** Without its bodies. */
  readonly shown: ShownDraft
}

function createdBy(entry: ImportedDraft, { draftId, version }: ImportedItem, accountId: AccountId): Created {
  const { content, policy, updatedAt } = entry
  return {
    storage: storageOf(content),
    shown: {
      id: draftId,
      accountId,
      status: 'draft',
      content: { ...content, text: '', html: null },
      syncState: 'local-only',
      policy,
      updatedAt,
      version,
      scheduledSendAt: null,
    },
  }
}

async function resultOf(
  { parts, account }: ActionContext,
  report: ImportReport,
  created: ReadonlyMap<Umid, Created>,
): Promise<ActionResult> {
  const affected = report.items.filter(isAffected)
  const drafts: DraftState[] = []
  let storageUsed = 0
  for (let at = 0; at < affected.length; at += pageDrafts) {
    await parts.store.read(async (db) => {
      for (const { draftId } of affected.slice(at, at + pageDrafts)) {
        const known = created.get(draftId)
        const draft = known === undefined ? await getDraft(db, draftId) : known.shown
        storageUsed += known === undefined ? storageOf(draft.content) : known.storage
        if (drafts.length < shownDrafts) drafts.push(withoutBodies(await stateIn(db, draft, account)))
      }
    })
  }
  const { bytesRead, bytesUncompressed } = report
  return {
    imported: report.items,
    drafts,
    total: affected.length,
    stats: {
      itemsAffected: affected.length,
      storageUsed,
      ...(bytesUncompressed > bytesRead ? { compressionSavings: bytesUncompressed - bytesRead } : {}),
    },
  }
}

async function firstConflict(
  { store }: EngineParts,
  { items }: ImportReport,
  resolutionStrategy: MergeStrategy,
): Promise<DraftManagerConflict | null> {
  const item = items.find(({ conflictId }) => conflictId !== null)
  if (item === undefined) return null
  return await store.read(async (db) => {
    const conflict = (await listConflicts(db, item.draftId)).find(({ id }) => id === item.conflictId)
    if (conflict === undefined) return null
    const { baseVersion, remoteVersion, fields } = conflict
    const { updatedAt } = await getDraft(db, item.draftId)
    const known = { baseVersion, conflictId: item.conflictId, fields: fields.map(stateFieldName) }
    return { remoteVersion, remoteModifiedAt: updatedAt, resolutionStrategy, ...known }
  })
}
