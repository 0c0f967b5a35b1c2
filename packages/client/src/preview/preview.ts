import type { Client } from '../client.ts'
import type { Attachment } from '../resources.ts'
import { fileKind, type FileKind, headBytes } from './file-kind.ts'
import { PreviewError } from './preview-error.ts'
import { openFile } from './read-file.ts'
import { type PdfLibrary, showPdf } from './show-pdf.ts'
import { showPicture } from './show-picture.ts'
import { showSvg } from './show-svg.ts'
import { showText } from './show-text.ts'

export interface PreviewOptions {
  readonly client: Client
  readonly accountId: string
  readonly draftId: string
  readonly attachment: Pick<Attachment, 'id' | 'content_type' | 'size'>
  /** Where it is shown. Nothing is fetched until that is on the screen. */
  readonly into: HTMLElement
  /** In pixels; pictures and pages are made no larger. Default 512 each. */
  readonly width?: number
  readonly height?: number
  /** `() => import('pdfjs-dist')`, with its worker set: fetched when the first PDF is shown. Without it there is no preview of PDFs. */
  readonly pdf?: () => Promise<PdfLibrary>
  /** Of text, where the sender said it; else it is found out. */
  readonly charset?: string
  readonly signal?: AbortSignal
}

export interface Preview extends Disposable {
  readonly kind: 'picture' | 'text' | 'pdf'
  readonly element: HTMLElement
  /** Only the beginning of the text is shown. */
  readonly truncated: boolean
}

/** Bytes of the file; of a text only the beginning is fetched. */
const mostBytes: Readonly<Record<FileKind, number>> = {
  png: 30_000_000,
  jpeg: 30_000_000,
  gif: 30_000_000,
  webp: 30_000_000,
  svg: 1_000_000,
  pdf: 50_000_000,
  text: 65_536,
}

/**
 * Shows what an attachment is: a picture, the beginning of a text, the first page of a PDF. What it is, is found in its bytes,
 * whatever it is called; nothing of it runs, and no address of it stays in the page. Disposing takes it away.
 * @throws {PreviewError} where it cannot be shown, or not safely
 * @throws {ProblemError | ConnectionError} where it cannot be fetched
 */
export async function previewAttachment(options: PreviewOptions): Promise<Preview> {
  const { client, accountId, draftId, attachment, into, signal } = options
  await onScreen(into, signal)
  const { content } = await client.download({
    accountId,
    draftId,
    attachmentId: attachment.id,
    ...(signal === undefined ? {} : { signal }),
  })
  const file = openFile(content)
  try {
    const kind = fileKind(await file.read(headBytes), attachment.content_type)
    if (kind !== null && kind !== 'text' && attachment.size > mostBytes[kind]) {
      throw new PreviewError('TOO_LARGE', `the file has ${attachment.size} bytes`)
    }
    const bytes = kind === null ? new Uint8Array() : await file.read(mostBytes[kind])
    const shown = await show(kind, bytes, options)
    signal?.throwIfAborted()
    into.append(shown.element)
    return { ...shown, truncated: attachment.size > bytes.length, [Symbol.dispose]: () => shown.element.remove() }
  } finally {
    await file.close()
  }
}

async function show(
  kind: FileKind | null,
  bytes: Uint8Array<ArrayBuffer>,
  { width = 512, height = 512, pdf, charset }: PreviewOptions,
): Promise<Pick<Preview, 'kind' | 'element'>> {
  const box = { width, height }
  if (kind === 'text') return { kind, element: showText(bytes, charset ?? null) }
  if (kind === 'svg') return { kind: 'picture', element: await showSvg(bytes, box) }
  if (kind === 'pdf' && pdf !== undefined) return { kind, element: await showPdf(bytes, box, pdf) }
  if (kind === null || kind === 'pdf') throw new PreviewError('UNSUPPORTED', 'there is no preview of such a file')
  return { kind: 'picture', element: await showPicture(kind, bytes, box) }
}

async function onScreen(element: HTMLElement, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const observer = new IntersectionObserver((seen) => {
    if (seen.some(({ isIntersecting }) => isIntersecting)) resolve()
  })
  const abort = (): void => reject(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  if (signal?.aborted === true) abort()
  observer.observe(element)
  try {
    await promise
  } finally {
    observer.disconnect()
    signal?.removeEventListener('abort', abort)
  }
}
