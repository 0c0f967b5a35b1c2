import type { MessageFields, Uid } from '@everdraft/core'

import type { ImapConnection } from './connection.ts'
import { mustSucceed } from './outcome.ts'
import { bytesOf, fetchItems, textOf, type DataResponse } from './response.ts'

/** The named header fields of a sequence set of UIDs, ascending; those that do not exist are left out. */
export async function fetchMessageFields(
  connection: ImapConnection,
  uidSet: string,
  names: readonly string[],
): Promise<readonly MessageFields[]> {
  const found = new Map<Uid, MessageFields>()
  const items = `(BODY.PEEK[HEADER.FIELDS (${names.join(' ')})])`
  const completion = await connection.run([`UID FETCH ${uidSet} ${items}`], {
    onData: (response) => {
      const fields = response.keyword === 'FETCH' ? readFields(response) : null
      if (fields) found.set(fields.uid, fields)
    },
  })
  // RFC 5530 §3: some of them went in the meantime; the others are there.
  if (completion.code !== 'EXPUNGEISSUED') mustSucceed(connection, 'FETCH', completion)
  return [...found.values()].toSorted((a, b) => a.uid - b.uid)
}

/** Null for a FETCH response that only reports changed flags. */
function readFields(response: DataResponse): MessageFields | null {
  const row = fetchItems(response)
  const uid = textOf(row.get('UID'))
  const bytes = bytesOf(row.get('BODY'))
  return uid === null || bytes === null ? null : { uid: Number(uid) as Uid, bytes }
}
