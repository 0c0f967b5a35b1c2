import { asTyped, type ForeignClient, hex } from '../foreign-client.ts'

/** Whatever passes through its editor is a message of its own, with nothing in it that it does not know. */
export const gmailWeb: ForeignClient = {
  name: 'Gmail in a browser',
  newMessageId: (dice) => `<CA${hex(dice, 24)}+${hex(dice, 20)}@mail.gmail.com>`,
  messageId: { saved: 'new', sent: 'new' },
  originalIdField: null,
  unknownFields: 'dropped',
  references: 'kept',
  style: 'alternative',
  signature: '',
  subject: asTyped,
  retype: (text) => text.replaceAll('...', '…'),
  fields: [],
}
