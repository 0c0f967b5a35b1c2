import type { Mailbox } from '../store/mailbox.ts'
import type { StoredMessage } from '../store/message.ts'

/** RFC 8474 §4: stays when the mailbox is renamed, and is never given to another. */
export const mailboxId = ({ id }: Mailbox): string => `F${id}`

/** RFC 8474 §5.1: the same for a copy of a message, as it has the same octets. */
export const emailId = ({ blob }: StoredMessage): string => `M${blob}`
