import type { CommandAction } from '../faults/rules.ts'
import type { ProtocolSession, SessionPort } from '../faults/session-port.ts'
import { base64Bytes, concatBytes, CR, fromUtf8, LF, utf8 } from '../octets.ts'
import { JournalError } from '../store/journal.ts'
import type { MailStore } from '../store/store.ts'
import { createDataReader, type DataReader } from './data-reader.ts'
import { parsePath, type Envelope, type Submission } from './envelope.ts'

export type SmtpSessionOptions = {
  readonly store: MailStore
  readonly port: SessionPort
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly maxMessageBytes: number
  readonly requireAuthentication: boolean
  /** FUTURERELEASE (RFC 4865): how long a message may be held; undefined: not at all. */
  readonly longestHoldSeconds?: number | undefined
  /** Takes the message: durable when this returns, and only then is it answered with 250. */
  accept(submission: Submission): void
}

type Transaction = Omit<Envelope, 'user'>

/** A step that waits for the client's next line, which is no command: a round of AUTH. */
type Waiting = (line: string) => string

/** RFC 5321 §4.5.3.1.4 asks for 512 octets; AUTH and SMTPUTF8 addresses need more. */
const MAX_LINE_BYTES = 16 * 1024

const text = (base64: string): string | undefined => {
  const bytes = base64Bytes(base64)
  return bytes === undefined ? undefined : fromUtf8(bytes)
}

/** One connection for message submission (RFC 6409), from the greeting on. Every answer is given inside `receive`. */
export function createSmtpSession(options: SmtpSessionOptions): ProtocolSession {
  const { port, store, maxMessageBytes, now } = options
  let user: string | undefined
  let greeted = false
  let transaction: Transaction | undefined
  let waiting: Waiting | undefined
  let data: DataReader | undefined
  let line: Uint8Array[] = []
  let lineLength = 0
  let over = false
  let muted = false

  const send = (reply: string): void => {
    if (!over && !muted) port.send(utf8(`${reply}\r\n`))
  }

  function extensions(): string {
    const lines = [
      'everdraft',
      'PIPELINING',
      `SIZE ${maxMessageBytes}`,
      '8BITMIME',
      'SMTPUTF8',
      'ENHANCEDSTATUSCODES',
      'AUTH PLAIN LOGIN',
      ...(options.longestHoldSeconds === undefined ? [] : [futureRelease(options.longestHoldSeconds)]),
    ]
    return lines.map((each, index) => `250${index === lines.length - 1 ? ' ' : '-'}${each}`).join('\r\n')
  }

  function futureRelease(longestSeconds: number): string {
    const latest = new Date(now() + longestSeconds * 1000).toISOString().replace(/\.\d+Z$/u, 'Z')
    return `FUTURERELEASE ${longestSeconds} ${latest}`
  }

  /** RFC 4865 §5; undefined where the server does not hold it that long, or the value is none. */
  function releaseTime(name: 'HOLDFOR' | 'HOLDUNTIL', value: string): number | undefined {
    const seconds = options.longestHoldSeconds
    const at = name === 'HOLDUNTIL' ? Date.parse(value) : /^\d{1,9}$/u.test(value) ? now() + Number(value) * 1000 : NaN
    return seconds === undefined || !(at <= now() + seconds * 1000) ? undefined : at
  }

  function logIn(name: string | undefined, password: string | undefined): string {
    user = name === undefined || password === undefined ? undefined : store.authenticate(name, password)
    return user === undefined ? '535 5.7.8 Authentication credentials invalid' : '235 2.7.0 Authentication successful'
  }

  const plain = (response: string): string => {
    const [, name, password] = text(response)?.split('\0') ?? []
    return logIn(name, password)
  }

  function ask(prompt: string, next: Waiting): string {
    waiting = (answer) => (answer === '*' ? '501 5.7.0 Authentication cancelled' : next(answer))
    return `334 ${prompt}`
  }

  const askPassword = (name: string | undefined): string =>
    ask('UGFzc3dvcmQ6', (password) => logIn(name, text(password)))

  /** RFC 4954; LOGIN asks for the two in turn. */
  function authenticate(argument: string): string {
    if (user !== undefined) return '503 5.5.1 Already authenticated'
    if (transaction !== undefined) return '503 5.5.1 Not during a mail transaction'
    const [mechanism = '', initial] = argument.split(' ')
    switch (mechanism.toUpperCase()) {
      case 'PLAIN':
        return initial === undefined ? ask('', plain) : plain(initial)
      case 'LOGIN':
        return initial === undefined
          ? ask('VXNlcm5hbWU6', (name) => askPassword(text(name)))
          : askPassword(text(initial))
      default:
        return '504 5.5.4 Unrecognised authentication type'
    }
  }

  function mail(argument: string): string {
    if (!greeted) return '503 5.5.1 EHLO first'
    if (options.requireAuthentication && user === undefined) return '530 5.7.0 Authentication required'
    if (transaction !== undefined) return '503 5.5.1 Nested MAIL command'
    const path = parsePath(argument, 'FROM')
    if (path === undefined) return '501 5.5.4 Syntax: MAIL FROM:<address>'
    let body: Envelope['body'] = '7BIT'
    let smtpUtf8 = false
    let holdUntilMs: number | undefined
    for (const [name, value] of path.parameters) {
      if (name === 'SIZE') {
        if (!/^\d+$/u.test(value)) return '501 5.5.4 SIZE needs a number'
        if (Number(value) > maxMessageBytes) return '552 5.3.4 Message too big'
      } else if (name === 'BODY' && (value.toUpperCase() === '7BIT' || value.toUpperCase() === '8BITMIME')) {
        body = value.toUpperCase() === '7BIT' ? '7BIT' : '8BITMIME'
      } else if (name === 'SMTPUTF8') smtpUtf8 = true
      else if (options.longestHoldSeconds !== undefined && (name === 'HOLDFOR' || name === 'HOLDUNTIL')) {
        if (holdUntilMs !== undefined) return '501 5.5.4 HOLDFOR and HOLDUNTIL only once'
        holdUntilMs = releaseTime(name, value)
        if (holdUntilMs === undefined) return '501 5.5.4 Not held that long'
      } else if (name !== 'AUTH') return `555 5.5.4 Unsupported parameter ${name}`
    }
    transaction = { from: path.address, to: [], body, smtpUtf8, holdUntilMs }
    return '250 2.1.0 OK'
  }

  function rcpt(argument: string): string {
    if (transaction === undefined) return '503 5.5.1 MAIL first'
    const path = parsePath(argument, 'TO')
    if (path === undefined || path.address === '') return '501 5.5.4 Syntax: RCPT TO:<address>'
    transaction = { ...transaction, to: [...transaction.to, path.address] }
    return '250 2.1.5 OK'
  }

  function startData(): string {
    if (transaction === undefined) return '503 5.5.1 MAIL first'
    if (transaction.to.length === 0) return '554 5.5.1 No valid recipients'
    data = createDataReader()
    return '354 End data with <CR><LF>.<CR><LF>'
  }

  function finish(message: Uint8Array): string {
    const finished = transaction
    transaction = undefined
    if (finished === undefined) throw new Error('a message ended that had no transaction')
    if (message.length > maxMessageBytes) return '552 5.3.4 Message too big'
    try {
      options.accept({ envelope: { ...finished, user }, bytes: message, acceptedAtMs: now() })
    } catch (error) {
      if (error instanceof JournalError) return '451 4.3.0 The mail store cannot be written'
      throw error
    }
    return '250 2.0.0 OK: accepted'
  }

  function run(verb: string, argument: string): string {
    switch (verb) {
      case 'EHLO':
      case 'HELO':
        if (argument === '') return `501 5.5.4 Syntax: ${verb} hostname`
        greeted = true
        transaction = undefined
        return verb === 'EHLO' ? extensions() : '250 everdraft'
      case 'AUTH':
        return greeted ? authenticate(argument) : '503 5.5.1 EHLO first'
      case 'MAIL':
        return mail(argument)
      case 'RCPT':
        return rcpt(argument)
      case 'DATA':
        return startData()
      case 'RSET':
        transaction = undefined
        return '250 2.0.0 OK'
      case 'NOOP':
        return '250 2.0.0 OK'
      case 'VRFY':
        return '252 2.5.0 Cannot VRFY user, but will accept message'
      case 'QUIT':
        return '221 2.0.0 Bye'
      default:
        return '500 5.5.2 Command not recognised'
    }
  }

  function withFault(action: CommandAction | undefined, task: () => string): void {
    switch (action?.kind) {
      case undefined:
        send(task())
        return
      case 'drop-reply':
        muted = true
        task()
        muted = false
        if (action.andThen === 'cut') port.cut(action.by ?? 'fin')
        return
      case 'delay-reply':
        port.delay(action.delayMs)
        send(task())
        return
      case 'answer':
        send(`${action.status === 'NO' ? '550 5.0.0' : '500 5.5.2'} ${action.text}`)
        return
      case 'untagged-bad':
        send(`500 5.5.2 ${action.text}`)
        if (action.andThen === 'cut') port.cut('fin')
        return
      case 'smtp-reply':
        send(action.reply)
        return
      case 'cut':
        port.cut(action.by ?? 'fin')
        return
      case 'reset-uid-validity': {
        const mailbox = store.find(action.user, action.mailbox)
        if (mailbox !== undefined) store.resetUidValidity(mailbox)
        send(task())
      }
    }
  }

  function onLine(received: string): void {
    if (waiting !== undefined) {
      const next = waiting
      waiting = undefined
      send(next(received))
      return
    }
    const [word = ''] = received.split(' ')
    const verb = word.toUpperCase()
    const argument = received.slice(word.length + 1).trim()
    withFault(port.faultFor({ verb, at: 'command', literalBytes: 0 }), () => run(verb, argument))
    if (verb === 'QUIT' && !over) {
      over = true
      port.close()
    }
  }

  function takeLine(bytes: Uint8Array): number {
    const newline = bytes.indexOf(LF)
    const taken = newline === -1 ? bytes : bytes.subarray(0, newline + 1)
    line.push(taken.slice())
    lineLength += taken.length
    if (lineLength > MAX_LINE_BYTES) {
      send('500 5.5.2 Line too long')
      over = true
      port.close()
    } else if (newline !== -1) {
      const whole = concatBytes(line)
      line = []
      lineLength = 0
      onLine(fromUtf8(whole.subarray(0, whole.at(-2) === CR ? -2 : -1)))
    }
    return taken.length
  }

  function takeData(reader: DataReader, bytes: Uint8Array): number {
    const end = reader.receive(bytes)
    if (end === undefined) return bytes.length
    data = undefined
    const action = port.faultFor({ verb: '.', at: 'command', literalBytes: end.message.length })
    withFault(action, () => finish(end.message))
    // Whatever the fault script made of it, the transaction is over (RFC 5321 §4.1.1.4).
    transaction = undefined
    return end.used
  }

  return {
    start: () => send('220 everdraft ESMTP ready'),
    receive: (bytes) => {
      let rest = bytes
      while (rest.length > 0 && !over) {
        rest = rest.subarray(data === undefined ? takeLine(rest) : takeData(data, rest))
      }
    },
    end: () => {
      over = true
    },
  }
}
