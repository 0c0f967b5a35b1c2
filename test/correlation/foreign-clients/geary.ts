import { asTyped, type ForeignClient, hex } from '../foreign-client.ts'

/** Saves often while somebody types; the mail has the Message-ID of the last save. */
export const geary: ForeignClient = {
  name: 'Geary',
  newMessageId: (dice) => `<${hex(dice, 10).toUpperCase()}.${hex(dice, 4).toUpperCase()}@geary.example.org>`,
  messageId: { saved: 'new', sent: 'of-the-save' },
  originalIdField: null,
  unknownFields: 'dropped',
  references: 'kept',
  style: 'alternative',
  signature: '',
  subject: asTyped,
  retype: asTyped,
  fields: [['User-Agent', 'Geary/44.1']],
}
