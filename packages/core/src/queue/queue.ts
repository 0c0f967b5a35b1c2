import PQueue from 'p-queue'

import type { LastError } from '../draft/draft.ts'
import type { Cancel, Environment } from '../environment.ts'
import { EverdraftError } from '../errors.ts'
import { type AccountId, type TaskId, uuidv7 } from '../ids.ts'
import type { Store, Write } from '../storage/store.ts'
import {
  checkFence,
  type Claim,
  claimAfter,
  claimTask,
  dueLanes,
  finishTask,
  freeLane,
  isRunnable,
  laneDueAt,
  recoverTasks,
  type TaskEnd,
} from '../storage/lanes.ts'
import { type Answered, eachAnswered, whenAnswered } from '../storage/direct.ts'
import { enqueueTask, type TaskFace } from '../storage/tasks.ts'
import type { TaskStepKind } from '../storage/task-steps.ts'
import {
  type BounceWatch,
  done,
  type ExecuteContext,
  type FollowUp,
  type Outcome,
  outcomeOf,
  type ResponderAccess,
  type SentCopyTiming,
  type WireTask,
  type WireTaskName,
} from '../tasks/task.ts'
import type { MessageFormat } from '../wire/message-format.ts'
import { type BackOff, backOffMs } from './backoff.ts'
import type { Sessions } from './sessions.ts'
import type { Submissions } from './submissions.ts'

/**
 * Runs the rows of the queue: one task at a time in each lane, lanes side by side. What is to run is read from the
 * store each time, so that a crash loses nothing but the time since.
 */
export interface Queue {
  /** What a crash left running is to run again. Before anything else is enqueued. */
  recover(): Promise<void>
  /**
   * Part of the caller's transaction; call `wake` after it.
   * @returns what the queue then has of each follow-up's task and key
   */
  enqueue(write: Write, followUps: readonly FollowUp[]): Answered<readonly Queued[]>
  /** Something may be due. */
  readonly wake: () => void
  /** These were stored: looks at the queue only if they are due before it would look anyway. */
  readonly wakeFor: (followUps: readonly FollowUp[]) => void
  /** When nothing of the account runs or is due; false when `waitMs` was over first. */
  settled(accountId: AccountId, waitMs: number | null): Promise<boolean>
  /** Lets what runs end, for as long as `graceMs`, and starts nothing more. */
  close(graceMs: number): Promise<void>
}

export interface Queued {
  readonly followUp: FollowUp
  readonly tasks: readonly TaskFace[]
}

export interface QueueOptions {
  readonly store: Store
  readonly sessions: Sessions
  readonly submissions: Submissions
  readonly environment: Environment
  readonly format: MessageFormat
  /** What each task does. */
  readonly tasks: Readonly<Record<WireTaskName, WireTask>>
  /** Lanes that run at the same time. */
  readonly concurrency: number
  /** Between two rounds over a folder where nothing else asks for one. */
  readonly pollMs: number
  /** See `ExecuteContext`. Default false. */
  readonly probes?: boolean
  readonly sentCopy: SentCopyTiming
  readonly bounces: BounceWatch
  readonly responders: ResponderAccess
  readonly taskBackOff: BackOff
  readonly offlineBackOff: BackOff
  /** Listens to an account's folders. */
  watch(accountId: AccountId): void
  watchInbox(accountId: AccountId): void
}

/** An outcome of which nothing is left to be stored. */
type Ended = Exclude<Outcome, { kind: 'closing' }>

/** How an outcome stands in the task's timeline. */
const steps: Readonly<Record<Ended['kind'], TaskStepKind>> = {
  done: 'done',
  retry: 'retrying',
  ambiguous: 'retrying',
  snooze: 'retrying',
  offline: 'offline',
  park: 'parked',
  cancel: 'cancelled',
  failed: 'failed',
}

/** What a lane does when a run has ended: the next task, or when one is due. */
type Next = { readonly claim: Claim } | { readonly runAt: number | null }

/**
 * `refused`: the store did not note how the run ended. Until it is noted the lane is busy, so it is tried again. `failed`:
 * what the run had still to store threw, as the run itself might have.
 */
type Finished =
  | { readonly kind: 'finished'; readonly next: Next | null; readonly followUps: readonly FollowUp[] }
  | { readonly kind: 'refused' }
  | { readonly kind: 'failed'; readonly error: unknown }

type KeptTask = Extract<TaskEnd, { kind: 'keep' }>

/** Timers of some platforms overflow; a longer wait is a row of shorter ones. */
const longestTimerMs = 60 * 60 * 1000

/** A store that fails (disk full) is asked again after a while, not at once. */
const storageBackOff: BackOff = { firstMs: 2_000, longestMs: 60_000 }

export function createQueue(options: QueueOptions): Queue {
  const { store, environment, tasks } = options
  const lanes = new PQueue({ concurrency: options.concurrency })
  // However many responders take their time, nothing but other mail waits for them.
  const asking = new PQueue({ concurrency: options.concurrency })
  const running = new Set<string>()
  /** Lanes that run, and have got a task since they looked for their next one. */
  const unseen = new Set<string>()
  const waiters = new Set<() => void>()
  const ending = new AbortController()
  let cancelTimer: Cancel | null = null
  let timerAt = Number.POSITIVE_INFINITY
  let pumping: Promise<void> | null = null
  let askedAgain = false
  /** Tries in a row that the store refused, and until when nothing is started for it. */
  let refusals = 0
  let refusedUntil = 0

  function laneOf({ accountId, task, part = 0 }: FollowUp): string {
    const lane = `${accountId}/${tasks[task].lane}`
    return part === 0 ? lane : `${lane}/${part}`
  }

  function wakeFor(followUps: readonly FollowUp[]): void {
    if (ending.signal.aborted) return
    const now = environment.now()
    for (const followUp of followUps) {
      const lane = laneOf(followUp)
      if (running.has(lane)) unseen.add(lane)
      else if (followUp.delayMs > 0) wakeAt(now + followUp.delayMs)
      else if (now < refusedUntil) wake()
      else start(lane)
    }
  }

  function start(lane: string): void {
    running.add(lane)
    void (isOfResponder(lane) ? asking : lanes).add(() => runLane(lane))
  }

  function wake(): void {
    if (ending.signal.aborted) return
    if (pumping !== null) {
      askedAgain = true
      return
    }
    pumping = pump()
      .catch(storeRefused)
      .finally(() => {
        pumping = null
        for (const waiter of waiters) waiter()
      })
  }

  /** Starts the lanes that are due, and sets the timer for the next. */
  async function pump(): Promise<void> {
    do {
      askedAgain = false
      const now = environment.now()
      if (now < refusedUntil) {
        wakeIn(refusedUntil - now)
        return
      }
      cancelTimer?.()
      cancelTimer = null
      // What is due by what happens during the look sets the timer by itself.
      timerAt = Number.POSITIVE_INFINITY
      await store.writeWhatIsLeft()
      const due = await store.read((db) => dueLanes(db))
      if (ending.signal.aborted) return
      for (const { lane, runAt } of due) {
        if (running.has(lane)) {
          unseen.add(lane)
          continue
        }
        if (runAt > now) {
          wakeAt(runAt)
          break
        }
        start(lane)
      }
    } while (askedAgain)
  }

  function wakeAt(at: number): void {
    if (at < timerAt) wakeIn(Math.max(0, at - environment.now()))
  }

  function wakeIn(delayMs: number): void {
    cancelTimer?.()
    const waitMs = Math.min(delayMs, longestTimerMs)
    timerAt = environment.now() + waitMs
    cancelTimer = environment.schedule(waitMs, () => {
      timerAt = Number.POSITIVE_INFINITY
      wake()
    })
  }

  /** The rows are as they were: nothing is lost but time. */
  function storeRefused(): void {
    if (ending.signal.aborted) return
    refusals += 1
    refusedUntil = environment.now() + 1 + backOffMs(refusals, storageBackOff, environment.random)
    wakeIn(refusedUntil - environment.now())
  }

  async function runLane(lane: string): Promise<void> {
    let next: Next | null = null
    try {
      unseen.delete(lane)
      if (!ending.signal.aborted) next = await store.write(({ db }) => nextOf(db, lane))
      refusals = 0
      while (next !== null && 'claim' in next) {
        next = await runTask(next.claim)
        for (const waiter of waiters) waiter()
      }
    } catch {
      next = null
      storeRefused()
    } finally {
      running.delete(lane)
      for (const waiter of waiters) waiter()
      if (unseen.delete(lane) || next === null || 'claim' in next) wake()
      else if (next.runAt !== null && !ending.signal.aborted) wakeAt(next.runAt)
    }
  }

  async function nextOf(db: Write['db'], lane: string): Promise<Next> {
    return await nextIn(db, lane, await claimTask(db, lane, environment.now()))
  }

  /** Null: nothing more is to be started in this lane by this run. */
  async function runTask(claim: Claim): Promise<Next | null> {
    const { task } = claim
    let lent = 0
    let submitting = 0
    const context: ExecuteContext = {
      accountId: task.accountId,
      environment,
      store,
      format: options.format,
      signal: ending.signal,
      pollMs: options.pollMs,
      probes: options.probes === true,
      urgent: task.urgent,
      watch: () => options.watch(task.accountId),
      watchInbox: () => options.watchInbox(task.accountId),
      session: async () => {
        const session = await options.sessions.get(task.accountId)
        lent += 1
        return session
      },
      submission: async () => {
        const session = await options.submissions.get(task.accountId)
        submitting += 1
        return session
      },
      sentCopy: options.sentCopy,
      bounces: options.bounces,
      responders: options.responders,
      write: (change) =>
        store.write(async (write) => {
          await checkFence(write.db, claim)
          return await change(write)
        }),
    }
    let outcome: Outcome
    try {
      outcome = await tasks[task.kind as WireTaskName].execute(context, task.key)
    } catch (error) {
      // What we cut ourselves by closing is no failure: it goes on at the next start, as if it had never begun.
      const now = environment.now()
      outcome = ending.signal.aborted ? { kind: 'snooze', untilMs: now } : outcomeOf(error, now)
    }
    for (; lent > 0; lent -= 1) options.sessions.release(task.accountId)
    for (; submitting > 0; submitting -= 1) options.submissions.release(task.accountId)
    for (let failures = 1; ; failures += 1) {
      const finished = await finishAndTakeNext(claim, outcome)
      if (finished.kind === 'finished') {
        wakeFor(finished.followUps.filter((followUp) => laneOf(followUp) !== task.lane))
        return finished.next
      }
      if (ending.signal.aborted) return null
      if (finished.kind === 'failed') outcome = outcomeOf(finished.error, environment.now())
      else await pause(1 + backOffMs(failures, storageBackOff, environment.random))
    }
  }

  /** In one transaction, with what the run has still to store. */
  async function finishAndTakeNext(claim: Claim, outcome: Outcome): Promise<Finished> {
    let isClosing = false
    unseen.delete(claim.task.lane)
    try {
      return await store.write(async (write): Promise<Finished> => {
        isClosing = outcome.kind === 'closing'
        const ended: Ended = outcome.kind === 'closing' ? done(...(await outcome.change(write))) : outcome
        isClosing = false
        await finish(write, claim, ended)
        const followUps = ended.kind === 'done' ? ended.followUps : []
        if (!ending.signal.aborted) {
          const next = await nextIn(write.db, claim.task.lane, await claimAfter(write.db, claim, environment.now()))
          return { kind: 'finished', next, followUps }
        }
        await freeLane(write.db, claim)
        return { kind: 'finished', next: null, followUps }
      })
    } catch (error) {
      const code = error instanceof EverdraftError ? error.code : null
      // The account went with all its tasks, or the store is closed: then the row is recovered at the next start.
      if (code === 'CLOSED') return { kind: 'finished', next: null, followUps: [] }
      return isClosing && code !== 'STORAGE_ERROR' ? { kind: 'failed', error } : { kind: 'refused' }
    }
  }

  async function pause(delayMs: number): Promise<void> {
    const over = Promise.withResolvers<void>()
    const end = (): void => over.resolve()
    const cancel = environment.schedule(delayMs, end)
    ending.signal.addEventListener('abort', end, { once: true })
    await over.promise
    cancel()
    ending.signal.removeEventListener('abort', end)
  }

  async function finish(write: Write, claim: Claim, outcome: Ended): Promise<void> {
    const { task } = claim
    const end = endOf(claim, outcome)
    const error = end.kind === 'keep' ? end.lastError : null
    await finishTask(write.db, claim, end, { at: environment.now(), what: steps[outcome.kind], error })
    if (outcome.kind === 'done') await enqueue(write, outcome.followUps)
    if (end.kind === 'remove' || end.lastError === null) return
    const type = end.state === 'waiting' ? 'task-retrying' : end.state === 'parked' ? 'task-parked' : 'task-failed'
    const nextRunAt = end.state === 'waiting' ? end.runAt : null
    const { accountId, id: taskId, kind, key } = task
    write.emit({ type, accountId, taskId, kind, key, error: end.lastError, nextRunAt })
  }

  function endOf({ task }: Claim, outcome: Ended): TaskEnd {
    const now = environment.now()
    const { attempts, connectFailures } = task
    const reachableAt = reachableIn(tasks[task.kind as WireTaskName].lane, task.accountId)
    const keep = (state: 'waiting' | 'parked' | 'failed', runAt: number, lastError: LastError | null): KeptTask => ({
      kind: 'keep',
      state,
      runAt,
      attempts,
      connectFailures,
      lastError,
    })
    switch (outcome.kind) {
      case 'done':
      case 'cancel':
        return { kind: 'remove' }
      case 'retry':
      case 'ambiguous': {
        const runAt = Math.max(reachableAt, now + backOffMs(attempts + 1, options.taskBackOff, environment.random))
        return { ...keep('waiting', runAt, outcome.error), attempts: attempts + 1 }
      }
      case 'offline': {
        const wait = backOffMs(connectFailures + 1, options.offlineBackOff, environment.random)
        const runAt = Math.max(reachableAt, now + wait)
        return { ...keep('waiting', runAt, outcome.error), connectFailures: connectFailures + 1 }
      }
      case 'snooze':
        return keep('waiting', outcome.untilMs, task.lastError)
      case 'park':
        return keep('parked', now, outcome.error)
      case 'failed':
        return keep('failed', now, outcome.error)
    }
  }

  function reachableIn(lane: WireTask['lane'], accountId: AccountId): number {
    if (lane === 'responder') return 0
    return (lane === 'submission' ? options.submissions : options.sessions).retryAt(accountId)
  }

  function enqueue(write: Write, followUps: readonly FollowUp[]): Answered<readonly Queued[]> {
    const now = environment.now()
    return eachAnswered(followUps, (followUp) => {
      const task = tasks[followUp.task]
      const waiting = enqueueTask(write.db, {
        newId: () => uuidv7(now, environment.random) as TaskId,
        accountId: followUp.accountId,
        lane: laneOf(followUp),
        kind: task.name,
        key: followUp.key,
        priority: task.priority,
        now,
        delayMs: followUp.delayMs,
        join: followUp.join,
        urgent: followUp.urgent ?? false,
      })
      return whenAnswered(waiting, (all) => ({ followUp, tasks: all }))
    })
  }

  return {
    recover: () => store.write(({ db }) => recoverTasks(db, environment.now())),
    enqueue,
    wake,
    wakeFor,
    async settled(accountId, waitMs) {
      let over = false
      let cancel: Cancel | null = null
      try {
        for (;;) {
          const changed = new Promise<void>((resolve) => {
            const waiter = (): void => {
              waiters.delete(waiter)
              resolve()
            }
            waiters.add(waiter)
            if (waitMs !== null && cancel === null) {
              cancel = environment.schedule(waitMs, () => {
                over = true
                for (const one of waiters) one()
              })
            }
          })
          const runnable = await store.read((db) => isRunnable(db, accountId, environment.now()))
          if (!runnable) return true
          if (over || ending.signal.aborted) return false
          await changed
        }
      } finally {
        ;(cancel as Cancel | null)?.()
      }
    },
    async close(graceMs) {
      ending.abort()
      cancelTimer?.()
      const grace = Promise.withResolvers<void>()
      const cancelGrace = environment.schedule(graceMs, grace.resolve)
      await Promise.race([Promise.all([pumping, lanes.onIdle(), asking.onIdle()]), grace.promise])
      cancelGrace()
      for (const waiter of waiters) waiter()
    },
  }
}

async function nextIn(db: Write['db'], lane: string, claim: Claim | null): Promise<Next> {
  return claim === null ? { runAt: await laneDueAt(db, lane) } : { claim }
}

function isOfResponder(lane: string): boolean {
  return lane.split('/')[1] === ('responder' satisfies WireTask['lane'])
}
