import {
  EverdraftError,
  WireError,
  type ConflictId,
  type ErrorCode,
  type FieldError,
  type WireErrorCode,
} from '@everdraft/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'

/** An RFC 9457 problem document. `type` is `about:blank`: programs tell problems apart by `code`. */
export interface Problem {
  readonly type: string
  /** The status in words (RFC 9457 §4.2.1). */
  readonly title: string
  readonly status: number
  /** For people: what went wrong, naming the field. */
  readonly detail: string
  /** For programs: stable. */
  readonly code: ProblemCode
  readonly errors?: readonly FieldError[] | undefined
  /** With `CONFLICT`: under which both sides are kept. */
  readonly conflict_id?: ConflictId | undefined
}

export type ProblemCode =
  | ErrorCode
  | WireErrorCode
  | 'UNAUTHENTICATED'
  | 'METHOD_NOT_ALLOWED'
  | 'RANGE_NOT_SATISFIABLE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'IN_FLIGHT'
  | 'WRONG_HOST'
  | 'RATE_LIMITED'
  | 'REQUEST_TIMEOUT'
  | 'HEADERS_TOO_LARGE'
  | 'INTERNAL_ERROR'

export const problemMediaType = 'application/problem+json'

/** What a route throws when REST, not the engine, has something to say. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly status: number
  readonly code: ProblemCode
  readonly headers: Readonly<Record<string, string>>
  readonly errors: readonly FieldError[]

  constructor(
    status: number,
    code: ProblemCode,
    detail: string,
    options: {
      headers?: Readonly<Record<string, string>>
      errors?: readonly FieldError[]
    } = {},
  ) {
    super(detail)
    this.status = status
    this.code = code
    this.headers = options.headers ?? {}
    this.errors = options.errors ?? []
  }
}

/** Of the mail server's errors: what passes by itself is 503; what the account's settings must cure is 422. */
export const statusOfProblem: Readonly<Record<ProblemCode, number>> = {
  VALIDATION_ERROR: 400,
  UNAUTHENTICATED: 401,
  UNAUTHORIZED: 403,
  APPROVAL_REQUIRED: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_TIMEOUT: 408,
  NOT_A_DRAFT: 409,
  NOT_DISCARDED: 409,
  TOO_LATE: 409,
  CONFLICT: 409,
  UNSENT_DRAFTS: 409,
  IN_FLIGHT: 409,
  CANCELLED: 409,
  VERSION_MISMATCH: 412,
  TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  RANGE_NOT_SATISFIABLE: 416,
  WRONG_HOST: 421,
  UNSENDABLE: 422,
  NO_SUBMISSION: 422,
  IDEMPOTENCY_KEY_REUSED: 422,
  CERTIFICATE: 422,
  AUTH_FAILED: 422,
  REFUSED: 422,
  RATE_LIMITED: 429,
  HEADERS_TOO_LARGE: 431,
  INTERNAL_ERROR: 500,
  STORAGE_ERROR: 503,
  STORAGE_IN_USE: 503,
  STORAGE_TOO_NEW: 503,
  SECRETS_LOCKED: 503,
  CLOSED: 503,
  UNREACHABLE: 503,
  TIMEOUT: 503,
  CONNECTION_LOST: 503,
  ABORTED: 503,
}

export const problemSchema: z.ZodType = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(statusOfProblem)),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).exactOptional(),
    conflict_id: z.string().exactOptional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem document with a stable code' })

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  416: 'Range Not Satisfiable',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) {
    return problem(error.status, error.code, error.message, error.errors)
  }
  if (error instanceof EverdraftError) {
    const { code, message, errors, conflictId } = error
    return {
      ...problem(statusOfProblem[code], code, message, errors),
      ...(conflictId === null ? {} : { conflict_id: conflictId }),
    }
  }
  if (error instanceof WireError) return problem(statusOfProblem[error.code], error.code, error.message)
  return problemOfFramework(error)
}

/** Fastify's own errors, by what they mean here. Everything that is not known to be the client's fault is ours. */
function problemOfFramework(error: unknown): Problem {
  const { code, statusCode } = error as { readonly code?: string; readonly statusCode?: number }
  switch (code ?? '') {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return problem(413, 'TOO_LARGE', 'the body is larger than this route takes')
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return problem(415, 'UNSUPPORTED_MEDIA_TYPE', 'Content-Type: this route takes application/json')
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return invalid('body', 'is not JSON')
    case 'FST_ERR_BAD_URL':
      return invalid('path', 'is not a valid URL path')
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return problem(404, 'NOT_FOUND', 'there is nothing under this path')
    default:
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return invalid('request', 'is not a request that this server understands')
  }
  return problem(500, 'INTERNAL_ERROR', 'something went wrong here, not with the request; the log says what')
}

function invalid(path: string, message: string): Problem {
  return problem(400, 'VALIDATION_ERROR', `${path}: ${message}`, [{ path, message }])
}

function problem(status: number, code: ProblemCode, detail: string, errors: readonly FieldError[] = []): Problem {
  return {
    type: 'about:blank',
    title: titles[status] ?? 'Error',
    status,
    detail,
    code,
    ...(errors.length === 0 ? {} : { errors }),
  }
}

export async function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  return await sendFailure(error, request, reply, (document) => ({ type: problemMediaType, body: document }))
}

/** For a route that says in words of its own what went wrong. */
export async function sendFailure(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  render: (document: Problem) => { readonly type: string; readonly body: unknown },
): Promise<FastifyReply> {
  const document = problemOf(error)
  if (document.status >= 500) request.log.error(logged(error), document.code)
  if (error instanceof ProblemError) reply.headers(error.headers)
  if (document.status === 413) {
    // An answer sent while the client still writes is lost in the reset of the connection: read on, and then answer.
    await discardBody(request)
    reply.removeHeader('connection')
  }
  const { type, body } = render(document)
  // The document is no resource of the route: its schema must not shape it.
  return reply.code(document.status).type(type).serializer(JSON.stringify).send(body)
}

/** An error for the log: name, code and stack frames. Its message is left out, as it may hold what a user wrote. */
function logged(error: unknown): { readonly error: { name: string; code: string | undefined; frames: string[] } } {
  const { name, code, stack } = error as { readonly name?: string; readonly code?: string; readonly stack?: string }
  const frames = (stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  return { error: { name: name ?? typeof error, code, frames } }
}

const discardLimitBytes = 256 * 1024 * 1024
const discardTimeoutMs = 20_000

/** Of a body that is of no use any more, so that the answer is heard; not without end. */
export async function discardBody(request: FastifyRequest): Promise<void> {
  const { raw } = request
  if (raw.complete || raw.destroyed) return
  const { promise, resolve } = Promise.withResolvers<void>()
  let discarded = 0
  const timer = setTimeout(resolve, discardTimeoutMs)
  raw.on('data', (chunk: Uint8Array) => {
    discarded += chunk.length
    if (discarded > discardLimitBytes) resolve()
  })
  raw.once('end', resolve).once('close', resolve).once('error', resolve)
  raw.resume()
  await promise
  clearTimeout(timer)
}
