import { WireError, type WireErrorCode } from '@everdraft/core'
import type { ProtocolSession } from '@everdraft/mailserver'

import type { Network } from './network.ts'
import { never, type SimProcess } from './process.ts'
import type { Scheduler } from './scheduler.ts'
import { mailUser, type SimServer } from './server.ts'
import type { Trace } from './trace.ts'

/** One response of the server: a line, with `\0n\0` where the n-th literal stood. */
export interface Response {
  readonly text: string
  readonly literals: readonly Buffer[]
}

export interface Reply {
  readonly status: 'OK' | 'NO' | 'BAD'
  /** The response code, upper case, and what stands behind it. */
  readonly code: string | null
  readonly codeArgument: string
  readonly text: string
  readonly untagged: readonly Response[]
}

/** Text, and literals between. */
export type Command = readonly (string | Uint8Array)[]

/** One simulated connection, logged in. Commands run one after another. */
export interface Wire {
  readonly alive: boolean
  readonly capabilities: readonly string[]
  readonly sentBytes: number
  readonly receivedBytes: number
  run(command: Command): Promise<Reply>
  /** Rejects when the connection is over. */
  readonly over: Promise<never>
  end(): void
}

export interface WireParts {
  readonly process: SimProcess
  readonly scheduler: Scheduler
  readonly network: Network
  readonly server: SimServer
  readonly trace: Trace
  readonly number: number
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

interface Pending {
  readonly verb: string
  readonly fail: (error: WireError) => void
}

/** Greets and logs in at once; what can go wrong with that is the caller's to decide before. */
export function openWire(parts: WireParts): Wire {
  const { process, scheduler, network, server, trace } = parts
  const name = `wire ${parts.number}`
  let output: Buffer[] = []
  let failure: WireError | null = null
  let hungUp = false
  let tags = 0
  let viewed = 0
  let viewedMs = 0
  const doing = { verb: '', searchedForDeletedMs: 0 }
  let sentBytes = 0
  let receivedBytes = 0
  let pending: Pending | null = null
  /** The process died: what is on the way may still arrive, and then the server notices. */
  let orphaned = false
  let queue: Promise<unknown> = Promise.resolve()
  const over = Promise.withResolvers<never>()
  over.promise.catch(() => {})

  const endpoint: ProtocolSession = server.connect(
    {
      send: (bytes) => void output.push(Buffer.from(bytes)),
      close: () => {
        hungUp = true
        if (pending === null)
          scheduler.schedule(network.latencyMs(), `${name} is closed`, () => fail('CONNECTION_LOST'))
      },
      schedule: (delayMs, task) => void scheduler.schedule(delayMs, `${name} delay`, task),
    },
    doing,
  )
  endpoint.start()
  const loggedIn = exchange([`LOGIN ${mailUser.name} ${mailUser.password}`])
  if (loggedIn?.status !== 'OK') throw new Error('the simulated server refuses its user')
  const listed = exchange(['CAPABILITY'])?.untagged.find((one) => one.text.startsWith('* CAPABILITY '))
  const capabilities = listed?.text.split(' ').slice(2) ?? []

  /** The connection is over, for both ends. */
  function fail(code: WireErrorCode): void {
    if (failure !== null) return
    failure = new WireError(code, `the simulated server: ${code}`)
    if (process.state !== 'dead') trace.add(`${name} ends: ${code}`)
    if (!orphaned) endpoint.end()
    const waiting = pending
    pending = null
    waiting?.fail(failure)
    over.reject(failure)
  }

  network.onChange((up) => {
    if (!up) fail('CONNECTION_LOST')
  })
  process.onDeath(() => {
    orphaned = pending !== null && network.deliversFromTheDead()
    fail('ABORTED')
  })
  parts.signal.addEventListener('abort', () => fail('ABORTED'), { once: true })

  /** Octets into the server, and its whole answer out of it. Null: it hung up before the tagged line. */
  function exchange(command: Command): Reply | null {
    tags += 1
    const tag = `a${tags}`
    output = []
    doing.verb = verbOf(command)
    let line = `${tag} `
    for (const part of command) {
      if (typeof part === 'string') {
        line += part
        continue
      }
      send(Buffer.from(`${line}{${part.length}}\r\n`))
      line = ''
      if (!lastLine().startsWith('+ ')) return replyOf(tag)
      send(part)
    }
    send(Buffer.from(`${line}\r\n`))
    return replyOf(tag)
  }

  function send(bytes: Uint8Array): void {
    sentBytes += bytes.length
    endpoint.receive(bytes)
  }

  function lastLine(): string {
    return output.at(-1)?.toString('latin1') ?? ''
  }

  function replyOf(tag: string): Reply | null {
    const bytes = Buffer.concat(output)
    receivedBytes += bytes.length
    output = []
    const responses = readResponses(bytes).filter((response) => !response.text.startsWith('+ '))
    const last = responses.find((response) => response.text.startsWith(`${tag} `))
    if (last === undefined) return null
    const said = /^\S+ (OK|NO|BAD) (?:\[([^\] ]+) ?([^\]]*)\] ?)?(.*)$/.exec(last.text)
    return {
      status: (said?.[1] ?? 'BAD') as Reply['status'],
      code: said?.[2]?.toUpperCase() ?? null,
      codeArgument: said?.[3] ?? '',
      text: said?.[4] ?? '',
      untagged: responses.filter((response) => response.text.startsWith('* ')),
    }
  }

  function exchangeNoted(command: Command): Reply | null {
    trace.add(`${name} > ${shown(command)}`)
    if (shown(command).startsWith('UID SEARCH DELETED')) doing.searchedForDeletedMs = viewedMs
    // A session sees what was there when its last command ended, as its client is told of what is new only then.
    if (/^UID (FETCH|SEARCH)/.test(shown(command))) server.seenArrivals = viewed
    const reply = exchange(command)
    viewed = server.arrivals
    viewedMs = scheduler.now()
    trace.add(`${name} < ${reply === null ? 'nothing' : `${reply.status} ${reply.code ?? ''} ${reply.text}`}`)
    return reply
  }

  function runOne(command: Command): Promise<Reply> {
    if (process.state !== 'running') return never()
    if (failure !== null) return Promise.reject(failure)
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    const current: Pending = { verb: verbOf(command), fail: reject }
    pending = current
    const fate = network.fateOf(current.verb)
    if (fate.kind !== 'pass') trace.add(`${name}: ${fate.kind} will befall ${shown(command)}`)
    const label = `${name} ${current.verb}`

    const answer = (reply: Reply | null): void => {
      scheduler.schedule(network.latencyMs(), `${label} answered`, () => {
        if (pending !== current) return
        if (reply === null) {
          fail('CONNECTION_LOST')
          return
        }
        pending = null
        cancelTimeout()
        resolve(reply)
        if (hungUp) fail('CONNECTION_LOST')
      })
    }

    let arrived = false
    const cancelTimeout = scheduler.schedule(parts.timeoutMs, `${label} timed out`, () => {
      if (pending !== current) return
      // What the network still holds may reach the server after the client has given up.
      orphaned = !arrived && network.deliversFromTheDead()
      fail('TIMEOUT')
    })
    const arrive = (): void => {
      arrived = true
      if (orphaned) {
        exchangeNoted(command)
        orphaned = false
        endpoint.end()
        return
      }
      if (failure !== null) return
      if (hungUp) {
        fail('CONNECTION_LOST')
        return
      }
      switch (fate.kind) {
        case 'pass':
          answer(exchangeNoted(command))
          return
        case 'cut-before':
          fail('CONNECTION_LOST')
          return
        case 'cut-after':
          exchangeNoted(command)
          fail('CONNECTION_LOST')
          return
        case 'silence':
          if (fate.carriedOut) exchangeNoted(command)
          return
        case 'late':
          // The client sees the connection go; the server has the command and is not done with it.
          orphaned = true
          fail('CONNECTION_LOST')
          scheduler.schedule(fate.lateMs, `${label} carried out late`, () => {
            exchangeNoted(command)
            endpoint.end()
          })
          return
        case 'pretend':
          trace.add(`${name} is told OK, and nothing is done: ${shown(command)}`)
          answer({ status: 'OK', code: null, codeArgument: '', text: 'Pretended', untagged: [] })
          return
        case 'answer':
        case 'untagged-bad': {
          const fault = server.faults.add({
            on: { verb: '*' },
            do:
              fate.kind === 'answer'
                ? { kind: 'answer', status: fate.status, text: fate.text }
                : { kind: 'untagged-bad', text: 'Too long', andThen: 'cut' },
          })
          const reply = exchangeNoted(command)
          fault.remove()
          answer(reply)
        }
      }
    }
    scheduler.schedule(network.latencyMs(), `${label} arrives`, arrive)
    return promise
  }

  return {
    get alive() {
      return failure === null && !hungUp
    },
    capabilities,
    get sentBytes() {
      return sentBytes
    },
    get receivedBytes() {
      return receivedBytes
    },
    run(command) {
      const run = queue.then(() => runOne(command))
      queue = run.catch(() => {})
      return run
    },
    over: over.promise,
    end: () => fail('ABORTED'),
  }
}

function readResponses(bytes: Buffer): readonly Response[] {
  const responses: Response[] = []
  let at = 0
  while (at < bytes.length) {
    let text = ''
    const literals: Buffer[] = []
    for (;;) {
      const end = bytes.indexOf('\r\n', at)
      const line = bytes.toString('latin1', at, end === -1 ? bytes.length : end)
      at = end === -1 ? bytes.length : end + 2
      const size = /\{(\d+)\}$/.exec(line)
      if (size === null) {
        text += line
        break
      }
      text += `${line.slice(0, size.index)}\0${literals.length}\0`
      literals.push(bytes.subarray(at, at + Number(size[1])))
      at += Number(size[1])
    }
    responses.push({ text, literals })
  }
  return responses
}

function verbOf(command: Command): string {
  const [first = '', second = ''] = (typeof command[0] === 'string' ? command[0] : '').split(' ')
  return first === 'UID' ? `UID ${second}` : first
}

function shown(command: Command): string {
  return command.map((part) => (typeof part === 'string' ? part : `{${part.length}}`)).join('')
}
