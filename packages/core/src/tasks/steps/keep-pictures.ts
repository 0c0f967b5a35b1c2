import type { Hasher } from '../../environment.ts'
import type { Sha256 } from '../../ids.ts'
import type { KeptPicture } from '../../responder/kept-pictures.ts'
import type { PassingPart } from '../../wire/message-format.ts'

/** Of all pictures of a mail: an icon, a logo, a scan of a line. */
const mostBytes = 48 * 1024

const shown: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp'])

interface PictureKeeper {
  readonly pictures: readonly KeptPicture[]
  /** For the parser of the mail. */
  onPart(part: PassingPart, bytes: AsyncIterable<Uint8Array>): Promise<void>
}

/** Keeps the pictures of one mail that its HTML may name (RFC 2392), the first ones, as long as there is room. */
export function createPictureKeeper(createSha256: () => Hasher): PictureKeeper {
  const pictures: KeptPicture[] = []
  let room = mostBytes
  return {
    pictures,
    async onPart(part, bytes) {
      if (part.kind !== 'attachment' || part.contentId === null || !shown.has(part.contentType.toLowerCase())) return
      const { contentId, contentType, filename } = part
      const read = await readWithin(bytes, room)
      if (read === null) return
      room -= read.length
      const hasher = createSha256()
      hasher.update(read)
      const sha256 = hasher.digest() as Sha256
      pictures.push({ contentId, contentType, filename, size: read.length, sha256, data: toBase64(read) })
    },
  }
}

/** Null: there is more of it. */
async function readWithin(bytes: AsyncIterable<Uint8Array>, most: number): Promise<Uint8Array | null> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of bytes) {
    size += piece.length
    if (size > most) return null
    pieces.push(piece)
  }
  const whole = new Uint8Array(size)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
}
