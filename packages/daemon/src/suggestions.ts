import type { Draft, Webhook } from '@everdraft/core'

/** What might be written instead: whoever asked decides, and saves what is taken as any other edit. */
export interface Suggestion {
  /** What a person chooses by; null: it has no name. */
  readonly label: string | null
  /** Null: as it is, for each of these; one of them is there. */
  readonly subject: string | null
  readonly text: string | null
  /** As it came from outside: to be cleaned before it is shown. */
  readonly html: string | null
}

export interface SuggestionRequest {
  readonly draft: Draft
  /** What the person wants, such as "shorter"; null: whatever comes to mind. */
  readonly instructions: string | null
}

/** How somebody is asked. Nothing is asked by itself, and nothing that is answered is stored. */
export interface SuggestionOptions {
  /** Who is asked: a webhook of the draft's owner. */
  readonly webhook: Webhook
  /** To the end of the answer. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** The door to whoever has ideas: a language model, templates, a colleague's program. None is built in. */
export interface SuggestionPort {
  /** The best first; none where nobody has an idea. @throws {SuggestionError} */
  suggest(request: SuggestionRequest, options: SuggestionOptions): Promise<readonly Suggestion[]>
}

/** `REFUSED`: it does not want to, or what it answers is not understood. */
export type SuggestionErrorCode = 'REFUSED' | 'UNREACHABLE' | 'CERTIFICATE' | 'TIMEOUT' | 'SECRETS_LOCKED'

export class SuggestionError extends Error {
  override readonly name = 'SuggestionError'
  readonly code: SuggestionErrorCode

  constructor(code: SuggestionErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
