import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'

import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

/** What the sink has taken: it answered 250 to the dot. */
export interface SinkMail {
  readonly from: string
  readonly recipients: readonly string[]
  /** Between DATA and the dot, unstuffed. */
  readonly bytes: Buffer
  /** MAIL's parameters, names in upper case. */
  readonly parameters: Readonly<Record<string, string | boolean>>
  readonly secure: boolean
  /** Who logged in; null where nobody had to. */
  readonly user: string | null
}

export interface SinkReply {
  readonly code: number
  readonly text: string
}

export interface SmtpSinkOptions {
  /** Its own port, if it must be a certain one. */
  readonly port?: number
  /** By which a client logs in; none: nobody has to. */
  readonly users?: Readonly<Record<string, string>>
  /** OAuth tokens by which a client may log in instead. */
  readonly tokens?: Readonly<Record<string, string>>
  /** `starttls` offers it, and takes no login before it. Default `none`: it is not even offered. */
  readonly security?: 'none' | 'starttls' | 'tls'
  readonly tls?: { readonly key: string; readonly cert: string }
  readonly sizeLimit?: number
  readonly without?: readonly ('PIPELINING' | '8BITMIME' | 'SMTPUTF8' | 'DSN' | 'SIZE')[]
  /** Not taken: what RCPT is answered for an address. */
  readonly refuse?: (recipient: string) => SinkReply | null
  /** What the dot is answered instead of 250; nothing is kept then. */
  readonly refuseMessage?: (bytes: Buffer) => SinkReply | null
}

/** Takes mail, counts it, and refuses what it is told to. It gives nothing to anybody. */
export interface SmtpSink {
  readonly port: number
  readonly received: readonly SinkMail[]
  close(): Promise<void>
}

export async function createSmtpSink(options: SmtpSinkOptions = {}): Promise<SmtpSink> {
  const { users, tokens, security = 'none', without = [] } = options
  const received: SinkMail[] = []
  const server = new SMTPServer({
    secure: security === 'tls',
    ...options.tls,
    logger: false,
    authOptional: users === undefined && tokens === undefined,
    authMethods: [...(users ? ['PLAIN', 'LOGIN'] : []), ...(tokens ? ['XOAUTH2'] : [])],
    allowInsecureAuth: security === 'none',
    hidePIPELINING: without.includes('PIPELINING'),
    hide8BITMIME: without.includes('8BITMIME'),
    hideSMTPUTF8: without.includes('SMTPUTF8'),
    hideDSN: without.includes('DSN'),
    hideSize: without.includes('SIZE'),
    disabledCommands: [...(security === 'none' ? ['STARTTLS'] : []), ...(users || tokens ? [] : ['AUTH'])],
    disableReverseLookup: true,
    closeTimeout: 1,
    ...(options.sizeLimit === undefined ? {} : { size: options.sizeLimit }),
    onAuth({ username = '', password, accessToken }, _session, callback) {
      const known = accessToken === undefined ? users?.[username] === password : tokens?.[username] === accessToken
      if (known) callback(null, { user: username })
      else callback(problem({ code: 535, text: '5.7.8 No such user or password' }))
    },
    onRcptTo({ address }, _session, callback) {
      const reply = options.refuse?.(address) ?? null
      callback(reply === null ? null : problem(reply))
    },
    onData(stream, session, callback) {
      const pieces: Buffer[] = []
      stream.on('data', (piece: Buffer) => pieces.push(piece))
      stream.on('end', () => {
        const bytes = Buffer.concat(pieces)
        const { mailFrom, rcptTo } = session.envelope
        const tooLarge = stream.sizeExceeded ? { code: 552, text: '5.3.4 Message too big' } : null
        const reply = tooLarge ?? options.refuseMessage?.(bytes) ?? null
        if (reply !== null) {
          callback(problem(reply))
          return
        }
        received.push({
          from: mailFrom ? mailFrom.address : '',
          recipients: rcptTo.map(({ address }) => address),
          bytes,
          parameters: mailFrom ? { ...mailFrom.args } : {},
          secure: session.secure,
          user: typeof session.user === 'string' ? session.user : null,
        })
        callback(null, `2.0.0 Ok: queued as SINK${received.length}`)
      })
    },
  } satisfies SMTPServerOptions)
  // A client that resets its connection is what the sink is for.
  server.on('error', () => {})
  // Replies to pipelined commands are written one by one: the second would wait for the other side's delayed ACK.
  server.server.on('connection', (socket: Socket) => void socket.setNoDelay(true))
  const listener = server.listen(options.port ?? 0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    port: (listener.address() as AddressInfo).port,
    received,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

function problem({ code, text }: SinkReply): Error {
  return Object.assign(new Error(text), { responseCode: code })
}
