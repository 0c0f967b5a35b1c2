import type { AccountId, MessageId, Umid } from '../ids.ts'
import type { SentAnswer } from '../responder/answered-mail.ts'
import type { Db } from './db.ts'

/** A draft that another device of the user made of the same mail. */
export interface RivalDraft {
  readonly draftId: Umid
  /** A person has written in it. */
  readonly isEdited: boolean
}

/** Of an answer that is a mail in Sent, in place of a draft. */
const inSent = ''

/** What mails in Sent answer, and whom. */
export async function noteSentAnswers(
  db: Db,
  accountId: AccountId,
  answers: readonly SentAnswer[],
  at: number,
): Promise<void> {
  const keys = answers.flatMap(({ mail, recipients }) => recipients.map((address) => answerKey(mail, address)))
  for (const mail of new Set(keys)) {
    await db
      .insertInto('mail_answer')
      .values({ account_id: accountId, mail, draft_id: inSent, is_edited: 0, at })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
}

/** `people`: any of them has got an answer. */
export async function isAnsweredInSent(
  db: Db,
  accountId: AccountId,
  { mail, people }: { readonly mail: MessageId; readonly people: readonly string[] },
): Promise<boolean> {
  if (people.length === 0) return false
  const keys = people.map((address) => answerKey(mail, address))
  const row = await db
    .selectFrom('mail_answer')
    .select('at')
    .where('account_id', '=', accountId)
    .where('mail', 'in', keys)
    .where('draft_id', '=', inSent)
    .executeTakeFirst()
  return row !== undefined
}

function answerKey(mail: MessageId, address: string): string {
  return `${mail} ${address}`
}

/** `identity`: as the mark of the mail has it. What was edited once stays so. */
export async function noteRivalDraft(
  db: Db,
  rival: RivalDraft & { readonly accountId: AccountId; readonly identity: string },
  at: number,
): Promise<void> {
  const { accountId, identity, draftId, isEdited } = rival
  const row = { account_id: accountId, mail: identity, draft_id: draftId, is_edited: isEdited ? 1 : 0, at }
  await db
    .insertInto('mail_answer')
    .values(row)
    .onConflict((conflict) => {
      const known = conflict.columns(['account_id', 'mail', 'draft_id'])
      return isEdited ? known.doUpdateSet({ is_edited: 1 }) : known.doNothing()
    })
    .execute()
}

/** Whatever became of them. */
export async function rivalDrafts(db: Db, accountId: AccountId, identity: string): Promise<readonly RivalDraft[]> {
  const rows = await db
    .selectFrom('mail_answer')
    .innerJoin('draft', 'draft.id', 'mail_answer.draft_id')
    .select(['draft.id', 'draft.version', 'mail_answer.is_edited'])
    .where('mail_answer.account_id', '=', accountId)
    .where('mail_answer.mail', '=', identity)
    .orderBy('draft.id')
    .execute()
  return rows.map((row) => ({ draftId: row.id as Umid, isEdited: row.is_edited === 1 || row.version > 1 }))
}

export async function dropMailAnswersBefore(db: Db, at: number): Promise<void> {
  await db.deleteFrom('mail_answer').where('at', '<', at).execute()
}
