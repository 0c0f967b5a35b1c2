import type { MailboxPort, MailboxSession } from '@everdraft/core'
import { imap } from '@everdraft/mail'

export type Unused = 'replace' | 'catenate' | 'compress'

/**
 * The mailbox port, blind to what the server could do beyond the plain way: so each verb is met on each server. Without
 * compression what passes can be read, and cut at the bytes that mean something.
 */
export function plainPort(unused: readonly Unused[]): MailboxPort {
  const port = imap()
  return {
    format: port.format,
    async connect(settings, options) {
      const compress = !unused.includes('compress')
      return blind(await port.connect({ ...settings, compress }, options), unused)
    },
  }
}

function blind(session: MailboxSession, unused: readonly Unused[]): MailboxSession {
  const hidden = Object.fromEntries(unused.map((name) => [name, false]))
  const capabilities = { ...session.capabilities, ...hidden }
  return new Proxy(session, {
    get(target, name) {
      if (name === 'capabilities') return capabilities
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}
