import type { BouncedRecipient } from '@everdraft/core'

import { serverWords } from '../imap/wire-failure.ts'
import { actionOf } from './delivery-status.ts'

/** What mail systems write that know no RFC 3464, or that leave its part out: each says who, and in whose words why. */
interface Shape {
  readonly begins: RegExp
  /** Group `address`, and `why` where the shape has one. */
  readonly recipient: RegExp
}

const shapes: readonly Shape[] = [
  {
    // qmail: QSBMF
    begins: /^Hi\. This is the .*(?:qmail-send|mail|MTA).* (?:program )?at /im,
    recipient: /^<(?<address>[^<>\s]+@[^<>\s]+)>:\n(?<why>(?:.+\n?)*)/gm,
  },
  {
    // Exim
    begins:
      /(?:A message that you (?:have )?sent (?:could not be|has not yet been) delivered|This message was created automatically by mail delivery software)/i,
    recipient: /^ {2,}(?<address>[^<>\s:]+@[^<>\s:]+)(?: \(.*\))?\n(?<why>(?: {2,}.+\n?)*)/gm,
  },
  {
    // Postfix
    begins: /This is the mail system at host |The Postfix program/i,
    recipient: /^<(?<address>[^<>\s]+@[^<>\s]+)>(?: \(expanded from [^)]*\))?: (?<why>(?:.+\n?)*)/gm,
  },
  {
    // Gmail
    begins:
      /(?:Your message wasn['’]t delivered to|Address not found|There was a (?:temporary )?problem delivering your message to|Delivery to the following recipients? (?:has been delayed|failed))/i,
    recipient:
      /(?:delivered to|your message to|following recipients? (?:has been delayed|failed)(?: permanently)?:)\s+<?(?<address>[^<>\s]+@[^<>\s]+\w)>?(?<why>[\s\S]{0,1500})/g,
  },
  {
    // Exchange and Outlook
    begins:
      /(?:Delivery has failed to these recipients or groups|Your message did not reach some or all of the intended recipients|couldn['’]t be delivered|is delayed)/i,
    recipient:
      /(?:(?:recipients or groups|following recipient(?:\(?s\)?)?(?: cannot be reached)?):?\s+(?:[^\n<(]*[<(])?(?:mailto:)?|Your message to )(?<address>[^<>()\s]+@[^<>()\s]+\w)(?<why>[\s\S]{0,1500})/g,
  },
  {
    // Sendmail, and those that write as it does
    begins: /The following addresses? had (?:permanent fatal|transient non-fatal|delivery) (?:errors|problems)/i,
    recipient: /^<?(?<address>[^<>\s]+@[^<>\s]+\w)>?\n(?<why>(?:.+\n?)*)/gm,
  },
]

/** Mail systems of all kinds, in a sentence. Looked for only where the sender and the subject are those of one. */
const sentences =
  /(?:mailbox (?:is )?full|over (?:its )?quota|quota exceeded|user (?:is )?unknown|unknown user|no such user|user not found|recipient (?:address )?rejected|does not exist|could not be delivered|undeliverable|delivery (?:has )?failed|konnte nicht zugestellt werden|n['’]a pas pu être (?:remis|distribué)|no se (?:ha podido|pudo) entregar|non è stato (?:possibile )?(?:recapitare|consegnat))/i

const delays =
  /delay(?:ed)?|not yet been delivered|will (?:be retried|retry|keep trying|continue)|temporary problem|transient|warning/i

export interface BounceTextContext {
  /** Header and subject are those of a mail system. */
  readonly isSystem: boolean
  /** RFC 5321 §4.5.5. People quote bounces, but their mails have a return path. */
  readonly hasNullPath: boolean
  /** Whom the header says that it is about. */
  readonly returned: string | null
}

/** Null: these words are no bounce's. */
export function readBounceText(
  text: string,
  subject: string,
  { isSystem, hasNullPath, returned }: BounceTextContext,
): readonly BouncedRecipient[] | null {
  const shape = isSystem || hasNullPath ? shapes.find(({ begins }) => begins.test(text)) : undefined
  if (shape === undefined && !(isSystem && sentences.test(`${subject}\n${text}`))) return null
  const isDelay = delays.test(subject) || (shape !== undefined && /not yet been|temporary problem|delayed/i.test(text))
  if (shape !== undefined) {
    const found = [...text.matchAll(shape.recipient)].map((match) =>
      recipient(match.groups?.['address'] ?? '', match.groups?.['why'] ?? '', isDelay),
    )
    if (found.length > 0) return found
  }
  if (!isSystem) return null
  const address = addressNear(text) ?? returned ?? ''
  return [recipient(address, sentences.exec(text) === null ? '' : sentenceAt(text), isDelay)]
}

function recipient(address: string, why: string, isDelay: boolean): BouncedRecipient {
  const status = /(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])/.exec(why)?.[0] ?? null
  const said = why.split(/\n\s*-{3,}|\n\n\n/)[0] ?? ''
  // What is left of the brackets around the address.
  const words = serverWords(said.replace(/\s+/g, ' ').replace(/^[)>](?:<[^>]*>)?\s?/, ''))
  return {
    address: address.replace(/[.,;:]+$/, ''),
    action: isDelay ? 'delayed' : (actionOf(status) ?? 'failed'),
    status,
    diagnostic: words === '' ? null : words,
  }
}

/** The first address in brackets, or in the text at all, that is not the reporter's own. */
function addressNear(text: string): string | null {
  const all = [...text.matchAll(/[^\s<>()[\],;:"]+@[^\s<>()[\],;:"]+\.[^\s<>()[\],;:"]*\w/g)].map(
    ([address]) => address,
  )
  return all.find((address) => !/^(?:mailer-daemon|postmaster|noreply|no-reply)@/i.test(address)) ?? null
}

function sentenceAt(text: string): string {
  return text.split('\n').find((line) => sentences.test(line)) ?? ''
}
