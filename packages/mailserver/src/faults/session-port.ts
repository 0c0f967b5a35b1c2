import type { CommandAction, CutBy } from './rules.ts'

export type CommandSighting = {
  readonly verb: string
  readonly at: 'literal' | 'command'
  /** The largest literal of the command so far. */
  readonly literalBytes: number
}

/** What a protocol session is given by whatever runs it. Nothing here waits: a session answers inside `receive`. */
export type SessionPort = {
  send(bytes: Uint8Array): void
  /** The session is over: what was sent still goes out. */
  close(): void
  /** Ends the connection as a fault. */
  cut(by: CutBy): void
  /** What is sent from now on goes out only after this time. */
  delay(delayMs: number): void
  /** Compresses what is sent after this, and takes what comes after it for compressed; undefined where nobody can. */
  readonly startCompression: (() => void) | undefined
  /** What the fault script wants done with a command, if anything. */
  faultFor(command: CommandSighting): CommandAction | undefined
}

export type ProtocolSession = {
  /** The connection is there: sends the greeting. */
  start(): void
  receive(bytes: Uint8Array): void
  /** The connection is gone. */
  end(): void
}
