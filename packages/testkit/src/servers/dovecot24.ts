import type { ServerDefinition } from './driver.ts'

/** The richest server for drafts: REPLACE, CATENATE and both together; keeps everything through kill -9. */
export const dovecot24: ServerDefinition = {
  name: 'dovecot24',
  title: 'Dovecot 2.4',
  script: 'dovecot24.sh',
  programs: ['bash', 'bwrap', 'setpriv'],
  sandboxed: true,
  cached: 'dovecot24-root/.complete',
  ports: ['IMAP_PORT', 'SUBM_PORT'],
  password: 'secret',
  domain: 'example.org',
  supports: {
    uidplus: true,
    condstore: true,
    replace: true,
    catenate: true,
    literal8: true,
    compress: true,
    specialUse: true,
    objectId: false,
    durable: true,
    drafts: 'Drafts',
    sent: 'Sent',
  },
  container: {
    service: 'dovecot',
    password: 'password',
    domain: 'example.org',
    ports: { IMAP_PORT: 'EVERDRAFT_DOVECOT_IMAP_PORT' },
  },
}
