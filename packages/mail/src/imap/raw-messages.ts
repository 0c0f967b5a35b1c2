import type { RawMessage, Uid } from '@everdraft/core'

import type { ImapConnection } from './connection.ts'
import { mustSucceed } from './outcome.ts'
import { bytesOf, fetchItems, textOf, type DataResponse } from './response.ts'

/** The messages of a sequence set of UIDs, ascending; those that do not exist are left out. */
export async function fetchRawMessages(connection: ImapConnection, uidSet: string): Promise<readonly RawMessage[]> {
  const found = new Map<Uid, RawMessage>()
  const completion = await connection.run([`UID FETCH ${uidSet} BODY.PEEK[]`], {
    onData: (response) => {
      const message = response.keyword === 'FETCH' ? readMessage(response) : null
      if (message) found.set(message.uid, message)
    },
  })
  // RFC 5530 §3: some of them went in the meantime; the others are there.
  if (completion.code !== 'EXPUNGEISSUED') mustSucceed(connection, 'FETCH', completion)
  return [...found.values()].toSorted((a, b) => a.uid - b.uid)
}

/** Null for a FETCH response that only reports changed flags, or a message that has just gone. */
function readMessage(response: DataResponse): RawMessage | null {
  const row = fetchItems(response)
  const uid = textOf(row.get('UID'))
  const bytes = bytesOf(row.get('BODY'))
  return uid === null || bytes === null ? null : { uid: Number(uid) as Uid, bytes }
}
