import type { ServerDefinition } from './driver.ts'

/** The plain server: UIDPLUS, IDLE and MOVE only, no Drafts folder, everything in memory. */
export const greenmail: ServerDefinition = {
  name: 'greenmail',
  title: 'GreenMail',
  script: 'greenmail.sh',
  programs: ['bash', 'java'],
  sandboxed: false,
  cached: 'greenmail-standalone-2.1.13.jar',
  ports: ['IMAP_PORT', 'SMTP_PORT'],
  password: 'secret',
  domain: 'example.org',
  supports: {
    uidplus: true,
    condstore: false,
    replace: false,
    catenate: false,
    literal8: false,
    compress: false,
    specialUse: false,
    objectId: false,
    durable: false,
    drafts: null,
    sent: null,
  },
  container: {
    service: 'greenmail',
    password: 'secret',
    domain: 'example.org',
    users: 'EVERDRAFT_GREENMAIL_USERS',
    ports: { IMAP_PORT: 'EVERDRAFT_GREENMAIL_IMAP_PORT', SMTP_PORT: 'EVERDRAFT_GREENMAIL_SMTP_PORT' },
  },
}
