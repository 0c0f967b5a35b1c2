import type { PictureSize } from './picture-size.ts'
import { inTime, PreviewError } from './preview-error.ts'

/** pdf.js (`pdfjs-dist` 5 or later), as far as it is used; its worker is set by who imports it. */
export interface PdfLibrary {
  getDocument(source: PdfSource): PdfLoading
}

interface PdfSource {
  readonly data: Uint8Array<ArrayBuffer>
  readonly disableFontFace: true
  readonly enableXfa: false
  readonly stopAtErrors: true
  readonly maxImageSize: number
  readonly verbosity: 0
}

interface PdfLoading {
  readonly promise: Promise<PdfFile>
  /** Ends its worker. */
  destroy(): Promise<void>
}

interface PdfFile {
  getPage(number: number): Promise<PdfPage>
}

interface PdfPage {
  getViewport(options: { readonly scale: number }): PictureSize
  render(options: PdfRendering): { readonly promise: Promise<unknown> }
}

interface PdfRendering {
  readonly canvas: HTMLCanvasElement
  // oxlint-disable-next-line typescript/no-explicit-any -- what getViewport gave: its own type is the library's
  readonly viewport: any
  /** No forms, links or notes are drawn. */
  readonly annotationMode: 0
}

const mostPixels = 50_000_000

/**
 * The first page on a canvas. It is read in a worker that ends with it; fonts are drawn and not installed in the page, and no
 * script of the file runs.
 * @throws {PreviewError} BROKEN, LOCKED, TIMEOUT
 */
export async function showPdf(
  data: Uint8Array<ArrayBuffer>,
  box: PictureSize,
  load: () => Promise<PdfLibrary>,
): Promise<HTMLCanvasElement> {
  const library = await load()
  const loading = library.getDocument({
    data,
    disableFontFace: true,
    enableXfa: false,
    stopAtErrors: true,
    maxImageSize: mostPixels,
    verbosity: 0,
  })
  try {
    return await inTime(firstPage(loading, box))
  } catch (error) {
    if (error instanceof PreviewError) throw error
    const isLocked = error instanceof Error && error.name === 'PasswordException'
    throw isLocked
      ? new PreviewError('LOCKED', 'the PDF needs a password')
      : new PreviewError('BROKEN', 'the PDF is broken', { cause: error })
  } finally {
    await loading.destroy()
  }
}

async function firstPage(loading: PdfLoading, box: PictureSize): Promise<HTMLCanvasElement> {
  const page = await (await loading.promise).getPage(1)
  const { width, height } = page.getViewport({ scale: 1 })
  const viewport = page.getViewport({ scale: Math.min(box.width / width, box.height / height) })
  const canvas = document.createElement('canvas')
  canvas.width = Math.max(1, Math.floor(viewport.width))
  canvas.height = Math.max(1, Math.floor(viewport.height))
  await page.render({ canvas, viewport, annotationMode: 0 }).promise
  return canvas
}
