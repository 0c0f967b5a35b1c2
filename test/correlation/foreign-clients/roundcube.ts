import { asTyped, type ForeignClient, hex } from '../foreign-client.ts'

/** Keeps the Message-ID while it edits, and folds lines for good. */
export const roundcube: ForeignClient = {
  name: 'Roundcube',
  newMessageId: (dice) => `<${hex(dice, 32)}@example.org>`,
  messageId: { saved: 'kept', sent: 'kept' },
  originalIdField: null,
  unknownFields: 'dropped',
  references: 'kept',
  style: 'folded',
  signature: '',
  subject: asTyped,
  retype: asTyped,
  fields: [
    ['User-Agent', 'Roundcube Webmail/1.6.6'],
    ['X-Sender', 'ann@example.org'],
  ],
}
