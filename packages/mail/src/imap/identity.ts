import type { MessageId, MessageIdentity, Uid, Umid } from '@everdraft/core'

import type { ImapConnection } from './connection.ts'
import { mustSucceed } from './outcome.ts'
import { fetchItems, listOf, textOf, type DataResponse } from './response.ts'

export const identityItems: string = itemsWith('MESSAGE-ID X-EVERDRAFT-ID X-EVERDRAFT-BASE X-EVERDRAFT-ANSWERS')
const briefItems: string = itemsWith('MESSAGE-ID')

/** A UID FETCH says the UID unasked (RFC 3501 §6.4.8). */
function itemsWith(fields: string): string {
  return `(FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (${fields})])`
}

/** The identities of a sequence set of UIDs, ascending; those that do not exist are left out. */
export async function fetchIdentities(
  connection: ImapConnection,
  uidSet: string,
  brief?: 'brief',
): Promise<readonly MessageIdentity[]> {
  const found = new Map<Uid, MessageIdentity>()
  const completion = await connection.run([`UID FETCH ${uidSet} ${brief ? briefItems : identityItems}`], {
    onData: (response) => {
      const identity = response.keyword === 'FETCH' ? readIdentity(response) : null
      if (identity) found.set(identity.uid, identity)
    },
  })
  // RFC 5530 §3: some of them went in the meantime; the others are there.
  if (completion.code !== 'EXPUNGEISSUED') mustSucceed(connection, 'FETCH', completion)
  return [...found.values()].toSorted((a, b) => a.uid - b.uid)
}

/** Null for a FETCH response that only reports changed flags. */
export function readIdentity(response: DataResponse): MessageIdentity | null {
  const row = fetchItems(response)
  const uid = textOf(row.get('UID'))
  const size = textOf(row.get('RFC822.SIZE'))
  if (uid === null || size === null || !row.has('BODY')) return null
  const header = textOf(row.get('BODY')) ?? ''
  const flags = listOf(row.get('FLAGS')).map((flag) => flag.toLowerCase())
  return {
    uid: Number(uid) as Uid,
    messageId: headerValue(header, 'message-id') as MessageId | null,
    everdraftId: headerValue(header, 'x-everdraft-id') as Umid | null,
    everdraftBase: headerValue(header, 'x-everdraft-base') as MessageId | null,
    everdraftAnswers: headerValue(header, 'x-everdraft-answers'),
    size: Number(size),
    deleted: flags.includes('\\deleted'),
    draft: flags.includes('\\draft'),
    answered: flags.includes('\\answered'),
  }
}

/** The first field of that name, unfolded (RFC 5322 §2.2.3); null where it is missing or empty. */
function headerValue(header: string, name: string): string | null {
  for (const line of header.replace(/\r?\n(?=[ \t])/g, '').split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (colon > 0 && line.slice(0, colon).trim().toLowerCase() === name) return line.slice(colon + 1).trim() || null
  }
  return null
}
