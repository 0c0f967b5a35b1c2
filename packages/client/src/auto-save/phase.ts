import type { SaveConflict, SaveStatus, ShadowState } from './editor.ts'

/** Whether anything keeps the words from being saved. */
export type Phase =
  | { readonly kind: 'ready' }
  | { readonly kind: 'offline' }
  | { readonly kind: 'conflict'; readonly conflict: SaveConflict; readonly conflictId: string | null }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }

export interface Words {
  readonly shadow: ShadowState
  /** Something is written that is not acknowledged. */
  readonly isUnsaved: boolean
  readonly isSaving: boolean
  /** The one that was acknowledged last. */
  readonly version: number
}

/** What the editor is told. */
export function statusOf(phase: Phase, { shadow, isUnsaved, isSaving, version }: Words): SaveStatus {
  switch (phase.kind) {
    case 'conflict':
      return { shadow, state: 'conflict', conflict: phase.conflict }
    case 'refused':
      return { shadow, state: 'refused', code: phase.code, message: phase.message }
    case 'offline':
      return { shadow, state: 'offline' }
    case 'ready':
      if (!isUnsaved) return { shadow, state: 'saved', version }
      return { shadow, state: isSaving ? 'saving' : 'unsaved' }
  }
}
