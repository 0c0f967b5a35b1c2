import type { ServerDefinition } from './driver.ts'

/** As rich as Dovecot 2.4, and stricter in its errors; OBJECTID, IMAP4rev2, JMAP. */
export const cyrus310: ServerDefinition = {
  name: 'cyrus310',
  title: 'Cyrus 3.10',
  script: 'cyrus310.sh',
  programs: ['bash', 'bwrap', 'setpriv'],
  sandboxed: true,
  cached: 'cyrus310-root/.complete',
  ports: ['IMAP_PORT', 'HTTP_PORT'],
  password: 'secret',
  domain: 'localhost',
  supports: {
    uidplus: true,
    condstore: true,
    replace: true,
    catenate: true,
    literal8: true,
    compress: true,
    specialUse: true,
    objectId: true,
    durable: true,
    drafts: 'Drafts',
    sent: 'Sent',
  },
  container: {
    service: 'cyrus',
    password: 'password',
    domain: 'example.com',
    ports: {
      IMAP_PORT: 'EVERDRAFT_CYRUS_IMAP_PORT',
      HTTP_PORT: 'EVERDRAFT_CYRUS_HTTP_PORT',
      ADMIN_PORT: 'EVERDRAFT_CYRUS_ADMIN_PORT',
    },
    makeUsers: async (ports, names) => {
      const mailboxes = ['INBOX', 'Drafts', 'Sent', 'Trash'].map((name) =>
        name === 'INBOX' ? { name, subscribed: true } : { name, subscribed: true, specialUse: `\\${name}` },
      )
      for (const name of names) {
        const url = `http://127.0.0.1:${ports.get('ADMIN_PORT')}/api/${name}`
        const response = await fetch(url, { method: 'PUT', body: JSON.stringify({ mailboxes }) })
        if (!response.ok) throw new Error(`the Cyrus container did not make user ${name}: ${response.status}`)
      }
    },
  },
}
