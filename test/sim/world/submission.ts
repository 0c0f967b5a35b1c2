import {
  type CommitOutcome,
  type MessageId,
  type OpenOutcome,
  type RecipientResult,
  type SubmissionBody,
  type SubmissionCapabilities,
  type SubmissionEnvelope,
  type SubmissionPort,
  type SubmissionReply,
  type SubmissionSession,
  TransmissionError,
  type TransmissionPhase,
  WireError,
  type WireErrorCode,
} from '@everdraft/core'

import type { Network } from './network.ts'
import { never, type SimProcess } from './process.ts'
import { mailboxHost, type Provider } from './provider.ts'
import type { Scheduler } from './scheduler.ts'
import type { Trace } from './trace.ts'

export interface SubmissionParts {
  readonly process: SimProcess
  readonly scheduler: Scheduler
  readonly network: Network
  readonly provider: Provider
  readonly trace: Trace
  readonly nextWire: () => number
}

/** Long enough for any server (RFC 5321 §4.5.3.2.6). */
const finalReplyMs = 600_000

const plainCapabilities: SubmissionCapabilities = {
  size: true,
  sizeLimit: null,
  eightBitMime: true,
  smtpUtf8: true,
  pipelining: true,
  dsn: true,
  enhancedStatusCodes: true,
  chunking: false,
  requireTls: false,
  burl: false,
  burlServers: [],
  futureRelease: null,
  authMechanisms: ['PLAIN'],
}

function capabilitiesOf({ habits: { fetches, holdsForSeconds } }: Provider): SubmissionCapabilities {
  return {
    ...plainCapabilities,
    ...(fetches ? { burl: true, chunking: true, burlServers: [mailboxHost] } : {}),
    ...(holdsForSeconds === null ? {} : { futureRelease: { longestSeconds: holdsForSeconds, latest: null } }),
  }
}

/** The submission port on a virtual network: its server takes what reaches it, whether or not the answer comes back. */
export function createSubmission(parts: SubmissionParts): SubmissionPort {
  const { process, scheduler, network, provider } = parts
  return {
    connect(_settings, { signal, timeoutMs, finalReplyTimeoutMs }) {
      if (process.state !== 'running') return never()
      const { promise, resolve, reject } = Promise.withResolvers<SubmissionSession>()
      scheduler.schedule(network.latencyMs(), `process ${process.number} connects to send`, () => {
        if (process.state !== 'running') return
        if (signal.aborted) reject(new WireError('ABORTED', 'ended'))
        else if (network.refuses()) reject(new WireError('UNREACHABLE', 'no route to the simulated provider'))
        else if (provider.refusesLogin())
          reject(new WireError('AUTH_FAILED', 'the simulated provider refuses the login'))
        else {
          const waits = { timeoutMs, finalReplyTimeoutMs: finalReplyTimeoutMs ?? finalReplyMs }
          resolve(createSession(parts, `submission ${parts.nextWire()}`, signal, waits))
        }
      })
      return promise
    },
  }
}

interface Waits {
  readonly timeoutMs: number
  readonly finalReplyTimeoutMs: number
}

interface Pending {
  fail(error: TransmissionError): void
  readonly phase: TransmissionPhase
}

function createSession(parts: SubmissionParts, name: string, signal: AbortSignal, waits: Waits): SubmissionSession {
  const { process, scheduler, network, provider, trace } = parts
  let failure: WireErrorCode | null = null
  let pending: Pending | null = null
  /** The process died, or the client gave up, with this on its way: it arrives all the same. */
  let orphaned = false
  let transaction: { readonly envelope: SubmissionEnvelope; readonly accepted: readonly string[] } | null = null
  let sent = 0

  function fail(code: WireErrorCode): void {
    if (failure !== null) return
    failure = code
    transaction = null
    if (process.state !== 'dead') trace.add(`${name} ends: ${code}`)
    const waiting = pending
    pending = null
    waiting?.fail(new TransmissionError(code, `the simulated provider: ${code}`, waiting.phase))
  }

  network.onChange((up) => {
    if (!up) fail('CONNECTION_LOST')
  })
  process.onDeath(() => {
    orphaned = pending !== null && network.deliversFromTheDead()
    fail('ABORTED')
  })
  signal.addEventListener('abort', () => fail('ABORTED'), { once: true })

  /**
   * One step of the dialogue, there and back. `carryOut` is what the server does when it has it; `refused` what the client is told
   * where the server refuses the whole step.
   */
  function exchange<Answer>(
    verb: string,
    phase: TransmissionPhase,
    carryOut: () => Answer,
    refused: (reply: SubmissionReply) => Answer,
  ): Promise<Answer> {
    if (process.state !== 'running') return never()
    // Known before a byte of the step is written.
    if (failure !== null) {
      return Promise.reject(new TransmissionError(failure, `the simulated provider: ${failure}`, 'before-dot'))
    }
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const current: Pending = { phase, fail: reject }
    pending = current
    const fate = network.fateOf(verb)
    trace.add(`${name} > ${verb}${fate.kind === 'pass' ? '' : `: ${fate.kind} will befall it`}`)
    const timeoutMs = phase === 'after-dot' ? waits.finalReplyTimeoutMs : waits.timeoutMs
    const cancelTimeout = scheduler.schedule(timeoutMs, `${name} ${verb} timed out`, () => {
      if (pending === current) fail('TIMEOUT')
    })
    const answer = (given: Answer, andThen?: WireErrorCode): void => {
      scheduler.schedule(network.latencyMs(), `${name} ${verb} answered`, () => {
        if (pending !== current) return
        pending = null
        cancelTimeout()
        if (andThen !== undefined) fail(andThen)
        resolve(given)
      })
    }
    scheduler.schedule(network.latencyMs(), `${name} ${verb} arrives`, () => {
      if (orphaned) {
        orphaned = false
        carryOut()
        return
      }
      if (pending !== current) return
      switch (fate.kind) {
        case 'pass':
        case 'pretend':
          answer(carryOut())
          return
        case 'cut-before':
          fail('CONNECTION_LOST')
          return
        case 'cut-after':
          carryOut()
          fail('CONNECTION_LOST')
          return
        case 'silence':
          if (fate.carriedOut) carryOut()
          return
        case 'late':
          fail('CONNECTION_LOST')
          scheduler.schedule(fate.lateMs, `${name} ${verb} carried out late`, () => void carryOut())
          return
        case 'answer':
          answer(refused(fate.status === 'NO' ? replyOf(451, '4.3.0', 'Later') : replyOf(554, '5.7.1', 'Refused')))
          return
        case 'untagged-bad':
          answer(refused(replyOf(421, '4.3.2', 'Closing')), 'CONNECTION_LOST')
      }
    })
    return promise
  }

  function open(envelope: SubmissionEnvelope): Promise<OpenOutcome> {
    return exchange<OpenOutcome>(
      'MAIL',
      'before-dot',
      () => {
        const recipients = envelope.recipients.map(resultFor)
        const accepted = recipients.filter(({ kind }) => kind === 'accepted').map(({ address }) => address)
        if (accepted.length === 0) return { kind: 'no-recipients', recipients }
        transaction = { envelope, accepted }
        return { kind: 'ready', recipients }
      },
      refusal,
    )
  }

  /** Null: there is none, or it is of another size. */
  function fetched({ url, size }: QuotedPiece): Uint8Array | null {
    const part = provider.fetch(url)
    return part?.length === size ? part : null
  }

  function resultFor(address: string): RecipientResult {
    const kind = provider.verdictOn(address)
    switch (kind) {
      case 'accepted':
        return { address, kind, reply: replyOf(250, '2.1.5', 'Ok') }
      case 'refused':
        return { address, kind, reply: replyOf(550, '5.1.1', 'No such user') }
      case 'temporary':
        return { address, kind, reply: replyOf(450, '4.2.0', 'Greylisted') }
    }
  }

  return {
    capabilities: capabilitiesOf(provider),
    get alive() {
      return failure === null
    },
    bytes: () => ({ sent, received: 0 }),
    open,
    async commit(body, { beforeFinalDot }): Promise<CommitOutcome> {
      if (transaction === null && failure === null) throw new TypeError('commit without a transaction')
      const current = transaction
      const given = await piecesOf(body)
      let whole: Uint8Array = new Uint8Array(0)
      const early = await exchange<CommitOutcome | null>(
        body.kind === 'bytes' ? 'DATA' : 'BURL',
        'before-dot',
        () => {
          const pieces = given.map((piece) => (piece instanceof Uint8Array ? piece : fetched(piece)))
          if (pieces.includes(null)) return { kind: 'not-fetched' }
          whole = Buffer.concat(pieces.flatMap((piece) => piece ?? []))
          return null
        },
        refusal,
      )
      sent += given.reduce((sum, piece) => sum + (piece instanceof Uint8Array ? piece.length : piece.url.length), 0)
      if (early?.kind === 'not-fetched') transaction = null
      if (early !== null) return early
      try {
        await beforeFinalDot()
      } catch (error) {
        fail('ABORTED')
        throw error
      }
      return await exchange<CommitOutcome>(
        'the dot',
        'after-dot',
        () => {
          if (current === null) throw new Error('a dot without a transaction')
          transaction = null
          const { envid, holdUntil = null } = current.envelope
          const messageId = provider.take(envid ?? '', current.accepted, whole, holdUntil)
          const queueId = `queue-${provider.deliveries.length}`
          const reply = replyOf(250, '2.0.0', `queued as ${queueId}`)
          return { kind: 'accepted', reply, queueId, messageId: messageId as MessageId | null }
        },
        refusal,
      )
    },
    async reset() {
      transaction = null
    },
    async close() {
      fail('ABORTED')
    },
  }
}

/** A piece that the server is to fetch. */
interface QuotedPiece {
  readonly size: number
  readonly url: string
}

async function piecesOf(body: SubmissionBody): Promise<readonly (Uint8Array | QuotedPiece)[]> {
  if (body.kind === 'bytes') return [await bytesOf(body.open())]
  const pieces: (Uint8Array | QuotedPiece)[] = []
  for (const piece of body.pieces) pieces.push(piece.kind === 'url' ? piece : await bytesOf(piece.open()))
  return pieces
}

function kindOf({ code }: SubmissionReply): 'refused' | 'temporary' {
  return code >= 500 ? 'refused' : 'temporary'
}

function replyOf(code: number, enhanced: string, text: string): SubmissionReply {
  return { code, enhanced, text }
}

async function bytesOf(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of source) pieces.push(Uint8Array.from(piece))
  return Buffer.concat(pieces)
}

function refusal(reply: SubmissionReply): Extract<CommitOutcome, { kind: 'refused' | 'temporary' }> {
  return { kind: kindOf(reply), reply }
}
