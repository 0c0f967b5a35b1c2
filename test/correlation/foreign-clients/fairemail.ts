import { asTyped, type ForeignClient, uuid } from '../foreign-client.ts'

/** A message keeps its Message-ID from the first save on; the HTML is written anew, with a plain part made of it. */
export const fairemail: ForeignClient = {
  name: 'FairEmail',
  newMessageId: (dice) => `<${uuid(dice)}@example.org>`,
  messageId: { saved: 'kept', sent: 'kept' },
  originalIdField: null,
  unknownFields: 'dropped',
  references: 'kept',
  style: 'alternative',
  signature: '',
  subject: asTyped,
  retype: asTyped,
  fields: [['X-Correlation-ID', 'fairemail']],
}
