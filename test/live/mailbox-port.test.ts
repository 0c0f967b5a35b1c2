import { imap } from '@everdraft/mail'
import { describeServer, exerciseMailbox, type MailboxExpectations, type ServerName } from '@everdraft/testkit'

const servers = {
  dovecot24: { uidPlus: true, replace: true, catenate: true, specialUse: true, condstore: true },
  cyrus310: { uidPlus: true, replace: true, catenate: true, specialUse: true, condstore: true },
  dovecot23: { uidPlus: true, replace: false, catenate: true, specialUse: true, condstore: true },
  greenmail: { uidPlus: true, replace: false, catenate: false, specialUse: false, condstore: false },
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
