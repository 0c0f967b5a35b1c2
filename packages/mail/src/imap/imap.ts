import type { MailboxCapabilities, MailboxPort } from '@everdraft/core'

import { bounceReader } from '../bounce/bounce.ts'
import { mimeFormat } from '../mime/mime-format.ts'
import { ImapConnection } from './connection.ts'
import { logIn } from './log-in.ts'
import { ImapSession } from './session.ts'
import { peerName } from './wire-failure.ts'

/** The mailbox port on IMAP4rev1. imapflow connects and logs in; the commands are our own (see `logIn` for why). */
export function imap(): MailboxPort {
  return {
    format: mimeFormat(),
    bounces: bounceReader(),
    async connect(settings, options) {
      const loggedIn = await logIn(settings, options)
      const { socket, capabilities } = loggedIn
      const connection = new ImapConnection(socket, {
        peer: peerName(settings),
        timeoutMs: options.timeoutMs,
        signal: options.signal,
        smallLiteralsNeedNoConsent: capabilities.has('LITERAL+') || capabilities.has('LITERAL-'),
      })
      return new ImapSession({
        connection,
        user: settings.user,
        bytes: () => loggedIn.bytes(),
        capabilities: readCapabilities(capabilities),
        serverId: loggedIn.serverId,
        compresses: capabilities.has('COMPRESS=DEFLATE') && settings.compress !== false,
        listReturnsSpecialUse: capabilities.has('LIST-EXTENDED') && capabilities.has('SPECIAL-USE'),
      })
    },
  }
}

function readCapabilities(given: ReadonlyMap<string, boolean | number>): MailboxCapabilities {
  const appendLimit = given.get('APPENDLIMIT')
  return {
    uidPlus: given.has('UIDPLUS'),
    replace: given.has('REPLACE'),
    catenate: given.has('CATENATE'),
    binary: given.has('BINARY'),
    specialUse: given.has('SPECIAL-USE'),
    createSpecialUse: given.has('CREATE-SPECIAL-USE'),
    move: given.has('MOVE'),
    idle: given.has('IDLE'),
    // QRESYNC implies it (RFC 7162 §3.2.3).
    condstore: given.has('CONDSTORE') || given.has('QRESYNC'),
    qresync: given.has('QRESYNC'),
    esearch: given.has('ESEARCH'),
    notify: given.has('NOTIFY'),
    compress: given.has('COMPRESS=DEFLATE'),
    objectId: given.has('OBJECTID'),
    quota: given.has('QUOTA'),
    gmail: given.has('X-GM-EXT-1'),
    // imapflow reads 2^63−1, which says "no limit", as 0; the bare capability says that STATUS knows (RFC 7889 §3).
    appendLimit: typeof appendLimit === 'number' && appendLimit > 0 ? appendLimit : null,
  }
}
