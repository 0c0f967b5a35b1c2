import type { SuiteStorage } from '../harness.ts'
import { exerciseAccounts } from './accounts.ts'
import { exerciseClosing } from './closing.ts'
import { exerciseDraftManager } from './draft-manager.ts'
import { exerciseDrafts } from './drafts.ts'
import { exerciseEvents } from './events.ts'
import { exerciseLeaving } from './leaving.ts'
import { exerciseLives } from './life.ts'
import { exerciseOutcomeTraces } from './outcome-traces.ts'
import { exerciseOutcomes } from './outcomes.ts'
import { exerciseOwners } from './owners.ts'
import { exerciseQueue } from './queue.ts'
import { exerciseSyncReport } from './sync-report.ts'

/** The engine with a mailbox in memory, on any storage within the process: time stands still, so nothing else may wait. */
export function exerciseEngine(storage: SuiteStorage): void {
  exerciseDrafts(storage)
  exerciseDraftManager(storage)
  exerciseLeaving(storage)
  exerciseSyncReport(storage)
  exerciseEvents(storage)
  exerciseAccounts(storage)
  exerciseOutcomes(storage)
  exerciseOutcomeTraces(storage)
  exerciseOwners(storage)
  exerciseClosing(storage)
  exerciseQueue(storage)
  exerciseLives(storage)
}
