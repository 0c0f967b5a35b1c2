import type { components } from './schema.ts'

/** An RFC 9457 problem document, as the daemon writes it. */
export type Problem = components['schemas']['Problem']

/** How the draft manager says no: in an envelope of its own. */
type Failure = components['schemas']['DraftManagerFailure']

/** What an answer that is not 2xx has in it. */
export type ProblemBody = Partial<Omit<Problem, 'status'>> & Partial<Omit<Failure, 'status'>>

/** Stable; a newer daemon may know more of them. `UNKNOWN`: what answered was no everdraft daemon. */
export type ProblemCode = Problem['code'] | Failure['errorCode'] | 'UNKNOWN'

/** The daemon says no: an answer that is not 2xx. The message is its `detail`, for people. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  /** Of HTTP, such as 412. */
  readonly status: number
  /** What programs go by. */
  readonly code: ProblemCode
  /** With `VALIDATION_ERROR` and `UNSENDABLE`: each field that is wrong, by its path. */
  readonly errors: NonNullable<Problem['errors']>
  /** With `CONFLICT`: under which both sides are kept. */
  readonly conflictId: string | null
  /** How long the daemon asks to wait (`Retry-After`, RFC 9110 §10.2.3); null: it does not say. */
  readonly retryAfterMs: number | null

  /** With an error of the draft manager: what came with it, as what is stored with `CONFLICT_ERROR`. */
  readonly output: NonNullable<Failure['output']> | null

  constructor(status: number, problem: ProblemBody, retryAfterMs: number | null) {
    super(problem.detail ?? problem.error ?? `the daemon answered ${status}`)
    this.status = status
    this.code = problem.code ?? problem.errorCode ?? 'UNKNOWN'
    this.errors = problem.errors ?? []
    this.output = problem.output ?? null
    this.conflictId = problem.conflict_id ?? problem.output?.conflict?.conflictId ?? null
    this.retryAfterMs = retryAfterMs
  }
}

/** No answer came, or it broke off: whether the request was carried out is not known. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'

  constructor(url: string, cause: unknown) {
    super(`no answer from ${new URL(url).origin}`, { cause })
  }
}
