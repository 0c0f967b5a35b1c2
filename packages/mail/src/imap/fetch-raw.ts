import type { Uid } from '@everdraft/core'

import type { ImapConnection } from './connection.ts'
import { LiteralStream } from './literal-stream.ts'
import { mustSucceed } from './outcome.ts'
import { fetchItems, textOf } from './response.ts'

/** The message as it arrives; null when the server has none under that UID. */
export async function fetchRawMessage(connection: ImapConnection, uid: Uid): Promise<LiteralStream | null> {
  const stream = new LiteralStream()
  let inOnePiece: string | null = null
  const finished = connection.run([`UID FETCH ${uid} (BODY.PEEK[])`], {
    onLiteral: (line) => {
      if (!/ FETCH \(.*BODY\[\] ~?\{\d+\+?\}\r?\n$/i.test(line)) return null
      stream.begin()
      return stream
    },
    onData: (response) => {
      // A short message may come as a quoted string (RFC 3501 §4.3).
      if (response.keyword === 'FETCH') inOnePiece = textOf(fetchItems(response).get('BODY')) ?? inOnePiece
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
  const text = inOnePiece as string | null
  if (text === null) return null
  const whole = new LiteralStream()
  void whole.write(Buffer.from(text, 'latin1')).then(() => whole.end())
  return whole
}
