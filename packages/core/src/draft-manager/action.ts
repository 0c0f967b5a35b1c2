import type { Owner } from '../access.ts'
import type { EngineParts } from '../engine/parts.ts'
import type { Author } from '../draft/draft.ts'
import type { AccountId } from '../ids.ts'
import type { CheckedRequest } from './check-request.ts'
import type { DraftManagerOutput, DraftManagerStats } from './envelope.ts'

/** What an action works on: the engine's own tasks; the draft manager stores no drafts of its own. */
export interface ActionContext {
  readonly parts: EngineParts
  readonly account: { readonly id: AccountId; readonly owner: Owner }
  /** Aborted: what has not begun is not begun, and what is all or nothing is nothing. */
  readonly signal: AbortSignal | null
  /** Who writes, for the history. */
  readonly by: Author
}

/** What an action answers; the dispatch adds its name and how long it took. */
export interface ActionResult extends Omit<DraftManagerOutput, 'actionPerformed' | 'conflictDetected' | 'stats'> {
  /** Default false. */
  readonly conflictDetected?: boolean
  readonly stats: Omit<DraftManagerStats, 'operationDuration'>
}

/** @throws {EverdraftError}, {DraftManagerError} */
export type ActionHandler = (context: ActionContext, request: CheckedRequest) => Promise<ActionResult>
