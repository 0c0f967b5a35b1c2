/** What every real server's file gives the driver: how it is started here, and how in a container. */
export interface ServerDefinition {
  readonly name: ServerName
  /** How the server is called in the names of tests. */
  readonly title: string
  readonly supports: ServerSupport
  /** The script in test/servers. */
  readonly script: string
  /** Commands that must be on the path. */
  readonly programs: readonly string[]
  /** Whether it runs in bubblewrap, and so needs user namespaces. */
  readonly sandboxed: boolean
  /** What prepare.sh must have put into the cache; none: the distribution's own package is used. */
  readonly cached?: string
  readonly ports: readonly PortName[]
  readonly password: string
  readonly domain: string
  /** How docker/compose.yaml offers this server; none: it does not. */
  readonly container?: Container
}

export interface Container {
  readonly service: string
  readonly password: string
  readonly domain: string
  /** The variables of docker/compose.yaml that choose the published ports. */
  readonly ports: Readonly<Partial<Record<PortName, string>>>
  /** The variable that lists the users as `name:password@domain`, where the image wants to know them beforehand. */
  readonly users?: string
  /** Makes users where the image does not accept every name; called once the server greets. */
  readonly makeUsers?: (ports: ReadonlyMap<PortName, number>, names: readonly string[]) => Promise<void>
}

export type ServerName = 'dovecot24' | 'dovecot23' | 'cyrus310' | 'greenmail'
export type PortName = 'IMAP_PORT' | 'SMTP_PORT' | 'SUBM_PORT' | 'HTTP_PORT' | 'ADMIN_PORT'

/** What tests may ask of a server: data, so that no test asks for a server by its name. */
export interface ServerSupport {
  readonly uidplus: boolean
  readonly condstore: boolean
  readonly replace: boolean
  readonly catenate: boolean
  readonly literal8: boolean
  readonly compress: boolean
  readonly specialUse: boolean
  readonly objectId: boolean
  /** Mailboxes, UIDs and UIDVALIDITY are the same after a restart. */
  readonly durable: boolean
  /** The folder for drafts, if a new user has one. */
  readonly drafts: string | null
  readonly sent: string | null
}

export interface MailUser {
  readonly user: string
  readonly password: string
  readonly address: string
}

export interface ServerOptions {
  /** Plain SMTP on loopback, where the submission service of Dovecot relays to; without it `smtpPort` is not offered. */
  readonly relayPort?: number
  /** Environment of the script: `IMAP_CAPABILITY`, `SPECIAL_USE`, `LITERAL_MINUS`, `MAXMSG`, `EXTRA` (see test/servers). */
  readonly environment?: Readonly<Record<string, string>>
  /** What the environment makes of it: how it is called in the names of tests, and what it has no more. */
  readonly variant?: { readonly title: string; readonly supports: Partial<ServerSupport> }
}

/** A real server on loopback with a state of its own. Everything is removed by `stop`. */
export interface RunningServer {
  readonly name: ServerName
  readonly supports: ServerSupport
  readonly host: string
  readonly imapPort: number
  /** Takes mail for delivery (GreenMail) or for the relay of `ServerOptions.relayPort` (Dovecot). */
  readonly smtpPort?: number
  /** JMAP (Cyrus). */
  readonly httpPort?: number
  /** The n-th user (from 1), or one that nobody was given yet. A mailbox nobody has touched is what isolates tests. */
  user(n?: number): MailUser
  /** Ends the server in order and removes its state. Rejects if the server had ended by itself. */
  stop(): Promise<void>
  /** kill -9 of every process of the server; the state stays, `restart` starts it again. */
  kill(): Promise<void>
  /** Ends the server if it runs and starts it with the same state (where `supports.durable`) and on the same ports. */
  restart(): Promise<void>
}

export type Availability =
  | { readonly available: true; readonly way: 'local' | 'docker' }
  | { readonly available: false; readonly reason: string }

/** One way to run a server: the same four verbs for a local program and for a container. */
export interface ServerProcess {
  start(): Promise<void>
  /** In order; rejects if it had ended by itself. */
  end(): Promise<void>
  kill(): Promise<void>
  /** Rejects, with what the server last said, when it ends without having been told to. */
  readonly crashed: Promise<never>
  /** Removes what only this way of running it leaves behind. */
  clean(): Promise<void>
}
