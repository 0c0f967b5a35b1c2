import type { MailboxCapabilities, MessageDetails, Uid } from '@everdraft/core'

import type { ImapConnection } from './connection.ts'
import { decodeFolderName } from './folder-name.ts'
import { mustSucceed } from './outcome.ts'
import { fetchItems, listOf, textOf, type DataResponse } from './response.ts'

export async function fetchDetails(
  connection: ImapConnection,
  { objectId, gmail }: MailboxCapabilities,
  uidSet: string,
): Promise<readonly MessageDetails[]> {
  const found = new Map<Uid, MessageDetails>()
  const items = ['FLAGS', 'INTERNALDATE', ...(objectId ? ['EMAILID', 'THREADID'] : []), ...(gmail ? gmailItems : [])]
  const completion = await connection.run([`UID FETCH ${uidSet} (${items.join(' ')})`], {
    onData: (response) => {
      const details = response.keyword === 'FETCH' ? readDetails(response) : null
      if (details) found.set(details.uid, details)
    },
  })
  if (completion.code !== 'EXPUNGEISSUED') mustSucceed(connection, 'FETCH', completion)
  return [...found.values()].toSorted((a, b) => a.uid - b.uid)
}

const gmailItems = ['X-GM-MSGID', 'X-GM-THRID', 'X-GM-LABELS']

function readDetails(response: DataResponse): MessageDetails | null {
  const row = fetchItems(response)
  const uid = textOf(row.get('UID'))
  if (uid === null || !row.has('INTERNALDATE')) return null
  const time = Date.parse(textOf(row.get('INTERNALDATE'))?.trim() ?? '')
  return {
    uid: Number(uid) as Uid,
    flags: listOf(row.get('FLAGS')),
    internalDate: Number.isNaN(time) ? null : time,
    // RFC 8474 §5.3: in parentheses; NIL where the server has no threads.
    emailId: listOf(row.get('EMAILID'))[0] ?? null,
    threadId: listOf(row.get('THREADID'))[0] ?? textOf(row.get('X-GM-THRID')),
    gmailMessageId: textOf(row.get('X-GM-MSGID')),
    gmailLabels: listOf(row.get('X-GM-LABELS')).map(decodeFolderName),
  }
}
