import { asTyped, type ForeignClient, uuid } from '../foreign-client.ts'

/** Each save and the mail have Message-IDs of their own, and only fields that it knows come through. */
export const thunderbird: ForeignClient = {
  name: 'Thunderbird',
  newMessageId: (dice) => `<${uuid(dice)}@example.org>`,
  messageId: { saved: 'new', sent: 'new' },
  originalIdField: null,
  unknownFields: 'dropped',
  references: 'kept',
  style: 'flowed',
  signature: '',
  subject: asTyped,
  retype: asTyped,
  fields: [
    ['User-Agent', 'Mozilla Thunderbird'],
    ['Content-Language', 'en-GB'],
  ],
}
