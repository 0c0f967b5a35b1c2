import { asTyped, type ForeignClient, hex } from '../foreign-client.ts'

/** A program that keeps the header, and Gmail's SMTP behind it, which gives each mail a Message-ID of its own. */
export const gmailSmtp: ForeignClient = {
  name: 'a program through Gmail',
  newMessageId: (dice) => `<${hex(dice, 8)}.a70a0220.${hex(dice, 6)}.${hex(dice, 4)}@mx.google.com>`,
  messageId: { saved: 'kept', sent: 'new' },
  originalIdField: 'X-Google-Original-Message-ID',
  unknownFields: 'dropped',
  references: 'kept',
  style: 'quoted-printable',
  signature: '',
  subject: asTyped,
  retype: asTyped,
  fields: [['X-Google-Original-From', 'ann@example.org']],
}
