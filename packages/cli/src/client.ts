import type { Problem } from '@everdraft/daemon'

import { CommandFailure } from './failure.ts'

/** An answer of the daemon that is not 2xx. */
export class ApiError extends CommandFailure {
  readonly status: number
  readonly code: string

  constructor(status: number, problem: Partial<Problem>) {
    super(problem.detail ?? `the daemon answered ${status}`)
    this.status = status
    this.code = problem.code ?? 'UNKNOWN'
  }
}

interface Call {
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as it is. */
  readonly body?: Blob
  readonly headers?: Readonly<Record<string, string>>
}

/** everdraft's REST over HTTP. `Answer` is what the daemon's schemas promise for the path. */
export interface Client {
  readonly url: string
  /** Resolves when a search finds what was saved before. A daemon's index follows each save by itself. */
  caughtUp(): Promise<void>
  request<Answer>(method: string, path: string, call?: Call): Promise<Answer>
}

export function createClient(options: {
  readonly url: string
  readonly token: string
  readonly signal?: AbortSignal
}): Client {
  const url = options.url.replace(/\/+$/, '')
  return {
    url,
    caughtUp: async () => {},
    request: async <Answer>(method: string, path: string, call: Call = {}) => {
      const response = await send(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${options.token}`,
          ...(call.json === undefined ? {} : { 'content-type': 'application/json' }),
          ...call.headers,
        },
        body: call.json === undefined ? (call.body ?? null) : JSON.stringify(call.json),
        signal: options.signal ?? null,
      })
      const text = await response.text()
      const answer = text === '' ? null : parseJson(text, url)
      if (!response.ok) throw new ApiError(response.status, answer ?? {})
      return answer as Answer
    },
  }
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    if (init.signal?.aborted === true) throw error
    const cause = (error as { readonly cause?: { readonly code?: string; readonly message?: string } }).cause
    throw new CommandFailure(
      `no daemon answers at ${new URL(url).origin} (${cause?.code ?? cause?.message ?? 'no connection'})`,
    )
  }
}

function parseJson(text: string, url: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new CommandFailure(`what answers at ${url} is no everdraft daemon`)
  }
}
