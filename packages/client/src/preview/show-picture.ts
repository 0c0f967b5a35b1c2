import { type PictureKind, pictureSize, type PictureSize } from './picture-size.ts'
import { inTime, PreviewError } from './preview-error.ts'

/** Pixels of the whole picture, decoded: four bytes each. */
const mostPixels = 50_000_000

/**
 * The picture on a canvas, no larger than `box`: what is animated stands still, and nothing of the file is left in the page.
 * @throws {PreviewError} TOO_LARGE before anything is decoded, BROKEN, TIMEOUT
 */
export async function showPicture(
  kind: PictureKind,
  bytes: Uint8Array<ArrayBuffer>,
  box: PictureSize,
): Promise<HTMLCanvasElement> {
  const size = pictureSize(kind, bytes)
  if (size === null || size.width === 0 || size.height === 0) throw new PreviewError('BROKEN', 'the picture is broken')
  if (size.width * size.height > mostPixels) {
    throw new PreviewError('TOO_LARGE', `the picture has ${size.width} × ${size.height} pixels`)
  }
  const decoding = createImageBitmap(new Blob([bytes]))
  // Nobody may wait for it any more.
  decoding.then(undefined, () => {})
  const bitmap = await inTime(
    decoding.catch((error: unknown) => {
      throw new PreviewError('BROKEN', 'the picture cannot be decoded', { cause: error })
    }),
  )
  try {
    return onCanvas(bitmap, bitmap, box)
  } finally {
    bitmap.close()
  }
}

/** As large as it is, or as `box` lets it be. */
export function onCanvas(picture: CanvasImageSource, size: PictureSize, box: PictureSize): HTMLCanvasElement {
  const scale = Math.min(1, box.width / size.width, box.height / size.height)
  const canvas = document.createElement('canvas')
  canvas.width = Math.max(1, Math.round(size.width * scale))
  canvas.height = Math.max(1, Math.round(size.height * scale))
  canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height)
  return canvas
}
