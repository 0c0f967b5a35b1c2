import createFetchClient from 'openapi-fetch'

import { type AttachOptions, createAttach, createDownload, type Download, type DownloadOptions } from './attachments.ts'
import type { Answer, Call, Method } from './call.ts'
import { type EventOptions, followEvents, type ServerEvent } from './events.ts'
import { createExchange, type Source, type Transport, unlessLost } from './exchange.ts'
import type { Attachment } from './resources.ts'
import type { paths } from './schema.ts'

export interface ClientOptions {
  /** Of the daemon, such as `http://127.0.0.1:8025`. */
  readonly url: string
  readonly token: string
  /** In the place of the platform's own `fetch`. */
  readonly fetch?: Transport
}

/** everdraft's REST, typed by its OpenAPI document. It holds no connection: there is nothing to close. */
export interface Client {
  readonly GET: Call<'get'>
  readonly PUT: Call<'put'>
  readonly POST: Call<'post'>
  readonly PATCH: Call<'patch'>
  readonly DELETE: Call<'delete'>
  /** Attaches a file, which is sent as it is read. @throws {ProblemError | ConnectionError} */
  attach(options: AttachOptions): Promise<Attachment>
  /** An attachment's bytes, as they come. @throws {ProblemError | ConnectionError} */
  download(options: DownloadOptions): Promise<Download>
  /**
   * What happens from now on, or since `after`: each event once, and in order, over lost connections and restarts of the
   * daemon. It ends by `signal`, or when the loop over it is left. @throws {ProblemError} where trying again is no use
   */
  events(options?: EventOptions): AsyncGenerator<ServerEvent, void, undefined>
}

interface UntypedCall {
  readonly signal?: AbortSignal
  readonly params?: object
  readonly body?: unknown
}

export function createClient(options: ClientOptions): Client {
  const url = options.url.replace(/\/+$/, '')
  const exchange = createExchange(options)
  // It knows paths, queries and bodies; what comes back is read here, by its type.
  const inner = createFetchClient<paths>({ baseUrl: url, fetch: (request) => exchange(request) })

  function call(method: Method): (path: string, options?: UntypedCall) => Promise<Answer<unknown>> {
    return async (path, called = {}) => {
      const { response } = await inner.request(method, path as never, { ...called, parseAs: 'stream' } as never)
      return { data: await dataOf(response, { url, signal: called.signal }), response }
    }
  }

  return {
    GET: call('get') as Client['GET'],
    PUT: call('put') as Client['PUT'],
    POST: call('post') as Client['POST'],
    PATCH: call('patch') as Client['PATCH'],
    DELETE: call('delete') as Client['DELETE'],
    attach: createAttach({ ...options, url }, exchange),
    download: createDownload(url, exchange),
    events: (eventOptions = {}) => followEvents(url, exchange, eventOptions),
  }
}

async function dataOf(response: Response, source: Source): Promise<unknown> {
  if (response.status === 204) return undefined
  return await unlessLost(source, async () => {
    const text = await response.text()
    return /\bjson\b/.test(response.headers.get('content-type') ?? '') ? (JSON.parse(text) as unknown) : text
  })
}
