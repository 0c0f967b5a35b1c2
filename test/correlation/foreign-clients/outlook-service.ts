import { asTyped, type ForeignClient, hex } from '../foreign-client.ts'

/** A program that keeps the header, and a service behind it that gives the mail another Message-ID and says which it had. */
export const outlookService: ForeignClient = {
  name: 'a program through Outlook.com',
  newMessageId: (dice) => `<AM0PR${hex(dice, 6).toUpperCase()}@AM0PR0101.eurprd01.prod.outlook.com>`,
  messageId: { saved: 'kept', sent: 'new' },
  originalIdField: 'X-Microsoft-Original-Message-ID',
  unknownFields: 'kept',
  references: 'kept',
  style: 'base64',
  signature: 'Get Outlook for Android',
  subject: asTyped,
  retype: asTyped,
  fields: [['X-MS-Exchange-MessageSentRepresentingType', '1']],
}
