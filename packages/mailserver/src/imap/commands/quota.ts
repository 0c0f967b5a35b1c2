import { no, ok, userOf, type Call, type Reply, type SessionContext } from '../context.ts'
import { astring } from '../format.ts'
import { encodeMailboxName } from '../modified-utf7.ts'

/** RFC 9208 §5.1: storage is counted in units of 1,024 octets. */
const UNIT_BYTES = 1024

/** All mailboxes of a user count together, under the quota root of the empty name. */
const ROOT = '""'

function sendQuota(context: SessionContext, user: string): void {
  const limit = context.store.quotaBytes(user)
  if (limit === undefined) return
  const used = Math.ceil(context.store.usedBytes(user) / UNIT_BYTES)
  context.untagged(`QUOTA ${ROOT} (STORAGE ${used} ${Math.floor(limit / UNIT_BYTES)})`)
}

/** RFC 9208 §4.1.2. */
export function getQuota({ context, args }: Call): Reply {
  const root = args.astring()
  args.end()
  const user = userOf(context)
  if (root !== '' || context.store.quotaBytes(user) === undefined) return no('No such quota root', 'NONEXISTENT')
  sendQuota(context, user)
  return ok('Getquota completed')
}

/** RFC 9208 §4.1.3. */
export function getQuotaRoot({ context, args }: Call): Reply {
  const name = args.mailbox()
  args.end()
  const user = userOf(context)
  const mailbox = context.store.find(user, name)
  if (mailbox === undefined) return no('Mailbox does not exist', 'NONEXISTENT')
  const root = context.store.quotaBytes(user) === undefined ? '' : ` ${ROOT}`
  context.untagged(`QUOTAROOT ${astring(encodeMailboxName(mailbox.name))}${root}`)
  sendQuota(context, user)
  return ok('Getquotaroot completed')
}
