import { messageIdsIn } from '../draft/threading.ts'
import type { MessageId } from '../ids.ts'
import { headerValues, type MailHeader } from './mail-header.ts'
import type { KeptMail } from './reply-content.ts'

/** That a mail which was sent answers another one. */
export interface SentAnswer {
  /** By In-Reply-To, else the last of References (RFC 5322 §3.6.4). */
  readonly mail: MessageId
  /** In lower case. Who passes a mail on names it, too, and writes to others than who wrote it. */
  readonly recipients: readonly string[]
}

/** Of a sent mail these fields say what it answers. */
export const answeringFields: readonly string[] = ['In-Reply-To', 'References', 'To', 'Cc']

/** Null: it answers none. */
export function sentAnswer(header: MailHeader): SentAnswer | null {
  const [first] = headerValues(header, 'In-Reply-To').flatMap(messageIdsIn)
  const mail = first ?? headerValues(header, 'References').flatMap(messageIdsIn).at(-1) ?? null
  if (mail === null) return null
  const recipients = [...headerValues(header, 'To'), ...headerValues(header, 'Cc')].flatMap(
    (value) => value.toLowerCase().match(/[^\s<>()",;:]+@[^\s<>()",;:]+/g) ?? [],
  )
  return { mail, recipients: [...new Set(recipients)] }
}

/** Who gets an answer to a mail, whoever writes it: one to any of these answers it. In lower case. */
export function whomToAnswer(mail: KeptMail): readonly string[] {
  const { from, sender, replyTo, mailFollowupTo, listPost } = mail
  const people = [from, sender, ...replyTo, ...mailFollowupTo].flatMap((one) => one?.address ?? [])
  return [...people, ...(listPost === null ? [] : [listPost])].map((address) => address.trim().toLowerCase())
}
