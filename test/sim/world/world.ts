import {
  createEngine,
  type Engine,
  type EngineEvent,
  type EngineTiming,
  type Responder,
  EverdraftError,
  WireError,
} from '@everdraft/core'
import type { Capability } from '@everdraft/mailserver'

import { createDice, type Dice } from './dice.ts'
import { createDisk, createSha256, type Disk, recoverDisk } from './disk.ts'
import { createLedger, type Ledger } from './ledger.ts'
import { createMailbox } from './mailbox.ts'
import { createNetwork, type Network, type NetworkPlan } from './network.ts'
import { createProcess, type SimProcess } from './process.ts'
import { allMicrotasks, createScheduler, type Scheduler } from './scheduler.ts'
import { createProvider, plainHabits, type Provider, type ProviderHabits } from './provider.ts'
import { createServer, mailUser, type SimServer } from './server.ts'
import { createSubmission } from './submission.ts'
import { createTrace, type Trace } from './trace.ts'

/** What all devices have in common. */
export interface SurroundingsOptions {
  readonly seed: string
  readonly without: readonly Capability[]
  readonly withDraftsFolder: boolean
  readonly appendLimitBytes: number | null
}

export interface DeviceOptions {
  readonly network: NetworkPlan
  /** Of the server that takes mail. Absent: takes all, files nothing. */
  readonly provider?: ProviderHabits
  /** The platform tells the engine whether there is a network. */
  readonly knowsTheNetwork?: boolean
  readonly watch?: boolean
  readonly timing?: Partial<EngineTiming>
  /** What is on the disk at first. Absent: nothing. */
  readonly image?: Uint8Array
  /** See `createDisk`. Default true. */
  readonly answersAtOnce?: boolean
  /** What answers new mail, by the name `sim`. Absent: nothing. */
  readonly responder?: (world: World) => Responder
}

export type WorldOptions = SurroundingsOptions & DeviceOptions

/** A device, a network and a mailbox, with nothing real in them. Where there are several devices, the world as one of them sees it. */
export interface World {
  readonly dice: Dice
  readonly trace: Trace
  readonly scheduler: Scheduler
  readonly disk: Disk
  readonly server: SimServer
  readonly provider: Provider
  readonly network: Network
  readonly ledger: Ledger
  /** Null while the process is starting, or dead. */
  readonly engine: Engine | null
  /** How often people asked for something, and how often a process ended. */
  readonly requests: number
  readonly deaths: number
  /** What went wrong that must never go wrong, whatever the seed. */
  readonly complaints: string[]
  /** Starts the engine where none runs. */
  start(): void
  /** kill -9, now. */
  kill(): void
  /** How long a dead process stays dead; null: until `start`. */
  restartDelayMs: () => number | null
  /** Closes the engine in good order; the process ends, and is started again. */
  close(): Promise<void>
  /** A person asks for something. Undefined: it was refused, or the process died before the answer. */
  ask<Result>(
    what: string,
    request: (engine: Engine) => Promise<Result>,
    refused?: (code: string) => void,
  ): Promise<Result | undefined>
  /** One event and all that follows. False: nothing is left to happen. */
  step(): Promise<boolean>
  /** Called after each step. */
  afterStep: () => void
}

/** A day on which nothing else happened. */
const startMs = Date.UTC(2024, 0, 2, 8)

/** Errors that a person may well be told. Everything else that comes out of the engine is a bug. */
const ordinaryErrors: ReadonlySet<string> = new Set([
  'VERSION_MISMATCH',
  'NOT_A_DRAFT',
  'NOT_DISCARDED',
  'CONFLICT',
  'NOT_FOUND',
  'UNSENDABLE',
  'TOO_LATE',
  'STORAGE_ERROR',
  'CLOSED',
])

export interface Surroundings {
  readonly dice: Dice
  readonly scheduler: Scheduler
  readonly trace: Trace
  readonly nextServer: () => SimServer
  readonly nextNumber: () => number
  /** What each device does when a step is over. */
  readonly settle: (() => void)[]
}

export function createWorld(options: WorldOptions): World {
  return createDevice(createSurroundings(options), options)
}

export function createSurroundings(options: SurroundingsOptions): Surroundings {
  const dice = createDice(options.seed)
  let trace: Trace | null = null
  const scheduler = createScheduler({ startMs, dice: dice.fork('order'), onEvent: (label) => trace?.mix(label) })
  const now = (): number => scheduler.now()
  trace = createTrace(now, startMs)
  const { without, withDraftsFolder, appendLimitBytes } = options
  const nextServer = createServer({ without, withDraftsFolder, appendLimitBytes, now, trace })
  let numbers = 0
  return {
    dice,
    scheduler,
    trace,
    nextServer,
    nextNumber: () => (numbers += 1),
    settle: [],
  }
}

export function createDevice(surroundings: Surroundings, options: DeviceOptions): World {
  const { scheduler, trace } = surroundings
  const device = surroundings.settle.length
  const dice = device === 0 ? surroundings.dice : surroundings.dice.fork(`device ${device}`)
  const now = (): number => scheduler.now()
  const server = surroundings.nextServer()
  const provider = createProvider(options.provider ?? plainHabits, {
    dice: dice.fork('provider'),
    scheduler,
    server,
    trace,
    nextNumber: surroundings.nextNumber,
  })
  const network = createNetwork(options.network, dice.fork('network'))
  const disk = createDisk(trace, options.image ?? null, options)
  const ledger = createLedger(now)
  const complaints: string[] = []
  const told = trace
  let engine: Engine | null = null
  let process: SimProcess | null = null
  let changed = -1
  let requests = 0
  let deaths = 0

  const nextWire = surroundings.nextNumber

  network.onChange((up) => told.add(`network ${up ? 'up' : 'down'}`))

  function start(): void {
    if (process !== null) return
    const current = createProcess(surroundings.nextNumber())
    process = current
    recoverDisk(disk)
    told.add(`process ${current.number} starts`)
    current.onDeath(() => {
      engine = null
      process = null
      deaths += 1
      told.add(`process ${current.number} dies`)
      const delayMs = world.restartDelayMs()
      if (delayMs !== null) scheduler.schedule(delayMs, 'restart', start)
    })
    void run(current)
  }

  async function run(current: SimProcess): Promise<void> {
    const random = dice.fork(`process ${current.number}`)
    try {
      const opened = await createEngine({
        storage: disk.storageOf(current),
        probe: false,
        mailbox: createMailbox({
          process: current,
          scheduler,
          network,
          server,
          trace: told,
          nextWire,
          readsReports: provider.habits.bounceRate > 0,
        }),
        submission: createSubmission({ process: current, scheduler, network, provider, trace: told, nextWire }),
        environment: {
          now,
          random: (length) => random.bytes(length),
          createSha256,
          schedule: (delayMs, action) =>
            scheduler.schedule(delayMs, `process ${current.number} timer`, () => {
              if (current.state === 'running') action()
            }),
        },
        ...(options.knowsTheNetwork
          ? { connectivity: { isOnline: () => network.up, subscribe: (listener) => listenTo(current, listener) } }
          : {}),
        ...(options.timing === undefined ? {} : { timing: options.timing }),
        ...(options.watch === undefined ? {} : { watch: options.watch }),
        ...(options.responder === undefined ? {} : { responders: { modules: { sim: options.responder(world) } } }),
      })
      if (current.state !== 'running') return
      opened.subscribe({}, hear)
      const { items } = await opened.accounts.list()
      const account = items[0] ?? (await opened.accounts.add(accountInput))
      ledger.accountId = account.id
      engine = opened
      told.add(`process ${current.number} is ready`)
    } catch (error) {
      // A disk that is full at the start: somebody makes room and starts it again.
      judge('start', error)
      current.die()
    }
  }

  function listenTo(listening: SimProcess, listener: () => void): () => void {
    let ended = false
    network.onChange(() => {
      if (!ended && listening.state === 'running') listener()
    })
    return () => {
      ended = true
    }
  }

  function hear(event: EngineEvent): void {
    told.add(`event ${JSON.stringify(event)}`)
    if (event.type === 'task-failed') complaints.push(`a task threw: ${JSON.stringify(event)}`)
  }

  function judge(what: string, error: unknown): string {
    const code = error instanceof EverdraftError || error instanceof WireError ? error.code : String(error)
    told.add(`${what}: ${code}`)
    if (!ordinaryErrors.has(code)) {
      complaints.push(`${what} ended with ${error instanceof Error ? (error.stack ?? error.message) : code}`)
    }
    return code
  }

  const world: World = {
    dice,
    trace,
    scheduler,
    disk,
    server,
    provider,
    network,
    ledger,
    get engine() {
      return engine
    },
    get requests() {
      return requests
    },
    get deaths() {
      return deaths
    },
    complaints,
    start,
    kill: () => process?.die(),
    restartDelayMs: () => 1_000,
    async close() {
      const closed = process
      const open = engine
      engine = null
      if (open === null || closed === null) return
      told.add(`process ${closed.number} closes`)
      try {
        await open.close()
      } catch (error) {
        judge('close', error)
      }
      closed.die()
    },
    async ask(what, request, refused) {
      const asked = process
      if (engine === null || asked === null) return undefined
      requests += 1
      told.add(`asks: ${what}`)
      const death = Promise.withResolvers<undefined>()
      asked.onDeath(() => death.resolve(undefined))
      try {
        const result = await Promise.race([request(engine), death.promise])
        told.add(`told: ${what} ${result === undefined ? 'has no answer' : 'is done'}`)
        return result
      } catch (error) {
        // A process that dies ends its own work in any way.
        if (asked.state !== 'dead') refused?.(judge(what, error))
        return undefined
      }
    },
    async step() {
      const more = await scheduler.step()
      for (const settle of surroundings.settle) settle()
      return more
    },
    afterStep: () => {},
  }
  surroundings.settle.push(() => {
    if (process?.state === 'dying') process.die()
    if (disk.database.inTransaction && process !== null) complaints.push('a transaction is open between two steps')
    const counted = disk.commits + server.changes
    if (counted === changed) return
    changed = counted
    world.afterStep()
  })
  return world
}

const accountInput = {
  address: 'ann@example.org',
  imap: { host: 'mail.example', port: 143, security: 'none', user: mailUser.name, password: mailUser.password },
  smtp: { host: 'mail.example', port: 587, security: 'none', user: mailUser.name, password: mailUser.password },
} as const

/** Events until the promise has its answer. */
export async function until<Result>(world: World, promise: Promise<Result>): Promise<Result> {
  let settled = false
  const noted = promise.finally(() => {
    settled = true
  })
  noted.catch(() => {})
  // What was asked for between two steps happens now, not after the next event.
  await allMicrotasks()
  for (;;) {
    if (settled) return await noted
    const more = await world.step()
    if (!settled && !more) throw new Error('nothing is left to happen, and the answer never came')
  }
}

/** Lets this much time pass. */
export async function pass(world: World, delayMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  world.scheduler.schedule(delayMs, 'time passes', resolve)
  await until(world, promise)
}
