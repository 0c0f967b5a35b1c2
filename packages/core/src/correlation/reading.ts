import type { Address } from '../draft/address.ts'
import { replySubject } from '../draft/threading.ts'
import { wireAddress } from '../draft/wire-address.ts'
import type { MessageId, Sha256 } from '../ids.ts'
import type { MailText } from './evidence.ts'
import { ownText, wordsOf } from './own-text.ts'
import { type Shingles, shinglesOf } from './shingles.ts'

/** A mail or a draft, brought into what is compared. */
export interface Reading {
  /** What it answers. */
  readonly parent: MessageId | null
  /** All that it names as coming before it. */
  readonly ancestors: ReadonlySet<MessageId>
  readonly sender: string | null
  readonly recipients: ReadonlySet<string>
  /** The same with and without `Re:`. */
  readonly subject: string
  /** See own-text.ts. */
  readonly text: string
  readonly words: readonly string[]
  readonly shingles: Shingles
  readonly attachments: ReadonlySet<Sha256> | null
}

/** What the mail says is read when it is asked for: of most drafts nobody does. */
export function readingOf(mail: MailText): Reading {
  const parent = mail.inReplyTo ?? mail.references.at(-1) ?? null
  let said: Pick<Reading, 'text' | 'words' | 'shingles'> | null = null
  const read = (): Pick<Reading, 'text' | 'words' | 'shingles'> => (said ??= saidIn(mail))
  return {
    parent,
    ancestors: new Set([...mail.references, ...(parent === null ? [] : [parent])]),
    sender: mail.from === null ? null : addressOf(mail.from),
    recipients: new Set([...mail.to, ...mail.cc, ...mail.bcc].map(addressOf)),
    subject: replySubject(mail.subject.replaceAll(/\s+/g, ' ')).toLowerCase(),
    attachments: mail.attachments === null ? null : new Set(mail.attachments.map(({ sha256 }) => sha256)),
    get text() {
      return read().text
    },
    get words() {
      return read().words
    },
    get shingles() {
      return read().shingles
    },
  }
}

function saidIn(mail: MailText): Pick<Reading, 'text' | 'words' | 'shingles'> {
  const text = ownText(mail)
  const words = wordsOf(text)
  return { text, words, shingles: shinglesOf(words) }
}

/** Programs send to a domain in ASCII, and show it in letters. */
function addressOf({ address }: Address): string {
  return wireAddress(address.trim().normalize('NFC').toLowerCase())
}

/** Of the first, the share that the second has, too; null where the first is empty, or one of them is not known. */
export function shareKept<One>(before: ReadonlySet<One> | null, after: ReadonlySet<One> | null): number | null {
  if (before === null || after === null || before.size === 0) return null
  let kept = 0
  for (const one of before) if (after.has(one)) kept += 1
  return kept / before.size
}
