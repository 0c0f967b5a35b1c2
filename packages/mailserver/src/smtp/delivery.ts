import { concatBytes, utf8 } from '../octets.ts'
import type { MailStore, MailUser } from '../store/store.ts'
import type { Submission } from './envelope.ts'

/** Users with this address: one of their `addresses`, or, where they list none, their name at any domain. */
function isLocal({ name, addresses }: MailUser, recipient: string): boolean {
  const wanted = recipient.toLowerCase()
  if (addresses !== undefined) return addresses.some((address) => address.toLowerCase() === wanted)
  const [local] = wanted.split('@')
  return wanted === name.toLowerCase() || local === name.toLowerCase()
}

/**
 * Puts an accepted message into the INBOX of every local recipient. Recipients elsewhere are only recorded: this server
 * sends nothing to anybody.
 */
export function deliverLocally(store: MailStore, { envelope, bytes, acceptedAtMs }: Submission): void {
  const date = new Date(acceptedAtMs).toUTCString().replace('GMT', '+0000')
  // RFC 5321 §4.4: the final delivery adds the return path and a trace line.
  const trace = utf8(`Return-Path: <${envelope.from}>\r\nReceived: by everdraft with ESMTP; ${date}\r\n`)
  for (const user of store.users) {
    if (!envelope.to.some((recipient) => isLocal(user, recipient))) continue
    const inbox = store.find(user.name, 'INBOX')
    if (inbox === undefined) continue
    store.append(inbox, { bytes: concatBytes([trace, bytes]), flags: [], internalDateMs: acceptedAtMs })
  }
}
