import type { Responder, ResponderRequest, ResponderTarget } from '../responder/responder.ts'

/** Asks a program outside: posts the request as JSON, signed, and gives what came back as JSON, or null for none (204). */
export interface ResponderPort {
  /** @throws {ResponderError} */
  ask(call: ResponderCall, options: { readonly signal: AbortSignal; readonly timeoutMs: number }): Promise<unknown>
}

export interface ResponderCall {
  readonly target: Extract<ResponderTarget, { readonly kind: 'url' }>
  readonly request: ResponderRequest
  /** Signs the request. */
  readonly secret: string
  /** The same each time that the same mail is asked about. */
  readonly deliveryId: string
}

/** Whom responders' settings may name. */
export interface Responders {
  /** Functions of the program that the engine is part of, by the names that `module` has in settings. */
  readonly modules?: Readonly<Record<string, Responder>>
  /** Without it no URL can be asked. */
  readonly webhooks?: ResponderPort
}

export type ResponderErrorCode =
  /** Nobody there: the mail waits, and it costs no try. */
  | 'UNREACHABLE'
  /** It asks for less, or has no time now (429, 503): likewise. */
  | 'BUSY'
  | 'TIMEOUT'
  /** Another status than 2xx. */
  | 'REFUSED'
  | 'REDIRECT'
  | 'CERTIFICATE'
  /** The name leads into a network that is not the public one. */
  | 'FORBIDDEN_ADDRESS'
  /** It threw. */
  | 'THREW'
  /** What it answered is no answer. */
  | 'NONSENSE'
  /** Nothing of that name is there, or nobody who could ask. */
  | 'NOT_THERE'
  | 'SECRETS_LOCKED'

/** Why there is no answer. The message is fit for a user's eyes: no text of a mail or of an answer, no secret. */
export class ResponderError extends Error {
  override readonly name = 'ResponderError'
  readonly code: ResponderErrorCode

  constructor(code: ResponderErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
