import { asTyped, type ForeignClient, uuid } from '../foreign-client.ts'

/** A draft without its own identity field gets the signature of the account once more. */
export const k9: ForeignClient = {
  name: 'K-9 Mail',
  newMessageId: (dice) => `<${uuid(dice).toUpperCase()}@example.org>`,
  messageId: { saved: 'new', sent: 'new' },
  originalIdField: null,
  unknownFields: 'dropped',
  references: 'kept',
  style: 'quoted-printable',
  signature: '-- \nSent from my Android device with K-9 Mail. Please excuse my brevity.',
  subject: asTyped,
  retype: asTyped,
  fields: [['User-Agent', 'K-9 Mail for Android']],
}
