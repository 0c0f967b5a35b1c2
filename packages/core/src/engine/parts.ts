import type { Environment } from '../environment.ts'
import type { AccountId, DeviceId } from '../ids.ts'
import type { Queue, Queued } from '../queue/queue.ts'
import type { Sessions } from '../queue/sessions.ts'
import type { Submissions } from '../queue/submissions.ts'
import type { Watcher } from '../queue/watcher.ts'
import type { Answered } from '../storage/direct.ts'
import type { Db } from '../storage/db.ts'
import type { Store } from '../storage/store.ts'
import type { LocalTask, PlanContext } from '../tasks/task.ts'
import type { MessageFormat } from '../wire/message-format.ts'
import type { SubmissionPort } from '../wire/submission.ts'
import type { LogIns } from './log-ins.ts'

/** What the parts of the engine's door share. */
export interface EngineParts {
  readonly store: Store
  readonly queue: Queue
  readonly sessions: Sessions
  readonly submissions: Submissions
  readonly logIns: LogIns
  /** Null: this engine sends nothing. */
  readonly submission: SubmissionPort | null
  /** See `EngineOptions.probe`. */
  readonly probes: boolean
  readonly wireTimeoutMs: number
  readonly watcher: Watcher
  readonly environment: Environment
  readonly format: MessageFormat
  readonly device: DeviceId
  /** Aborted when the engine closes: timers end. */
  readonly closing: AbortSignal
  readonly uploadDelay: PlanContext['uploadDelay']
  /**
   * Plans a local task in one transaction with its follow-ups, and reads in it what the caller wants to know afterwards;
   * `queued` are the follow-ups. Durable when it resolves.
   */
  readonly run: <Input, Result, Answer>(
    task: LocalTask<Input, Result>,
    input: Input,
    read: (db: Db, result: Result, queued: readonly Queued[]) => Answered<Answer>,
  ) => Promise<Answer>
  /** Discards all drafts of the account and brings that to the server, as far as it can be reached now. */
  discardAll(accountId: AccountId): Promise<void>
}
