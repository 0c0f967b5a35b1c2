import type { SuiteStorage } from '../harness.ts'
import { exerciseAccounts } from './accounts.ts'
import { exerciseAnswers } from './answers.ts'
import { exerciseClosing } from './closing.ts'
import { exerciseDraftManager } from './draft-manager.ts'
import { exerciseDrafts } from './drafts.ts'
import { exerciseEvents } from './events.ts'
import { exerciseHistory } from './history.ts'
import { exerciseLeaving } from './leaving.ts'
import { exerciseLives } from './life.ts'
import { exerciseOutcomeTraces } from './outcome-traces.ts'
import { exerciseOutcomes } from './outcomes.ts'
import { exerciseOwners } from './owners.ts'
import { exerciseQueue } from './queue.ts'
import { exerciseRepeatedRequests } from './repeated.ts'
import { exerciseSearch } from './search.ts'
import { exerciseSyncReport } from './sync-report.ts'
import { exerciseWebhooks } from './webhooks.ts'

/** The engine with a mailbox in memory, on any storage within the process: time stands still, so nothing else may wait. */
export function exerciseEngine(storage: SuiteStorage): void {
  exerciseDrafts(storage)
  exerciseHistory(storage)
  exerciseDraftManager(storage)
  exerciseLeaving(storage)
  exerciseSearch(storage)
  exerciseSyncReport(storage)
  exerciseEvents(storage)
  exerciseAccounts(storage)
  exerciseAnswers(storage)
  exerciseOutcomes(storage)
  exerciseOutcomeTraces(storage)
  exerciseOwners(storage)
  exerciseWebhooks(storage)
  exerciseRepeatedRequests(storage)
  exerciseClosing(storage)
  exerciseQueue(storage)
  exerciseLives(storage)
}
