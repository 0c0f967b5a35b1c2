import { ConnectionError, type ProblemBody, ProblemError } from './errors.ts'

/**
 * Sends a request with the token, and gives the answer if it is 2xx.
 * @throws {ProblemError} for any other answer
 * @throws {ConnectionError} where none came; an abort is thrown as it is
 */
export type Exchange = (request: Request, transport?: Transport) => Promise<Response>

/** Brings a request to the daemon, as `fetch` does. */
export type Transport = (request: Request) => Promise<Response>

export interface ExchangeOptions {
  readonly token: string
  /** In the place of the platform's own. */
  readonly fetch?: Transport
}

export function createExchange({
  token,
  fetch: ownTransport = (request) => fetch(request),
}: ExchangeOptions): Exchange {
  return async (request, transport = ownTransport) => {
    request.headers.set('authorization', `Bearer ${token}`)
    const response = await unlessLost(request, () => transport(request))
    if (!response.ok) throw await problemOf(request, response)
    return response
  }
}

/** Where an answer comes from, and what calls it off. */
export interface Source {
  readonly url: string
  readonly signal?: AbortSignal | undefined
}

/** What is thrown on the way, but by an abort, is a lost connection. */
export async function unlessLost<Result>({ url, signal }: Source, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (signal?.aborted === true || error instanceof ProblemError || error instanceof ConnectionError) throw error
    throw new ConnectionError(url, error)
  }
}

async function problemOf(request: Request, response: Response): Promise<ProblemError> {
  const text = await unlessLost(request, () => response.text())
  return new ProblemError(response.status, parseProblem(text), retryAfterOf(response))
}

function parseProblem(text: string): ProblemBody {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    // A proxy on the way answers with a page of its own.
    return {}
  }
}

/** In seconds, as the daemon says it; a date is left to the back-off. */
function retryAfterOf(response: Response): number | null {
  const seconds = /^\d{1,6}$/.exec(response.headers.get('retry-after') ?? '')?.[0]
  return seconds === undefined ? null : Number(seconds) * 1000
}
