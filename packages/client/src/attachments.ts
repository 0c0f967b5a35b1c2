import type { Exchange } from './exchange.ts'
import { createIdempotencyKey } from './idempotency.ts'
import type { Attachment } from './resources.ts'
import type { UploadProgress } from './upload-progress.ts'
import { byXhr } from './xhr.ts'

export interface AttachOptions {
  readonly accountId: string
  readonly draftId: string
  readonly filename: string
  /** A `Blob`, as `File` is one, goes out from where it lies. Browsers send a stream over HTTP/2 at best. */
  readonly content: Blob | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>
  /** Default: that of the `Blob`, else `application/octet-stream`. */
  readonly contentType?: string
  /** Default `attachment`; `inline` is shown by the HTML that names its `contentId`. */
  readonly disposition?: 'attachment' | 'inline'
  readonly contentId?: string
  /** A UUID, by which the attachment is known from then on: attaching again under it changes nothing. Default: a fresh one. */
  readonly idempotencyKey?: string
  /** Refuses if the draft has another version by now: `VERSION_MISMATCH`. */
  readonly version?: number
  /** Who does it, for the history. Default `program`. */
  readonly author?: 'user' | 'program'
  readonly onProgress?: (progress: UploadProgress) => void
  readonly signal?: AbortSignal
}

export interface DownloadOptions {
  readonly accountId: string
  readonly draftId: string
  readonly attachmentId: string
  /** From this byte on: to go on where another download broke off. Default 0. */
  readonly start?: number
  readonly signal?: AbortSignal
}

export interface Download {
  readonly content: ReadableStream<Uint8Array<ArrayBuffer>>
  readonly contentType: string
  /** Bytes that come: the whole file less `start`. */
  readonly size: number
}

export interface AttachSetting {
  readonly url: string
  /** A transport of the user's own: then everything goes through it. */
  readonly fetch?: unknown
}

export function createAttach(
  { url, fetch: ownTransport }: AttachSetting,
  exchange: Exchange,
): (options: AttachOptions) => Promise<Attachment> {
  return async (options) => {
    const target = `${url}${attachmentsPath(options)}`
    const init = { method: 'POST', headers: headersOf(options), signal: options.signal ?? null }
    const { onProgress } = options
    const content = options.content instanceof Uint8Array ? new Blob([options.content]) : options.content
    const response = await (async () => {
      if (content instanceof Blob && onProgress === undefined) {
        return exchange(new Request(target, { ...init, body: content }))
      }
      // Browsers do not send a stream over HTTP/1.1, and only XMLHttpRequest tells them how far an upload is.
      if (content instanceof Blob && ownTransport === undefined && typeof XMLHttpRequest === 'function') {
        return exchange(new Request(target, init), byXhr(content, onProgress))
      }
      const body = counted(content, options)
      // Half: the answer is read once the body is sent (https://fetch.spec.whatwg.org/#dom-requestinit-duplex).
      const streaming: RequestInit & { readonly duplex: 'half' } = { ...init, body, duplex: 'half' }
      return exchange(new Request(target, streaming))
    })()
    return (await response.json()) as Attachment
  }
}

function counted(
  content: Blob | ReadableStream<Uint8Array<ArrayBuffer>>,
  { onProgress, signal }: AttachOptions,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const stream = content instanceof Blob ? content.stream() : content
  const totalBytes = content instanceof Blob ? content.size : null
  let sentBytes = 0
  const counter = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform: (chunk, controller) => {
      controller.enqueue(chunk)
      sentBytes += chunk.byteLength
      onProgress?.({ sentBytes, totalBytes })
    },
  })
  // The signal here, too: Node's fetch reads a body on to its end after it was called off.
  return stream.pipeThrough(counter, signal === undefined ? {} : { signal })
}

function headersOf(options: AttachOptions): Record<string, string> {
  const { content, disposition = 'attachment', contentId, version, author } = options
  const type = options.contentType ?? (content instanceof Blob && content.type !== '' ? content.type : undefined)
  return {
    'content-type': type ?? 'application/octet-stream',
    'content-disposition': `${disposition}; filename*=UTF-8''${extendedValue(options.filename)}`,
    'idempotency-key': options.idempotencyKey ?? createIdempotencyKey(),
    ...(contentId === undefined ? {} : { 'content-id': contentId }),
    ...(version === undefined ? {} : { 'if-match': `"${version}"` }),
    ...(author === undefined ? {} : { 'everdraft-author': author }),
  }
}

/** RFC 8187 §3.2.1: attr-char is narrower than what `encodeURIComponent` leaves as it is. */
function extendedValue(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

export function createDownload(url: string, exchange: Exchange): (options: DownloadOptions) => Promise<Download> {
  return async (options) => {
    const { attachmentId, start = 0, signal } = options
    const response = await exchange(
      new Request(`${url}${attachmentsPath(options)}/${encodeURIComponent(attachmentId)}`, {
        // RFC 9110 §14.1.2.
        headers: start === 0 ? {} : { range: `bytes=${start}-` },
        signal: signal ?? null,
      }),
    )
    return {
      content: response.body ?? new Blob([]).stream(),
      contentType: response.headers.get('content-type') ?? 'application/octet-stream',
      size: Number(response.headers.get('content-length')),
    }
  }
}

function attachmentsPath({ accountId, draftId }: { readonly accountId: string; readonly draftId: string }): string {
  return `/accounts/${encodeURIComponent(accountId)}/drafts/${encodeURIComponent(draftId)}/attachments`
}
