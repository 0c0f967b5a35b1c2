import type { MailStore } from '../store/store.ts'
import type { Mailbox } from '../store/mailbox.ts'
import type { StoredMessage } from '../store/message.ts'
import { astring } from './format.ts'
import { encodeMailboxName } from './modified-utf7.ts'

const labelOfUse: ReadonlyMap<string, string> = new Map([
  ['\\Drafts', '\\Draft'],
  ['\\Sent', '\\Sent'],
  ['\\Flagged', '\\Starred'],
  ['\\Trash', '\\Trash'],
  ['\\Junk', '\\Spam'],
])

/** X-GM-MSGID of X-GM-EXT-1: 64 bits, in decimal, and the same wherever the message is. */
export const gmailMessageId = ({ blob }: StoredMessage): string => `16${blob.padStart(17, '0')}`

function labelOf({ name, specialUse }: Mailbox): string | undefined {
  if (specialUse.includes('\\All')) return undefined
  const [use] = specialUse
  if (name === 'INBOX') return '\\Inbox'
  return (use === undefined ? undefined : labelOfUse.get(use)) ?? astring(encodeMailboxName(name))
}

/** X-GM-LABELS: the mailboxes in which the message is, by Gmail's names for them. */
export function gmailLabels(store: MailStore, user: string, { blob }: StoredMessage): string {
  const labels = store.mailboxes(user).flatMap((mailbox) => {
    const label = labelOf(mailbox)
    return label !== undefined && mailbox.messages().some((each) => each.blob === blob) ? [label] : []
  })
  return `(${labels.join(' ')})`
}
