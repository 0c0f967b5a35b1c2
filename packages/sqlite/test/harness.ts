import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  type Account,
  createEngine,
  type Engine,
  type EngineEvent,
  type EngineTiming,
  type Environment,
  EverdraftError,
  type Family,
  inspectStore,
  type OpenStorage,
  type Storage,
  type StoreReport,
  type SyncReport,
  type TaskView,
} from '@everdraft/core'
import { type CompiledQuery, type DatabaseConnection, type Driver, sql } from 'kysely'

import type { Db } from '../../core/src/storage/db.ts'
import { familyOf } from '../../core/src/storage/family.ts'
import { openStore, type Store } from '../../core/src/storage/store.ts'
import { createFakeMailbox, type FakeMailbox } from '../../core/test/fake-mailbox.ts'
import { blobFolder, sqlite } from '../src/index.ts'
import { withTables } from './with-tables.ts'

/** A folder of its own, gone afterwards. */
export async function temporaryFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'everdraft-sqlite-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

export interface OpenedStore extends AsyncDisposable {
  readonly store: Store
  readonly file: string
  readonly events: readonly EngineEvent[]
  /** Everything that is in the table `note` that the tests of the store write to. */
  notes(): Promise<readonly string[]>
}

/** The store on a file; the one place where the tests open it. */
export async function openStoreAt(file: string, wrap = (storage: Storage): Storage => storage): Promise<Store> {
  const { store } = await openStore(wrap(sqlite(file)), stillTime)
  return store
}

/** A clock that stands: the store never gives way to others by itself. */
const stillTime = {
  now: () => 0,
  schedule: () => () => {},
}

/** A store on a real file, with a table for tests. `wrap` may put faults between. */
export async function openNotes(
  wrap = (storage: Storage): Storage => storage,
  storageAt: (file: string) => Storage = sqlite,
): Promise<OpenedStore> {
  const folder = await temporaryFolder()
  const file = join(folder.path, 'everdraft.db')
  const { store, open } = await openStore(wrap(storageAt(file)), stillTime)
  const events: EngineEvent[] = []
  store.onEvents((batch) => void events.push(...batch))
  await store.write(({ db }) => sql.raw(noteTable[open.family]).execute(db))
  return {
    store,
    file,
    events,
    notes: () => store.read(texts),
    async [Symbol.asyncDispose]() {
      await store.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}

const noteTable = {
  sqlite: 'create table note (seq integer primary key autoincrement, text text not null unique) strict',
  postgres: 'create table note (seq bigint generated always as identity primary key, text text not null unique)',
} satisfies Record<Family, string>

/** The notes, in the order in which they came. */
export async function texts(db: Db): Promise<readonly string[]> {
  const { rows } = await sql<{ text: string }>`select text from note order by seq`.execute(db)
  return rows.map((row) => row.text)
}

/** Same seed, same bytes. */
export function seededRandom(seed: number): (length: number) => Uint8Array {
  let state = (seed * 2_654_435_761 + 88_172_645) >>> 0 || 1
  return (length) =>
    Uint8Array.from({ length }, () => {
      state ^= state << 13
      state >>>= 0
      state ^= state >>> 17
      state ^= state << 5
      state >>>= 0
      return state & 0xff
    })
}

/** Time that stands still until a test moves it. */
interface VirtualTime {
  readonly environment: Pick<Environment, 'now' | 'random' | 'schedule'>
  /** When the timers that are set are due. */
  timers(): readonly number[]
  /** Runs every timer that comes due within `ms`, in order, and lets what each one starts come to rest. */
  advance(ms: number): Promise<void>
}

function virtualTime({ start = 1_700_000_000_000, seed = 1 } = {}): VirtualTime {
  let now = start
  const timers = new Set<{ readonly at: number; readonly action: () => void }>()
  return {
    environment: {
      now: () => now,
      random: seededRandom(seed),
      schedule(delayMs, action) {
        const timer = { at: now + Math.max(0, delayMs), action }
        timers.add(timer)
        return () => void timers.delete(timer)
      },
    },
    timers: () => [...timers].map((timer) => timer.at).toSorted((a, b) => a - b),
    async advance(ms) {
      const end = now + ms
      for (;;) {
        await comeToRest()
        const next = [...timers].toSorted((a, b) => a.at - b.at)[0]
        if (next === undefined || next.at > end) break
        timers.delete(next)
        now = Math.max(now, next.at)
        next.action()
      }
      now = end
    },
  }
}

/**
 * With a mailbox that answers at once, all that the engine does between two timers are microtasks, which end before the
 * next turn of the event loop; the second turn is for what a first one set off.
 */
export async function comeToRest(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

function errorCode(error: unknown): string {
  return error instanceof EverdraftError ? error.code : `not an EverdraftError: ${String(error)}`
}

/** The code of the failure; fails where there is none. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    return errorCode(error)
  }
  return 'no error'
}

/** Runs a module's text in a process of its own, beside this folder's files; what it printed. */
export async function inAnotherProcess(module: string, ...args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', module, '--', ...args], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  let complaints = ''
  child.stdout.on('data', (data: Buffer) => void (said += data.toString('utf8')))
  child.stderr.on('data', (data: Buffer) => void (complaints += data.toString('utf8')))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`the process ended with ${code}: ${complaints}`)
  return said.trim()
}

/** What stands between the store and SQLite: sees every statement, and may throw before it or after it. */
export type StatementHook = (statement: string, when: 'before' | 'after') => void

export function withStatementHook(storage: Storage, hook: StatementHook): Storage {
  return {
    async open() {
      const open = await storage.open()
      const { dialect, answer } = open
      return {
        ...open,
        ...(answer === undefined ? {} : { answer: hookedAnswer(answer, hook) }),
        dialect: {
          createAdapter: () => dialect.createAdapter(),
          createIntrospector: (db) => dialect.createIntrospector(db),
          createQueryCompiler: () => dialect.createQueryCompiler(),
          createDriver: () => hookedDriver(dialect.createDriver(), hook),
        },
      }
    },
  }
}

function hookedAnswer(
  answer: NonNullable<OpenStorage['answer']>,
  hook: StatementHook,
): NonNullable<OpenStorage['answer']> {
  return (statement, parameters) => {
    hook(statement, 'before')
    const rows = answer(statement, parameters)
    hook(statement, 'after')
    return rows
  }
}

function hookedDriver(driver: Driver, hook: StatementHook): Driver {
  const hooked = new WeakSet<DatabaseConnection>()
  return new Proxy(driver, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      if (name !== 'acquireConnection') return member.bind(target) as unknown
      return async (): Promise<DatabaseConnection> => {
        const connection = await target.acquireConnection()
        if (hooked.has(connection)) return connection
        hooked.add(connection)
        const execute = connection.executeQuery.bind(connection)
        connection.executeQuery = async <Row>(query: CompiledQuery) => {
          hook(query.sql, 'before')
          const result = await execute<Row>(query)
          hook(query.sql, 'after')
          return result
        }
        return connection
      }
    },
  })
}

/** An error as SQLite's driver throws it. */
export function sqliteError(code: string): Error {
  return Object.assign(new Error(`injected ${code}`), { code })
}

/** An engine on a real file, with a mailbox in memory and time that stands still. */
export interface FakeDevice extends AsyncDisposable {
  readonly engine: Engine
  readonly account: Account
  readonly mailbox: FakeMailbox
  readonly time: VirtualTime
  readonly file: string
  /** Where the attachments lie, if the device has a folder for them. */
  readonly attachments: string
  readonly events: readonly EngineEvent[]
  /** One round with the server, and whatever that sets off. */
  sync(): Promise<SyncReport>
  tasks(): Promise<readonly TaskView[]>
  /** What is underneath, to be opened by somebody else while the engine is closed. */
  storage(): Storage
  /** Asks the closed store. */
  inStore<Result>(query: (db: Db) => Promise<Result>): Promise<Result>
  /** Of the closed store, with its attachments. */
  inspect(): Promise<StoreReport>
  /** Closes the engine and opens it again on the same file. */
  restart(): Promise<void>
}

export const password = 'correct horse battery staple'

export async function openFakeDevice({
  timing = {},
  wrap = (storage: Storage): Storage => storage,
  attachments = 'beside',
  storageAt = attachments === 'database' ? inOneFile : withTables,
  seed = 1,
}: {
  readonly timing?: Partial<EngineTiming>
  readonly wrap?: (storage: Storage) => Storage
  readonly storageAt?: (file: string) => Storage
  /** In one file with all else; in the file beside it, as they come; in a folder. */
  readonly attachments?: 'database' | 'beside' | 'folder'
  readonly seed?: number
} = {}): Promise<FakeDevice> {
  const folder = await temporaryFolder()
  const file = join(folder.path, 'everdraft.db')
  const blobs = attachments === 'folder' ? { blobs: blobFolder(join(folder.path, 'attachments')) } : {}
  const mailbox = createFakeMailbox()
  const time = virtualTime({ seed })
  const events: EngineEvent[] = []
  async function open(): Promise<Engine> {
    const opened = await createEngine({
      storage: wrap(storageAt(file)),
      ...blobs,
      mailbox: mailbox.port,
      watch: false,
      probe: false,
      environment: time.environment,
      timing,
    })
    opened.subscribe({}, (event) => void events.push(event))
    return opened
  }
  let engine = await open()
  const account = await engine.accounts.add({
    address: 'ann@example.org',
    name: 'Ann',
    imap: { host: 'mail.example.org', port: 993, security: 'tls', user: 'ann', password },
  })
  await engine.sync(account.id)
  return {
    get engine() {
      return engine
    },
    account,
    mailbox,
    time,
    file,
    attachments: join(folder.path, 'attachments'),
    events,
    sync: () => engine.sync(account.id),
    tasks: async () => (await engine.tasks.list(account.id, { limit: 500 })).items,
    storage: () => storageAt(file),
    async inStore(query) {
      const { store } = await openStore(storageAt(file), stillTime)
      try {
        return await store.read(query)
      } finally {
        await store.close()
      }
    },
    inspect: () => inspectStore(storageAt(file), blobs),
    async restart() {
      await engine.close()
      engine = await open()
    },
    async [Symbol.asyncDispose]() {
      const closing = engine.close()
      // Where something hangs on the wire, closing waits for it until its grace is over.
      await time.advance(5_000)
      await closing
      await folder[Symbol.asyncDispose]()
    },
  }
}

function inOneFile(file: string): Storage {
  return withTables(file, sqlite(file, { attachments: 'inside' }))
}

/** The tables that have rows, by name. */
export async function filledTables(db: Db): Promise<readonly string[]> {
  const tables = await db.introspection.getTables()
  const schema = familyOf(db) === 'sqlite' ? undefined : await currentSchema(db)
  const names = tables.filter((table) => table.schema === schema).map(({ name }) => name)
  const found: string[] = []
  for (const name of names) {
    const { rows } = await sql<{ n: number }>`select count(*) as n from ${sql.table(name)}`.execute(db)
    if (rows[0]?.n !== 0) found.push(name)
  }
  return found.toSorted((a, b) => (a < b ? -1 : 1))
}

async function currentSchema(db: Db): Promise<string | undefined> {
  const { rows } = await sql<{ schema: string }>`select current_schema() as schema`.execute(db)
  return rows[0]?.schema
}

/** What the suites of the engine run on. */
export interface SuiteStorage {
  readonly openFakeDevice: (options?: Parameters<typeof openFakeDevice>[0]) => Promise<FakeDevice>
  readonly openNotes: (wrap?: (storage: Storage) => Storage) => Promise<OpenedStore>
  /** The store on a file that was closed. */
  readonly reopen: (file: string) => Promise<Store>
  /** As this storage fails when the disk is full. */
  readonly diskFull: () => Error
  /** A disk that is full for statements that begin so, as long as a test says. */
  readonly fullDisk: (start: string) => FullDisk
  /** How many accounts and lives the largest tests make: a slower storage proves the same on fewer. */
  readonly accounts: number
  readonly lives: number
}

interface FullDisk {
  full: boolean
  /** Statements that it refused. */
  refused: number
  readonly wrap: (storage: Storage) => Storage
}

/** `diskFull` makes the error that this storage has when the disk is full. */
export function suiteStorage(
  storageAt: (file: string) => Storage,
  diskFull: () => Error,
  { accounts = 1_000, lives = 40 }: Partial<Pick<SuiteStorage, 'accounts' | 'lives'>> = {},
): SuiteStorage {
  return {
    accounts,
    lives,
    openFakeDevice: (options = {}) => openFakeDevice({ storageAt, ...options }),
    reopen: (file) => openStoreAt(file, () => storageAt(file)),
    openNotes: (wrap) => openNotes(wrap, storageAt),
    diskFull,
    fullDisk(start) {
      const disk: FullDisk = {
        full: false,
        refused: 0,
        wrap: (storage) =>
          withStatementHook(storage, (statement, when) => {
            if (!disk.full || when !== 'before' || !statement.startsWith(start)) return
            disk.refused += 1
            throw diskFull()
          }),
      }
      return disk
    },
  }
}

export const imapOfBen = { host: 'mail.example.org', port: 993, security: 'tls', user: 'ben', password } as const

export function secondAccount(engine: Engine): Promise<Account> {
  return engine.accounts.add({ address: 'ben@example.com', name: 'Ben', imap: imapOfBen })
}

/** An id that nothing has. */
export const nobody = '00000000-0000-7000-8000-000000000000'
