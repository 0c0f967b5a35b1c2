import type { Uid } from '../../ids.ts'
import type { Attempt } from '../../storage/attempts.ts'
import type { BodyPart } from '../../wire/body-structure.ts'
import type { MailboxSession } from '../../wire/mailbox.ts'

/** Of a part that travelled as it is (RFC 3516 §4.4), until it was read back. */
export const unknownSize = -1

/**
 * What the server made of the parts of a copy that travelled without an encoding: it chooses its own, and lines of its own
 * length. A part that it does not show stays unknown, and is never quoted.
 */
export async function readBack(
  session: MailboxSession,
  uid: Uid,
  parts: Attempt['parts'],
): Promise<Pick<Attempt, 'parts' | 'size'> | null> {
  const [structure] = await session.structures([uid])
  if (structure === undefined) return null
  const bySection = new Map(flat(structure.body).map((part) => [part.section, part]))
  return {
    size: structure.size,
    parts: parts.map((part) => ({ ...part, encodedSize: bySection.get(part.section)?.size ?? unknownSize })),
  }
}

/** Whether each is as long as what was sent, or as that in base64 (RFC 2045 §6.8) in lines of 60 characters or more. */
export function isWhole(stored: Attempt['parts'], sent: readonly { readonly size: number }[]): boolean {
  return stored.every(({ encodedSize }, index) => {
    const size = sent[index]?.size ?? 0
    const characters = Math.ceil(size / 3) * 4
    return encodedSize === size || (encodedSize >= characters && encodedSize <= characters * (1 + 2 / 60) + 4)
  })
}

function flat(part: BodyPart): readonly BodyPart[] {
  return [part, ...part.children.flatMap(flat)]
}
