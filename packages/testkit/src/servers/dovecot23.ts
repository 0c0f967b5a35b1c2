import type { ServerDefinition } from './driver.ts'

/** CATENATE without REPLACE; `IMAP_CAPABILITY` makes it poorer still. */
export const dovecot23: ServerDefinition = {
  name: 'dovecot23',
  title: 'Dovecot 2.3',
  script: 'dovecot23.sh',
  programs: ['bash', 'bwrap', 'setpriv', 'dovecot'],
  sandboxed: true,
  ports: ['IMAP_PORT', 'SUBM_PORT'],
  password: 'secret',
  domain: 'example.org',
  supports: {
    uidplus: true,
    condstore: true,
    replace: false,
    catenate: true,
    literal8: true,
    compress: true,
    specialUse: true,
    objectId: false,
    durable: true,
    drafts: 'Drafts',
    sent: 'Sent',
  },
}
