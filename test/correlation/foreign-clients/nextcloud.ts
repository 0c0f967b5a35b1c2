import { asTyped, type ForeignClient, hex } from '../foreign-client.ts'

/** Of what came before only the parent is named; the draft that it saves and the mail are two messages to it. */
export const nextcloud: ForeignClient = {
  name: 'Nextcloud Mail',
  newMessageId: (dice) => `<20261120${hex(dice, 6)}.Horde.${hex(dice, 22)}@cloud.example.org>`,
  messageId: { saved: 'new', sent: 'new' },
  originalIdField: null,
  unknownFields: 'dropped',
  references: 'parent',
  style: 'alternative',
  signature: '',
  subject: asTyped,
  retype: asTyped,
  fields: [['User-Agent', 'Horde Application Framework 5']],
}
