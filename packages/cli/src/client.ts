import { open, rm } from 'node:fs/promises'

import {
  ConnectionError,
  createClient as createTypedClient,
  ProblemError,
  type Attachment,
  type AttachOptions,
  type EventOptions,
  type ServerEvent,
} from '@everdraft/client'
import type { Problem } from '@everdraft/daemon'

import { CommandFailure } from './failure.ts'

/** An answer of the daemon that is not 2xx. */
export class ApiError extends CommandFailure {
  readonly status: number
  readonly code: string

  constructor(status: number, problem: Partial<Pick<Problem, 'detail'>> & { readonly code?: string }) {
    super(problem.detail ?? `the daemon answered ${status}`)
    this.status = status
    this.code = problem.code ?? 'UNKNOWN'
  }
}

interface Call {
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as it is, in the place of JSON. */
  readonly body?: Blob
  readonly headers?: Readonly<Record<string, string>>
}

/** How much of something long is done; null: nobody knows how much there is. */
type OnBytes = (doneBytes: number, totalBytes: number | null) => void

/** everdraft's REST over HTTP. `Answer` is what the daemon's schemas promise for the path. */
export interface Client {
  readonly url: string
  /** Resolves when a search finds what was saved before. A daemon's index follows each save by itself. */
  caughtUp(): Promise<void>
  request<Answer>(method: string, path: string, call?: Call): Promise<Answer>
  attach(options: AttachOptions): Promise<Attachment>
  /** What happens from now on, until the signal. */
  events(options: EventOptions & { readonly signal: AbortSignal }): AsyncIterable<ServerEvent>
  /** Copies the whole store into a new file. */
  backup(path: string, onBytes: OnBytes): Promise<void>
  /** What is answered, as it is, into a new file. @returns its size */
  download(from: string, path: string, onBytes: OnBytes): Promise<number>
}

export function createClient(options: {
  readonly url: string
  readonly token: string
  readonly signal?: AbortSignal
}): Client {
  const url = options.url.replace(/\/+$/, '')
  const { token, signal } = options
  const typed = createTypedClient({ url, token })

  async function respond(method: string, path: string, call: Call = {}): Promise<Response> {
    const response = await send(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(call.json === undefined ? {} : { 'content-type': 'application/json' }),
        ...call.headers,
      },
      body: call.body ?? (call.json === undefined ? null : JSON.stringify(call.json)),
      signal: signal ?? null,
    })
    if (!response.ok) throw new ApiError(response.status, (await answerOf(response, url)) ?? {})
    return response
  }

  return {
    url,
    caughtUp: async () => {},
    request: async <Answer>(method: string, path: string, call: Call = {}) =>
      (await answerOf(await respond(method, path, call), url)) as Answer,
    attach: async (attachOptions) => {
      try {
        return await typed.attach({ ...(signal === undefined ? {} : { signal }), ...attachOptions })
      } catch (error) {
        if (error instanceof ProblemError) throw new ApiError(error.status, { code: error.code, detail: error.message })
        if (error instanceof ConnectionError) throw noAnswer(url, error.cause)
        throw error
      }
    },
    events: (eventOptions) => typed.events(eventOptions),
    backup: async (path, onBytes) => void (await intoFile('/backup', { path, what: 'a backup', onBytes })),
    download: async (from, path, onBytes) => await intoFile(from, { path, what: 'an export', onBytes }),
  }

  async function intoFile(
    from: string,
    { path, what, onBytes }: { readonly path: string; readonly what: string; readonly onBytes: OnBytes },
  ): Promise<number> {
    const file = await createFile(path, what)
    try {
      const { body, headers } = await respond('GET', from)
      const length = headers.get('content-length')
      let doneBytes = 0
      for await (const chunk of body ?? []) {
        await file.writeFile(chunk)
        doneBytes += chunk.byteLength
        onBytes(doneBytes, length === null ? null : Number(length))
      }
      await file.sync()
      await file.close()
      return doneBytes
    } catch (error) {
      // Half a copy is none.
      await file.close()
      await rm(path, { force: true })
      if (error instanceof TypeError) throw noAnswer(url, error)
      throw isOfFile(error) ? new CommandFailure(`${path} cannot be written: ${error.message}`) : error
    }
  }
}

/** A new one, which nobody else may read. */
async function createFile(path: string, what: string): ReturnType<typeof open> {
  try {
    return await open(path, 'wx', 0o600)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new CommandFailure(
      code === 'EEXIST'
        ? `${path} is there already: ${what} writes over nothing`
        : `${path} cannot be made: ${message}`,
    )
  }
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    if (init.signal?.aborted === true) throw error
    throw noAnswer(url, error)
  }
}

function isOfFile(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error
}

/** In `fetch`'s error the reason is a cause of its own. */
function noAnswer(url: string, error: unknown): CommandFailure {
  const { cause } = error as { readonly cause?: { readonly code?: string; readonly message?: string } }
  return new CommandFailure(
    `no daemon answers at ${new URL(url).origin} (${cause?.code ?? cause?.message ?? 'no connection'})`,
  )
}

async function answerOf(response: Response, url: string): Promise<object | null> {
  const text = await response.text()
  if (text === '') return null
  try {
    return JSON.parse(text) as object
  } catch {
    throw new CommandFailure(`what answers at ${url} is no everdraft daemon`)
  }
}
