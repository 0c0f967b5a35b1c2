import type { FolderPath, MailboxCapabilities, WatchOptions } from '@everdraft/core'

import type { ImapConnection } from './connection.ts'
import type { FolderNames } from './folders.ts'
import { outcomeOf } from './outcome.ts'
import type { OwnDoing } from './own-doing.ts'
import { listOf, textOf, type DataResponse, type StatusResponse } from './response.ts'
import { astring, quoted } from './syntax.ts'

/** The session, as a watch sees it. */
export interface Watched {
  readonly connection: ImapConnection
  readonly names: FolderNames
  readonly capabilities: MailboxCapabilities
  readonly own: OwnDoing
  /** What is selected on the wire. */
  readonly open: FolderPath | null
  /** Selects on the wire only: the caller of the session finds again what it selected. False: there is no such folder. */
  openToWatch(path: FolderPath): Promise<boolean>
  /** Between two calls, and never in the middle of one. */
  exclusively<T>(work: () => Promise<T>): Promise<T>
  /** Milliseconds since the last call; 0 while there is one. */
  idleMs(): number
}

// RFC 2177 §3: a server may log out after 29 minutes.
const defaultRenewMs = 28 * 60_000
const defaultPollMs = 5 * 60_000

// A server that ends every IDLE by itself is not asked again at once.
const pauseMs = 1000

// A caller that gives one command after another, and computes a little in between, would pay for an IDLE and a DONE each time.
const restMs = 60

/** Resolves when the signal ends it; rejects when the connection does. */
export async function watchFolders(
  watched: Watched,
  paths: readonly FolderPath[],
  options: WatchOptions,
): Promise<void> {
  if (options.signal.aborted || paths.length === 0) return
  const watch = new Watch(watched, paths, options)
  try {
    await watch.run()
  } finally {
    watch.end()
  }
}

class Watch {
  readonly #watched: Watched
  readonly #paths: readonly FolderPath[]
  readonly #options: WatchOptions
  readonly #onAbort = (): void => this.#wake()
  /** Ends the waiting of now. */
  #wake: () => void = () => {}
  readonly #changed = new Set<FolderPath>()
  /** What STATUS said last. */
  readonly #states = new Map<FolderPath, string>()
  #telling: NodeJS.Immediate | null = null
  /** NOTIFY is set: the server tells of all folders, whichever is selected. */
  #isNotified = false
  #canIdle: boolean

  constructor(watched: Watched, paths: readonly FolderPath[], options: WatchOptions) {
    this.#watched = watched
    this.#paths = paths
    this.#options = options
    this.#canIdle = watched.capabilities.idle
    options.signal.addEventListener('abort', this.#onAbort, { once: true })
    watched.connection.listen((response, verb) => this.#hear(response, verb))
    watched.own.listen((path) => this.#note(path))
    watched.connection.ended.catch(() => this.#wake())
  }

  end(): void {
    this.#options.signal.removeEventListener('abort', this.#onAbort)
    this.#watched.connection.listen(null)
    this.#watched.own.listen(() => {})
    if (this.#telling) clearImmediate(this.#telling)
  }

  async run(): Promise<void> {
    const { connection, capabilities } = this.#watched
    const { signal, pollMs = defaultPollMs, renewMs = defaultRenewMs } = this.#options
    // IDLE tells of one folder as soon as NOTIFY does, and of nothing else: not of what this session files in another one.
    const alone = this.#paths.length === 1 || this.#options.firstOfAll === true
    if (capabilities.notify && !(alone && capabilities.idle)) await this.#notify()
    // What happened between the last look and now is told by nobody.
    for (const path of this.#paths) this.#note(path)
    let pollAt = Date.now() + (this.#isNotified ? renewMs : pollMs)
    while (!signal.aborted) {
      await this.#rest()
      if (signal.aborted) break
      if (!connection.alive) await connection.ended
      if (Date.now() >= pollAt) {
        await this.#poll()
        pollAt = Date.now() + (this.#isNotified ? renewMs : pollMs)
      }
      const waitMs = Math.max(0, pollAt - Date.now())
      // Dovecot 2.3 keeps what NOTIFY is to tell until there is a command: IDLE is one.
      if (!this.#canIdle || !(this.#isNotified || (await this.#openOne()))) {
        await this.#wait(waitMs)
        continue
      }
      const ended = await connection.idle(this.#wait(Math.min(waitMs, renewMs)))
      this.#wake()
      if (ended === 'refused') this.#canIdle = false
      if (ended === 'ended') await this.#wait(pauseMs)
    }
    if (this.#isNotified && connection.alive) {
      await this.#watched.exclusively(async () => connection.run(['NOTIFY NONE']))
    }
  }

  /** RFC 5465 §3.1. A refusal leaves the other ways. */
  async #notify(): Promise<void> {
    const { connection, names } = this.#watched
    const events = '(MessageNew MessageExpunge FlagChange)'
    const folders = this.#paths.map((path) => quoted(names.toWire(path))).join(' ')
    const command = `NOTIFY SET (SELECTED ${events}) (MAILBOXES (${folders}) ${events})`
    const completion = await this.#watched.exclusively(async () => connection.run([command]))
    this.#isNotified = outcomeOf(completion).kind === 'ok'
  }

  /** One of the folders is selected, so that IDLE tells about it. */
  async #openOne(): Promise<boolean> {
    return this.#watched.exclusively(async () => {
      const good = this.#options.firstOfAll === true ? this.#paths.slice(0, 1) : this.#paths
      if (this.#watched.open !== null && good.includes(this.#watched.open)) return true
      for (const path of this.#paths) {
        if (!(await this.#watched.openToWatch(path))) continue
        // It was not heard while another one was selected.
        await this.#look(path)
        return true
      }
      return false
    })
  }

  async #poll(): Promise<void> {
    await this.#watched.exclusively(async () => {
      for (const path of this.#paths) {
        // Also wakes up a server that pushes nothing by itself, and keeps the connection from being logged out.
        if (path === this.#watched.open || this.#isNotified) await this.#watched.connection.run(['NOOP'])
        else await this.#look(path)
        if (this.#isNotified) return
      }
    })
  }

  async #look(path: FolderPath): Promise<void> {
    const { connection, names, capabilities } = this.#watched
    const items = `MESSAGES UIDNEXT UIDVALIDITY${capabilities.condstore ? ' HIGHESTMODSEQ' : ''}`
    let state = ''
    await connection.run(['STATUS ', astring(names.toWire(path)), ` (${items})`], {
      onData: (response) => {
        if (response.keyword === 'STATUS') state = listOf(response.attributes[1]).join(' ')
      },
    })
    const before = this.#states.get(path)
    this.#states.set(path, state)
    if (before !== state) this.#note(path)
  }

  #hear(response: DataResponse | StatusResponse, verb: string | null): void {
    if (response.kind === 'status') {
      // RFC 5465 §5.8: it tells no more, and what it did not tell is not known.
      if (response.code !== 'NOTIFICATIONOVERFLOW') return
      this.#isNotified = false
      for (const path of this.#paths) this.#note(path)
      return
    }
    const { keyword } = response
    if (keyword === 'STATUS' && verb !== 'STATUS') {
      const name = textOf(response.attributes[0])
      if (name !== null) this.#note(this.#watched.names.fromWire(name))
    }
    const { open, own } = this.#watched
    if (open !== null && verb !== 'SELECT' && own.hear(response, verb ?? '', open)) this.#note(open)
  }

  #note(path: FolderPath): void {
    if (!this.#paths.includes(path)) return
    this.#changed.add(path)
    this.#telling ??= setImmediate(() => {
      this.#telling = null
      const changed = [...this.#changed]
      this.#changed.clear()
      for (const one of changed) this.#options.onChange(one)
    })
  }

  /** Until nobody has called for a while. */
  async #rest(): Promise<void> {
    for (;;) {
      const leftMs = restMs - this.#watched.idleMs()
      if (leftMs <= 0 || this.#options.signal.aborted || !this.#watched.connection.alive) return
      await this.#wait(leftMs)
    }
  }

  async #wait(ms: number): Promise<void> {
    if (this.#options.signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, ms)
    this.#wake = () => {
      clearTimeout(timer)
      resolve()
    }
    await promise
  }
}
