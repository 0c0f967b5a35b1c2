import type { OriginalAttachment } from '../draft/reply.ts'

/** A picture that a mail shows, with its bytes: small ones are kept with its words until it is answered. */
export interface KeptPicture extends Pick<OriginalAttachment, 'filename' | 'contentType' | 'size' | 'sha256'> {
  readonly contentId: string
  /** In base64 (RFC 4648 §4). */
  readonly data: string
}

export function bytesOfPicture({ data }: KeptPicture): Uint8Array {
  return Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))
}
