import type { AccountId, FolderPath, MessageId, Uid, UidValidity } from '../ids.ts'
import type { MailboxCapabilities } from '../wire/mailbox.ts'
import type { Db } from './db.ts'

/** What a server does to a message that is stored in Drafts, found out by storing one. */
export interface Survival {
  readonly messageId: 'kept' | 'rewritten' | 'dropped'
  /** `X-Everdraft-Id` and `X-Everdraft-Base`. */
  readonly privateHeaders: boolean
  readonly bcc: boolean
  /** 8-bit text, line ends and blanks at line ends. */
  readonly body: 'kept' | 'altered'
  readonly draftFlag: boolean
  /** `refused`: a message that has one is not taken. */
  readonly keywords: 'kept' | 'lower-cased' | 'dropped' | 'refused'
  readonly internalDate: boolean
}

/** Where a probe's message is or may be. Kept until it is seen to be gone. */
export interface ProbePlace {
  /** Unguessable; it stands in the message's text, whatever becomes of its header. */
  readonly token: string
  readonly messageId: MessageId
  readonly folder: FolderPath
  readonly uidValidity: UidValidity
  /** UIDNEXT before it was stored; null where the server did not say. */
  readonly uidNext: Uid | null
}

/** What was found out about an account's server, and when. */
export interface AccountProbe {
  /** Milliseconds. */
  readonly at: number
  /** RFC 2971. When it or the capabilities are others, the server is looked at again. */
  readonly serverId: string | null
  readonly capabilities: MailboxCapabilities
  /** Null: not known, as `refusal` says, or as there is no Drafts folder yet. */
  readonly survival: Survival | null
  /** The server's words to the probe's message. */
  readonly refusal: string | null
  /** A message of ours that is to be removed. */
  readonly left: ProbePlace | null
}

/** What is known of the account's server; null before it was looked at. */
export async function accountProbe(db: Db, accountId: AccountId): Promise<AccountProbe | null> {
  const row = await db.selectFrom('account').select('probe').where('id', '=', accountId).executeTakeFirst()
  return row === undefined || row.probe === null ? null : (JSON.parse(row.probe) as AccountProbe)
}

export async function setAccountProbe(db: Db, accountId: AccountId, probe: AccountProbe): Promise<void> {
  await db
    .updateTable('account')
    .set({ probe: JSON.stringify(probe) })
    .where('id', '=', accountId)
    .execute()
}
