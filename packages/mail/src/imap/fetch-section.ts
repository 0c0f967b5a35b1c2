import type { PartRange, Uid } from '@everdraft/core'

import type { ImapConnection } from './connection.ts'
import { LiteralStream } from './literal-stream.ts'
import { mustSucceed } from './outcome.ts'
import { bytesOf, fetchItems } from './response.ts'

// A cut loses at most so much of what was on the way.
export const pieceBytes: number = 1024 * 1024

const sectionLiteral = / FETCH \(.*(?:BODY|BINARY)\[[^\]]*\](?:<\d+>)? ~?\{\d+\+?\}\r?\n$/i

/** The section as it arrives; null when the server has no message under that UID. */
export async function fetchSection(connection: ImapConnection, uid: Uid, item: string): Promise<LiteralStream | null> {
  const stream = new LiteralStream()
  let inOnePiece: Uint8Array | null = null
  const finished = connection.run([`UID FETCH ${uid} (${item})`], {
    onLiteral: (line) => {
      if (!sectionLiteral.test(line)) return null
      stream.begin()
      return stream
    },
    onData: (response) => {
      if (response.keyword !== 'FETCH') return
      const row = fetchItems(response)
      // A short one may come as a quoted string (RFC 3501 §4.3).
      inOnePiece = bytesOf(row.get('BODY') ?? row.get('BINARY')) ?? inOnePiece
    },
    isHeldUp: () => stream.isHeldUp,
  })
  const completed = (async (): Promise<void> => {
    const completion = await finished
    if (completion.code !== 'EXPUNGEISSUED') mustSucceed(connection, 'FETCH', completion)
  })()
  stream.endsWith(completed)
  const begun = await Promise.race([stream.begun.then(() => true), completed.then(() => false)])
  if (begun) return stream
  const bytes = inOnePiece as Uint8Array | null
  if (bytes === null) return null
  const whole = new LiteralStream()
  void whole.write(bytes).then(() => whole.end())
  return whole
}

/** The item for a piece of a part: from `start`, at most `length` octets. */
export function partItem(section: string, { decoded = false }: PartRange, start: number, length: number): string {
  return `${decoded ? 'BINARY' : 'BODY'}.PEEK[${section}]<${start}.${length}>`
}
