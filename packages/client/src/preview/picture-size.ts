import type { FileKind } from './file-kind.ts'

export interface PictureSize {
  readonly width: number
  readonly height: number
}

export type PictureKind = Extract<FileKind, 'png' | 'jpeg' | 'gif' | 'webp'>

/**
 * How large a picture becomes once it is decoded, read before it is: a few kilobytes may say that they are gigabytes. Null:
 * it does not say.
 */
export function pictureSize(kind: PictureKind, bytes: Uint8Array): PictureSize | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    return readers[kind](view)
  } catch (error) {
    // It ends before it says so.
    if (error instanceof RangeError) return null
    throw error
  }
}

const readers: Readonly<Record<PictureKind, (view: DataView) => PictureSize | null>> = {
  // The IHDR chunk comes first (W3C PNG §11.2.1).
  png: (view) => ({ width: view.getUint32(16), height: view.getUint32(20) }),
  jpeg: jpegSize,
  gif: gifSize,
  webp: webpSize,
}

/** The frame header SOFn, behind other segments (ITU-T T.81 B.2.2). */
function jpegSize(view: DataView): PictureSize | null {
  for (let at = 2; ;) {
    if (view.getUint8(at) !== 0xff) return null
    const marker = view.getUint8(at + 1)
    // Fill bytes may stand before a marker.
    if (marker === 0xff) at += 1
    else if (isFrameHeader(marker)) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) }
    else at += 2 + view.getUint16(at + 2)
  }
}

/** C4, C8 and CC are other things among the SOFs. */
function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
}

/** The first frame may reach beyond the screen, and decoders make room for it (GIF89a §18, §20). */
function gifSize(view: DataView): PictureSize | null {
  const screen = { width: view.getUint16(6, true), height: view.getUint16(8, true) }
  const flags = view.getUint8(10)
  let at = 13 + (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0)
  while (view.getUint8(at) === 0x21) {
    at += 2
    while (view.getUint8(at) !== 0) at += view.getUint8(at) + 1
    at += 1
  }
  if (view.getUint8(at) !== 0x2c) return null
  const right = view.getUint16(at + 1, true) + view.getUint16(at + 5, true)
  const bottom = view.getUint16(at + 3, true) + view.getUint16(at + 7, true)
  return { width: Math.max(screen.width, right), height: Math.max(screen.height, bottom) }
}

/** VP8X (RFC 9649 §2.7), VP8L (§3.4) or VP8 (RFC 6386 §9.1). */
function webpSize(view: DataView): PictureSize | null {
  const variant = view.getUint8(15)
  const uint24 = (at: number): number => view.getUint16(at, true) + view.getUint8(at + 2) * 0x10000
  if (variant === 0x58) return { width: uint24(24) + 1, height: uint24(27) + 1 }
  if (variant === 0x4c) {
    const bits = view.getUint32(21, true)
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
  }
  return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff }
}
