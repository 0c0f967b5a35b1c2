import type { Transport } from './exchange.ts'
import type { UploadProgress } from './upload-progress.ts'

/** By XMLHttpRequest (https://xhr.spec.whatwg.org/), which says how much of a body is sent; the request itself has none. */
export function byXhr(body: Blob, onProgress: ((progress: UploadProgress) => void) | undefined): Transport {
  return async (request) => {
    const { promise, resolve, reject } = Promise.withResolvers<Response>()
    const xhr = new XMLHttpRequest()
    xhr.open(request.method, request.url)
    xhr.responseType = 'blob'
    for (const [name, value] of request.headers) xhr.setRequestHeader(name, value)
    xhr.upload.addEventListener('progress', ({ loaded }) => onProgress?.({ sentBytes: loaded, totalBytes: body.size }))
    xhr.addEventListener('load', () => resolve(responseOf(xhr)))
    xhr.addEventListener('error', () => reject(new TypeError('the connection failed')))
    xhr.addEventListener('abort', () => reject(request.signal.reason as Error))
    const abort = (): void => xhr.abort()
    request.signal.addEventListener('abort', abort, { once: true })
    if (request.signal.aborted) reject(request.signal.reason as Error)
    else xhr.send(body)
    try {
      return await promise
    } finally {
      request.signal.removeEventListener('abort', abort)
    }
  }
}

function responseOf(xhr: XMLHttpRequest): Response {
  const headers = new Headers()
  for (const line of xhr.getAllResponseHeaders().split('\r\n')) {
    const [name = '', ...value] = line.split(': ')
    if (name !== '') headers.append(name, value.join(': '))
  }
  return new Response(xhr.response as Blob, { status: xhr.status, statusText: xhr.statusText, headers })
}
