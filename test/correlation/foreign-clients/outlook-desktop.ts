import { type ForeignClient, hex } from '../foreign-client.ts'

/** HTML alone, curly quotes, `RE:`, and a Thread-Index in place of what other programs read. */
export const outlookDesktop: ForeignClient = {
  name: 'Outlook on a desktop',
  newMessageId: (dice) => `<00${hex(dice, 4)}$${hex(dice, 8)}$${hex(dice, 8)}$@example.org>`,
  messageId: { saved: 'new', sent: 'new' },
  originalIdField: null,
  unknownFields: 'dropped',
  references: 'none',
  style: 'html',
  signature: '',
  subject: (subject) => subject.replace(/^Re: /, 'RE: '),
  retype: (text) => text.replaceAll("'", '’').replaceAll('...', '…').replaceAll('  ', '\u00a0 '),
  fields: [
    ['X-Mailer', 'Microsoft Outlook 16.0'],
    ['Thread-Index', 'AdwExampleExampleExampleA=='],
    ['Content-Language', 'en-us'],
  ],
}
