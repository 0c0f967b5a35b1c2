import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

import type { CutKind } from '../proxy.ts'
import { loopbackCertificate } from './loopback-certificate.ts'

/** Where in a dialogue a fault is met (RFC 5321 §4.1.1); `.` is the end of the message. */
export type SmtpStep = 'greeting' | 'EHLO' | 'STARTTLS' | 'AUTH' | 'MAIL' | 'RCPT' | 'DATA' | '.' | 'RSET' | 'QUIT'

/** What happens there instead of what should. */
export type SmtpFault =
  /** The server says these octets. It does what it says: 2xx to the dot has taken the mail, and 5xx to MAIL has begun nothing. */
  | { readonly kind: 'say'; readonly text: string; readonly andThen?: CutKind }
  /** One octet after the other, the last of them for ever. */
  | { readonly kind: 'dribble'; readonly text: string; readonly everyMs: number }
  /** Not a word, and the connection stays. */
  | { readonly kind: 'silence' }
  /** The command was carried out, the mail taken, and nobody is told. */
  | { readonly kind: 'unanswered'; readonly andThen: CutKind | 'hold' }
  | { readonly kind: 'cut'; readonly how: CutKind }
  /** Under TLS, past it: octets that are no record of it. */
  | { readonly kind: 'break-tls' }
  /** Only of STARTTLS: said in the clear, in one write with the 220, as somebody in between would (RFC 3207 §6). */
  | { readonly kind: 'inject'; readonly text: string }

/** Somebody has a mail of which the sink said, or meant, 250. */
export interface FaultyDelivery {
  readonly messageId: string
  readonly recipient: string
  readonly bytes: Buffer
  readonly secure: boolean
}

export interface FaultySmtpSinkOptions {
  readonly security?: 'none' | 'starttls' | 'tls'
  /** Default true. */
  readonly pipelining?: boolean
}

export interface FaultySmtpSink {
  readonly port: number
  /** One for each recipient of each mail that was taken: what counts is what of it there is twice. */
  readonly deliveries: readonly FaultyDelivery[]
  /** What clients have said, a connection after the other; neither what is between DATA and the dot, nor logins. */
  readonly heard: readonly string[]
  /** Called when a mail was taken, before anybody is told. */
  onTaken: ((delivery: FaultyDelivery) => void) | null
  /** At the `nth` time of that step in a connection (default the first), in every connection, until `heal`. */
  fail(step: SmtpStep, fault: SmtpFault, nth?: number): FaultHandle
  /** No fault any more. */
  heal(): void
  /** Ends all connections, and resolves when the clients have ended them, too. */
  hangUp(): Promise<void>
  close(): Promise<void>
}

export interface FaultHandle {
  /** How often it was met. */
  readonly met: number
}

interface PlacedFault {
  readonly step: SmtpStep
  readonly fault: SmtpFault
  readonly nth: number
  met: number
}

/**
 * A server that takes mail, of which each word can be scripted. Unlike `createSmtpSink`, which is a real library and so says nothing
 * that it should not, it can break off in every way at every step.
 */
export async function createFaultySmtpSink(options: FaultySmtpSinkOptions = {}): Promise<FaultySmtpSink> {
  const faults = new Set<PlacedFault>()
  const sockets = new Set<Socket>()
  const deliveries: FaultyDelivery[] = []
  const heard: string[] = []
  const server = createServer((socket) => {
    sockets.add(socket)
    // A client that resets its connection is what the sink is for.
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    createConnection(socket, {
      security: options.security ?? 'none',
      pipelining: options.pipelining ?? true,
      heard,
      faultAt: (step, time) => [...faults].find((one) => one.step === step && one.nth === time) ?? null,
      take: (delivery) => {
        deliveries.push(delivery)
        sink.onTaken?.(delivery)
      },
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  const sink: FaultySmtpSink = {
    port: (server.address() as AddressInfo).port,
    deliveries,
    heard,
    onTaken: null,
    fail(step, fault, nth = 1) {
      const placed = { step, fault, nth, met: 0 }
      faults.add(placed)
      return placed
    },
    heal: () => faults.clear(),
    async hangUp() {
      const ended = [...sockets].map(async (socket) => {
        socket.end()
        if (!socket.destroyed) await once(socket, 'close')
      })
      await Promise.all(ended)
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
  return sink
}

interface ConnectionParts {
  readonly security: 'none' | 'starttls' | 'tls'
  readonly pipelining: boolean
  readonly heard: string[]
  faultAt(step: SmtpStep, time: number): PlacedFault | null
  take(delivery: FaultyDelivery): void
}

/** The line of a client that answers a challenge is no command. */
type Waiting = (line: string) => void

function createConnection(raw: Socket, parts: ConnectionParts): void {
  const { security, pipelining, heard } = parts
  const times = new Map<SmtpStep, number>()
  let socket: Socket = raw
  let buffer = Buffer.alloc(0)
  let recipients: string[] | null = null
  let inData = false
  let waiting: Waiting | null = null
  /** After some faults it neither hears nor speaks. */
  let deaf = false

  function end(how: CutKind): void {
    deaf = true
    if (how === 'rst') raw.resetAndDestroy()
    else socket.end()
  }

  function listen(): void {
    socket.on('error', () => {})
    socket.on('data', (data: Buffer) => {
      buffer = Buffer.concat([buffer, data])
      read()
    })
  }

  function secure(): void {
    raw.removeAllListeners('data')
    buffer = Buffer.alloc(0)
    socket = new TLSSocket(raw, { isServer: true, ...loopbackCertificate })
    listen()
  }

  /** `act` does what was asked and makes the answer. What a fault says instead is kept, too: where it agrees, it is done. */
  function step(name: SmtpStep, act: () => string, agreed: () => void = () => {}): void {
    const time = (times.get(name) ?? 0) + 1
    times.set(name, time)
    const placed = parts.faultAt(name, time)
    if (placed === null) {
      const answer = act()
      if (answer !== '') socket.write(answer)
      return
    }
    placed.met += 1
    const { fault } = placed
    switch (fault.kind) {
      case 'say':
        socket.write(fault.text)
        if (fault.text.startsWith(name === 'DATA' ? '3' : '2')) agreed()
        if (fault.andThen !== undefined) end(fault.andThen)
        return
      case 'dribble':
        deaf = true
        dribble(fault)
        return
      case 'silence':
        deaf = true
        return
      case 'unanswered':
        act()
        deaf = true
        if (fault.andThen !== 'hold') end(fault.andThen)
        return
      case 'cut':
        end(fault.how)
        return
      case 'break-tls':
        deaf = true
        // Past the TLSSocket, which has nothing to say about it.
        raw.write('this is no record of TLS\r\n')
        return
      case 'inject':
        raw.write(`220 2.0.0 go\r\n${fault.text}`)
        secure()
    }
  }

  function dribble({ text, everyMs }: Extract<SmtpFault, { kind: 'dribble' }>): void {
    let at = 0
    const timer = setInterval(() => {
      socket.write(text[Math.min(at, text.length - 1)] ?? ' ')
      at += 1
    }, everyMs)
    raw.once('close', () => clearInterval(timer))
  }

  function read(): void {
    for (;;) {
      if (deaf) return
      if (inData) {
        const ending = buffer.indexOf('\r\n.\r\n')
        if (ending === -1) return
        const bytes = unstuffed(buffer.subarray(0, ending + 2))
        buffer = buffer.subarray(ending + 5)
        finish(bytes)
        continue
      }
      const newline = buffer.indexOf('\r\n')
      if (newline === -1) return
      const line = buffer.subarray(0, newline).toString('latin1')
      buffer = buffer.subarray(newline + 2)
      if (waiting === null) run(line)
      else waiting(line)
    }
  }

  function finish(bytes: Buffer): void {
    inData = false
    const whom = recipients ?? []
    recipients = null
    const taken = (): void => {
      const messageId = /^Message-ID: *(<[^>]+>)/im.exec(bytes.toString('latin1'))?.[1] ?? ''
      for (const recipient of whom) parts.take({ messageId, recipient, bytes, secure: socket !== raw })
    }
    const act = (): string => {
      taken()
      return '250 2.0.0 taken\r\n'
    }
    step('.', act, taken)
  }

  function run(line: string): void {
    const verb = (line.split(' ')[0] ?? '').toUpperCase()
    heard.push(verb === 'AUTH' ? line.split(' ').slice(0, 2).join(' ') : line)
    switch (verb) {
      case 'EHLO':
        recipients = null
        step('EHLO', offers)
        return
      case 'STARTTLS':
        startTls()
        return
      case 'AUTH':
        logIn(line)
        return
      case 'MAIL':
        step('MAIL', begin, begin)
        return
      case 'RCPT': {
        const address = /<([^>]*)>/.exec(line)?.[1] ?? ''
        const accept = (): string => {
          if (recipients === null) return '503 5.5.1 MAIL first\r\n'
          recipients.push(address)
          return '250 2.1.5 ok\r\n'
        }
        step('RCPT', accept, accept)
        return
      }
      case 'DATA':
        step('DATA', startData, startData)
        return
      case 'RSET':
        recipients = null
        step('RSET', () => '250 2.0.0 ok\r\n')
        return
      case 'QUIT':
        step('QUIT', () => '221 2.0.0 bye\r\n')
        if (!deaf) end('fin')
        return
      default:
        socket.write('500 5.5.2 unknown\r\n')
    }
  }

  function begin(): string {
    if (recipients !== null) return '503 5.5.1 once\r\n'
    recipients = []
    return '250 2.1.0 ok\r\n'
  }

  function startData(): string {
    if (recipients === null || recipients.length === 0) return '503 5.5.1 RCPT first\r\n'
    inData = true
    return '354 go on\r\n'
  }

  function offers(): string {
    const words = [
      'sink',
      ...(security === 'starttls' && socket === raw ? ['STARTTLS'] : ['AUTH PLAIN']),
      ...(pipelining ? ['PIPELINING'] : []),
      'ENHANCEDSTATUSCODES',
      '8BITMIME',
    ]
    return words.map((word, index) => `250${index === words.length - 1 ? ' ' : '-'}${word}\r\n`).join('')
  }

  function startTls(): void {
    const answer = (): string => {
      // It goes in the clear, what comes after it does not.
      raw.write('220 2.0.0 go\r\n')
      secure()
      return ''
    }
    step('STARTTLS', answer, secure)
  }

  function logIn(line: string): void {
    const isWhole = line.split(' ').length > 2
    if (isWhole) {
      letIn()
      return
    }
    socket.write('334 \r\n')
    waiting = () => {
      waiting = null
      letIn()
    }
  }

  function letIn(): void {
    step('AUTH', () => '235 2.7.0 come in\r\n')
  }

  if (security === 'tls') secure()
  else listen()
  step('greeting', () => '220 sink ready\r\n')
}

/** RFC 5321 §4.5.2. */
function unstuffed(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replace(/^\.\./gm, '.'), 'latin1')
}
