import { emptyContent } from '../draft/draft.ts'
import { validationError } from '../errors.ts'
import type { Version } from '../ids.ts'
import { beginDraftSave } from '../storage/draft-saves.ts'
import { findDraft } from '../storage/drafts.ts'
import type { ActionHandler } from './action.ts'
import { contentOfState } from './content-of-state.ts'
import type { DraftStateInput } from './envelope.ts'
import { checkFree } from './own-draft.ts'
import { stateIn } from './state-of-draft.ts'

/** A client says that a save of it begins: should nothing be heard of it, recover knows that something was written. */
export const beginSave: ActionHandler = async ({ account, parts }, request) => {
  const { draftId, saveId, draft: state = {}, deviceId: device } = request
  if (saveId === undefined) throw validationError('saveId', 'is required with beginSave')
  if (draftId === null) throw validationError('draftId', 'is required with beginSave')
  const text = hasText(state) ? JSON.stringify(state) : null
  if (text !== null && text.length > request.maxDraftSize) {
    throw validationError('draft', `must be at most ${request.maxDraftSize} bytes`)
  }
  // What is kept can be recovered.
  contentOfState(emptyContent, state)
  const begunAt = parts.environment.now()
  const { store } = parts
  const shown = await store.write(async ({ db }) => {
    const draft = await findDraft(db, draftId)
    checkFree(draft, account.id)
    const baseVersion = state.version === undefined || state.version === 0 ? null : (state.version as Version)
    const save = { saveId: saveId.toLowerCase(), draftId, device, begunAt, baseVersion, state: text }
    await beginDraftSave(db, account.id, save)
    return draft === null ? null : await stateIn(db, draft, account)
  })
  const summary = { fieldsChanged: [], attachmentsAdded: 0, attachmentsRemoved: 0, bytesAdded: 0 }
  return {
    ...(shown === null ? {} : { draft: shown }),
    saveMetadata: { saveId, draftId, savedAt: null, device, changesSummary: summary, conflict: null },
    stats: { itemsAffected: 0, storageUsed: 0 },
  }
}

/** Something to recover, and not the base alone. */
export function hasText({ subject, body, bodyHtml }: DraftStateInput): boolean {
  return [subject, body, bodyHtml].some((text) => text !== undefined && text !== null && text !== '')
}
