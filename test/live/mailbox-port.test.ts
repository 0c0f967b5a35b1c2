import { imap } from '@everdraft/mail'
import { describeServer, exerciseMailbox, type MailboxExpectations, type ServerName } from '@everdraft/testkit'

const poor = {
  uidPlus: true,
  replace: false,
  catenate: false,
  specialUse: false,
  condstore: false,
  qresync: false,
  esearch: false,
  binary: false,
  idle: true,
  notify: false,
  compress: false,
  objectId: false,
  quota: true,
  soundParts: false,
}

const rich = {
  ...poor,
  catenate: true,
  specialUse: true,
  condstore: true,
  qresync: true,
  esearch: true,
  binary: true,
  compress: true,
  soundParts: true,
}

const servers = {
  dovecot24: { ...rich, replace: true, notify: true, quota: false },
  cyrus310: { ...rich, replace: true, notify: true, objectId: true },
  dovecot23: { ...rich, notify: true, quota: false },
  greenmail: poor,
} satisfies Record<ServerName, MailboxExpectations>

for (const [name, expected] of Object.entries(servers) as [ServerName, MailboxExpectations][]) {
  describeServer(name, (server) => {
    exerciseMailbox(() => {
      const running = server()
      const { user, password } = running.user(1)
      return {
        port: imap(),
        settings: { host: running.host, port: running.imapPort, security: 'none', user, password },
      }
    }, expected)
  })
}
