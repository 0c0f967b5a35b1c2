export type SessionProtocol = 'imap' | 'smtp'

/** How a connection ends: in good order, or by a reset that may overtake what was sent before it. */
export type CutBy = 'fin' | 'rst'

/** Fires at a command. */
export type CommandTrigger = {
  /**
   * The command, in upper case; `STORE` is also `UID STORE`, `*` is any. SMTP's final dot is the verb `.`, an IMAP
   * IDLE ended by the client is `DONE`.
   */
  readonly verb: string
  /** The n-th match since the rule was added; 1 if left out. */
  readonly nth?: number
  /** How many matches in a row, from the n-th on; 1 if left out. */
  readonly times?: number | 'always'
  readonly protocol?: SessionProtocol
  /** Only commands with a literal (or SMTP messages) of at least this size. */
  readonly minLiteralBytes?: number
  /**
   * `literal`: as soon as a literal is announced, in place of `+ OK`, for actions that answer; `command` (the default):
   * when the command has come in whole.
   */
  readonly at?: 'literal' | 'command'
}

/** Fires when this many octets have passed on one connection since the rule was added. */
export type BytesTrigger = {
  readonly bytes: number
  readonly direction: 'client-to-server' | 'server-to-client'
  readonly protocol?: SessionProtocol
}

/** Fires at a new connection. */
export type ConnectTrigger = {
  readonly connect: 'next' | 'every'
  readonly protocol?: SessionProtocol
}

export type CommandAction =
  /** Executes the command and says nothing of it; then goes on, or cuts the connection. */
  | { readonly kind: 'drop-reply'; readonly andThen: 'go-on' | 'cut'; readonly by?: CutBy }
  /** Executes the command; the reply, and all that comes behind it, waits. */
  | { readonly kind: 'delay-reply'; readonly delayMs: number }
  /** Does not execute the command. */
  | { readonly kind: 'answer'; readonly status: 'NO' | 'BAD'; readonly text: string }
  /** Does not execute the command and answers without its tag, as some servers do to a literal they find too large. */
  | { readonly kind: 'untagged-bad'; readonly text: string; readonly andThen?: 'go-on' | 'cut' }
  /** SMTP: does not execute the command and gives this reply, e.g. `451 4.3.0 Try later`. */
  | { readonly kind: 'smtp-reply'; readonly reply: string }
  /** Cuts instead of executing. */
  | { readonly kind: 'cut'; readonly by?: CutBy }
  /** Gives the mailbox a new UIDVALIDITY, its UIDs from 1, and then executes the command. */
  | { readonly kind: 'reset-uid-validity'; readonly user: string; readonly mailbox: string }

export type BytesAction = { readonly kind: 'cut'; readonly by?: CutBy }
export type ConnectAction = { readonly kind: 'refuse' }

export type FaultRule =
  | { readonly on: CommandTrigger; readonly do: CommandAction }
  | { readonly on: BytesTrigger; readonly do: BytesAction }
  | { readonly on: ConnectTrigger; readonly do: ConnectAction }

type CommandRule = Extract<FaultRule, { readonly on: CommandTrigger }>
type BytesRule = Extract<FaultRule, { readonly on: BytesTrigger }>
type ConnectRule = Extract<FaultRule, { readonly on: ConnectTrigger }>

export const isCommandRule = (rule: FaultRule): rule is CommandRule => 'verb' in rule.on
export const isBytesRule = (rule: FaultRule): rule is BytesRule => 'bytes' in rule.on
export const isConnectRule = (rule: FaultRule): rule is ConnectRule => 'connect' in rule.on
