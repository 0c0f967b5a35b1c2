import type { DraftContent } from '../draft/draft.ts'
import type { AccountId, FolderPath, MessageId, Sha256, Uid, UidValidity, Umid } from '../ids.ts'
import type { Db } from './db.ts'
import type { MessagePlace } from './imports.ts'

/** A mail in Sent that may come from a draft of a program's. */
export interface KeptSentMail {
  readonly messageId: MessageId | null
  /** Those that a provider has replaced. */
  readonly originalIds: readonly MessageId[]
  readonly everdraftId: Umid | null
  /** EMAILID and X-GM-MSGID. */
  readonly serverIds: readonly string[]
  /** Epoch milliseconds. */
  readonly sentAt: number
  readonly content: Pick<
    DraftContent,
    'from' | 'to' | 'cc' | 'bcc' | 'subject' | 'text' | 'html' | 'inReplyTo' | 'references'
  > & {
    /** Null: nobody has read them. */
    readonly attachments: readonly { readonly sha256: Sha256 }[] | null
  }
}

export async function keepSentMail(db: Db, place: MessagePlace, mail: KeptSentMail): Promise<void> {
  const row = { sent_at: mail.sentAt, mail: JSON.stringify(mail) }
  const { accountId, folder, uidValidity, uid } = place
  await db
    .insertInto('sent_mail')
    .values({ account_id: accountId, folder, uid_validity: uidValidity, uid, ...row })
    .onConflict((conflict) => conflict.columns(['account_id', 'folder', 'uid_validity', 'uid']).doUpdateSet(row))
    .execute()
}

/** Those that are kept of the account, the oldest first; `from`: of that UID and above, all being of one folder. */
export async function keptSentMails(
  db: Db,
  accountId: AccountId,
  from: Uid = 0 as Uid,
): Promise<readonly { readonly place: MessagePlace; readonly mail: KeptSentMail }[]> {
  const rows = await db
    .selectFrom('sent_mail')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('uid', '>=', from)
    .orderBy('sent_at')
    .orderBy('uid')
    .execute()
  return rows.map((row) => ({
    place: {
      accountId,
      folder: row.folder as FolderPath,
      uidValidity: row.uid_validity as UidValidity,
      uid: row.uid as Uid,
    },
    mail: JSON.parse(row.mail) as KeptSentMail,
  }))
}

export async function dropSentMail(db: Db, { accountId, folder, uidValidity, uid }: MessagePlace): Promise<void> {
  await db
    .deleteFrom('sent_mail')
    .where('account_id', '=', accountId)
    .where('folder', '=', folder)
    .where('uid_validity', '=', uidValidity)
    .where('uid', '=', uid)
    .execute()
}

/** Their UIDs mean nothing any more: what is still there is read anew. */
export async function forgetSentMails(db: Db, accountId: AccountId): Promise<void> {
  await db.deleteFrom('sent_mail').where('account_id', '=', accountId).execute()
}

export async function dropSentMailsBefore(db: Db, at: number): Promise<void> {
  await db.deleteFrom('sent_mail').where('sent_at', '<', at).execute()
}
