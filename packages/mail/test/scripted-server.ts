import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { createServer as createTlsServer, TLSSocket } from 'node:tls'

import type { MailboxSession, ServerSettings } from '@everdraft/core'
import { imap } from '@everdraft/mail'

/** Hears each line of the client after the login and may write and read what it likes. */
export type Script = (line: string, connection: ScriptedConnection) => void

interface ScriptedConnection {
  /** Of the line that is being heard. */
  readonly tag: string
  readonly socket: Socket
  readonly write: (text: string) => void
  /** The tagged answer to the line that is being heard. */
  readonly answer: (text: string) => void
  /** The next bytes are a literal and not lines. */
  readonly skipLiteral: (size: number) => void
  /** Everything that the client has sent so far. */
  readonly received: string
}

export interface ScriptedServer {
  readonly settings: ServerSettings
  /** Of the newest connection. */
  readonly received: string
  connect(options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal }): Promise<MailboxSession>
  close(): void
}

export interface ScriptedServerOptions {
  readonly capabilities?: string
  readonly security?: ServerSettings['security']
  readonly allowUntrusted?: boolean
  /** The answer to AUTHENTICATE; by a function, the answer to this one. */
  readonly login?: string | ((command: string) => string)
  /** What can be logged in by. */
  readonly mechanisms?: string
  /** In the clear, right after the OK to STARTTLS. */
  readonly injected?: string
  /** Instead of `OK`. */
  readonly greeting?: string
}

/** A server that greets and logs in as the others do, and then does what the script says. */
export async function startScripted(script: Script, options: ScriptedServerOptions = {}): Promise<ScriptedServer> {
  const { capabilities = 'IMAP4rev1 UIDPLUS', security = 'none', allowUntrusted = false } = options
  const sockets = new Set<Socket>()
  let newest: Connection | null = null
  const onSocket = (socket: Socket): void => {
    sockets.add(socket)
    newest = new Connection(socket, script, { ...options, capabilities })
  }
  const server = security === 'tls' ? createTlsServer({ key, cert }, onSocket) : createServer(onSocket)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const settings: ServerSettings = {
    host: '127.0.0.1',
    port,
    security,
    user: 'ann',
    password: 'secret',
    allowUntrusted,
  }
  return {
    settings,
    get received() {
      return newest?.received ?? ''
    },
    connect: async ({ timeoutMs = 5000, signal = new AbortController().signal } = {}) =>
      imap().connect(settings, { signal, timeoutMs }),
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

class Connection implements ScriptedConnection {
  socket: Socket
  received = ''
  readonly #script: Script
  readonly #options: ScriptedServerOptions & { readonly capabilities: string }
  #buffer = ''
  #literal = 0
  tag = ''

  constructor(socket: Socket, script: Script, options: ScriptedServerOptions & { readonly capabilities: string }) {
    this.socket = socket
    this.#script = script
    this.#options = options
    this.#listen(socket)
    this.write(`* ${options.greeting ?? 'OK'} [CAPABILITY ${this.#advertised}] ready\r\n`)
  }

  get #advertised(): string {
    const { capabilities, mechanisms = 'AUTH=PLAIN SASL-IR' } = this.#options
    return `${capabilities} ${mechanisms}`
  }

  readonly write = (text: string): void => {
    this.socket.write(text, 'latin1')
  }

  readonly answer = (text: string): void => {
    this.write(`${this.tag} ${text}\r\n`)
  }

  readonly skipLiteral = (size: number): void => {
    this.#literal = size
  }

  /** As a server does it for STARTTLS. */
  startTls(): void {
    this.socket.removeAllListeners('data')
    this.socket = new TLSSocket(this.socket, { isServer: true, key, cert })
    this.#listen(this.socket)
  }

  #listen(socket: Socket): void {
    socket.on('error', () => {})
    socket.on('data', (data) => {
      const text = data.toString('latin1')
      this.received += text
      this.#buffer += text
      this.#cut()
    })
  }

  #cut(): void {
    for (;;) {
      const taken = Math.min(this.#literal, this.#buffer.length)
      this.#literal -= taken
      this.#buffer = this.#buffer.slice(taken)
      const end = this.#literal > 0 ? -1 : this.#buffer.indexOf('\r\n')
      if (end < 0) return
      const line = this.#buffer.slice(0, end)
      this.#buffer = this.#buffer.slice(end + 2)
      this.#hear(line)
    }
  }

  #hear(line: string): void {
    const [tag = '', ...rest] = line.split(' ')
    const command = rest.join(' ')
    // What continues a command, after a literal, has no tag of its own.
    if (/^[0-9A-Za-z]{1,4}$/.test(tag) && rest.length > 0) this.tag = tag
    const { login, capabilities, injected = '' } = this.#options
    if (/^AUTHENTICATE |^LOGIN /i.test(command)) {
      const answer = typeof login === 'function' ? login(command) : login
      this.answer(answer ?? `OK [CAPABILITY ${capabilities}] logged in`)
    }
    // imapflow asks for the namespace, or, without NAMESPACE, for the delimiter.
    else if (/^(?:NAMESPACE|ID |LIST "" ""$)/i.test(command)) this.answer('OK done')
    else if (/^CAPABILITY/i.test(command)) {
      this.write(`* CAPABILITY ${this.#advertised}\r\n`)
      this.answer('OK done')
    } else if (/^STARTTLS/i.test(command)) {
      this.write(`${this.tag} OK begin\r\n${injected}`)
      this.startTls()
    } else this.#script(command === '' ? line : command, this)
  }
}

// For tests on loopback only: the key is no secret.
const cert = `
-----BEGIN CERTIFICATE-----
MIIBqDCCAU+gAwIBAgIUeLRilyy2xzwQZbZ4iBm5ST2E2GgwCgYIKoZIzj0EAwIw
GzEZMBcGA1UEAwwQaW1hcC5leGFtcGxlLm9yZzAgFw0yNjExMjEwNjQwNDhaGA8y
MTI2MTAyODA2NDA0OFowGzEZMBcGA1UEAwwQaW1hcC5leGFtcGxlLm9yZzBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABJG8r48RRRp1Bc+RCrHIw1Pyt2+M1l0EhA6M
7T7hKMo5/nw88PV2cRLVkUwrY8ClI59of5awaSTISCd+lA5YRSqjbzBtMB0GA1Ud
DgQWBBSR9TGDYwIVyah4VfMR3H+ycjZ5XjAfBgNVHSMEGDAWgBSR9TGDYwIVyah4
VfMR3H+ycjZ5XjAPBgNVHRMBAf8EBTADAQH/MBoGA1UdEQQTMBGCCWxvY2FsaG9z
dIcEfwAAATAKBggqhkjOPQQDAgNHADBEAiBVw561M+pIdAoTdXUlfGDgtVeniMmo
YnG9qcl93VOUiQIgVbXMls6i7V6qOT8CkN+5kXNT7kZhktw2uXlf2HgqJv8=
-----END CERTIFICATE-----
`
const key = `
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg7I3bdtAwrgroFOoZ
UncaP/ExMnDtF7wuFR9Z29ZsEAyhRANCAASRvK+PEUUadQXPkQqxyMNT8rdvjNZd
BIQOjO0+4SjKOf58PPD1dnES1ZFMK2PApSOfaH+WsGkkyEgnfpQOWEUq
-----END PRIVATE KEY-----
`

export const certificate: { readonly key: string; readonly cert: string } = { key, cert }
