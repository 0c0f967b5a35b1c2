import type { MergeStrategy } from '../draft/merge.ts'
import { validationError } from '../errors.ts'
import { type DeviceId, uuidv7 } from '../ids.ts'
import type { Db } from '../storage/db.ts'
import { storedBytes } from '../storage/revision-lookups.ts'
import type { ActionHandler, ActionResult } from './action.ts'
import { beginSave } from './begin-save.ts'
import type { CheckedRequest } from './check-request.ts'
import { summaryOf } from './content-of-state.ts'
import type { DraftSaveMetadata, DraftState } from './envelope.ts'
import { DraftManagerError } from './failure.ts'
import type { AutoSave, AutoSaved } from './save-request.ts'
import { saveState } from './save-state.ts'
import { stateIn, storageOf, textBytes } from './state-of-draft.ts'

/** Saves what a client has, or says that a save of it begins. */
export const autoSave: ActionHandler = async (context, request) => {
  if (request.beginSave === true) return await beginSave(context, request)
  const { draft: state } = request
  if (state === undefined) throw validationError('draft', 'is required')
  if (state.subject === undefined && state.body === undefined)
    throw validationError('draft', 'needs a subject or a body')
  const { environment } = context.parts
  const saveId = request.saveId?.toLowerCase() ?? uuidv7(environment.now(), environment.random)
  const input: AutoSave = {
    accountId: context.account.id,
    draftId: request.draftId,
    state,
    device: request.deviceId,
    by: context.by,
    strategy: strategyOf(request),
    maxDraftSize: request.maxDraftSize,
    compress: request.enableCompression,
    saveId,
    isNamed: request.saveId !== undefined,
    unanswered: (request.unansweredSaveIds ?? []).map((id) => id.toLowerCase()).filter((id) => id !== saveId),
  }
  const { saved, shown, compressionSavings } = await context.parts.run(saveState, input, async (db, done) => ({
    saved: done,
    shown: await stateIn(db, done.draft, context.account),
    compressionSavings: await savingsOf(db, done),
  }))
  const metadata = metadataOf(saved, shown, saveId, request.deviceId)
  const result: ActionResult = {
    draft: shown,
    saveMetadata: metadata,
    conflictDetected: saved.conflict !== null,
    ...(saved.conflict === null ? {} : { conflict: saved.conflict }),
    stats: {
      itemsAffected: saved.draft.version === saved.before?.version ? 0 : 1,
      storageUsed: storageOf(saved.draft.content),
      compressionSavings,
    },
  }
  if (saved.conflict === null || saved.conflict.conflictId === null) return result
  const { conflictId, fields } = saved.conflict
  throw new DraftManagerError(
    'CONFLICT',
    `${fields.join(', ')} cannot be merged: the draft is at version ${saved.draft.version}, and both texts are kept in conflict ${conflictId}`,
    result,
  )
}

/** `preferLocal` true is local-wins, false remote-wins, absent merge. */
function strategyOf({ recoveryOptions }: Pick<CheckedRequest, 'recoveryOptions'>): MergeStrategy {
  const preferLocal = recoveryOptions?.preferLocal
  if (preferLocal === undefined) return 'merge'
  return preferLocal ? 'local-wins' : 'remote-wins'
}

/** The revision before is history by this save: what it takes less there than as a whole. */
async function savingsOf(db: Db, { before, draft }: Pick<AutoSaved, 'before' | 'draft'>): Promise<number> {
  if (before === null || before.version === draft.version) return 0
  return textBytes(before.content) - (await storedBytes(db, draft.id, before.version))
}

function metadataOf(
  { before, draft, conflict }: AutoSaved,
  shown: DraftState,
  saveId: string,
  device: DeviceId,
): DraftSaveMetadata {
  const isKeptApart = conflict !== null && conflict.conflictId !== null
  return {
    saveId,
    draftId: draft.id,
    savedAt: isKeptApart ? null : shown.lastSavedAt,
    device,
    changesSummary: summaryOf(before?.content ?? null, draft.content),
    conflict:
      conflict === null
        ? null
        : {
            remoteVersion: conflict.remoteVersion,
            remoteModifiedAt: conflict.remoteModifiedAt,
            resolutionStrategy: conflict.resolutionStrategy,
          },
  }
}
