import type { Owner } from '../../access.ts'
import type { AccountId, Umid } from '../../ids.ts'
import type { Outcome, OutcomeStatus } from '../../responder/outcome.ts'
import type { OutcomeCounts, OutcomeTrend, ScenarioCounts, UserCounts } from '../../storage/outcome-figures.ts'
import type { Page, PageRequest } from './pages.ts'

export interface OutcomeFilter extends PageRequest {
  readonly accountId: AccountId
  readonly status?: OutcomeStatus
}

export interface Outcomes {
  /** Null: no responder wrote that draft. */
  ofDraft(id: Umid): Promise<Outcome | null>
  /** The newest first. */
  list(filter: OutcomeFilter): Promise<Page<Outcome>>
  /** How many there are; each counts once, as what it is now. @throws {EverdraftError} VALIDATION_ERROR: `from` is after `to` */
  counts(filter: OutcomeFigureFilter): Promise<OutcomeCounts>
  /** The scenario with the most outcomes first. @throws {EverdraftError} VALIDATION_ERROR */
  byScenario(filter: OutcomeFigureFilter): Promise<readonly ScenarioCounts[]>
  /** The user with the most outcomes first. @throws {EverdraftError} VALIDATION_ERROR */
  byUser(filter: OutcomeFigureFilter): Promise<readonly UserCounts[]>
  /** By the week of their making and by scenario; the first week first. @throws {EverdraftError} VALIDATION_ERROR */
  trends(filter: OutcomeFigureFilter): Promise<readonly OutcomeTrend[]>
  /** Those of which the sent mail is known, the last sent first. */
  sent(filter: { readonly owner: Owner } & PageRequest): Promise<Page<Outcome>>
}

/** Of outcomes by the time of their making. */
export interface OutcomeFigureFilter {
  readonly owner: Owner
  /** All users of the owner's tenant together. Default false. */
  readonly ofTenant?: boolean
  /** Epoch milliseconds, and from then on. */
  readonly from?: number
  /** Epoch milliseconds, and not any more. */
  readonly to?: number
}
