import type { SubmissionPort } from '@everdraft/core'
import { WireError } from '@everdraft/core'

import { peerName } from '../imap/wire-failure.ts'
import { readCapabilities, readOffers } from './capabilities.ts'
import { SmtpDialogue } from './dialogue.ts'
import { ehloName, logIn } from './log-in.ts'
import { kindOf } from './reply.ts'
import { SmtpSession } from './session.ts'

// RFC 5321 §4.5.3.2.6.
const finalReplyTimeoutMs = 10 * 60 * 1000

/** The submission port on SMTP. nodemailer connects and logs in; the transaction is our own (see `logIn` for why). */
export function smtp(): SubmissionPort {
  return {
    async connect(settings, options) {
      const loggedIn = await logIn(settings, options)
      const peer = peerName(settings)
      const { timeoutMs, signal } = options
      const dialogue = new SmtpDialogue(loggedIn.socket, { peer, timeoutMs, signal })
      // Once more: what a server can do for a user it may say only to that user (RFC 4468 §3.1, Dovecot's BURL).
      dialogue.send(`EHLO ${ehloName}`)
      const reply = await dialogue.reply()
      if (kindOf(reply) !== 'positive') {
        const error = new WireError('REFUSED', `${peer} refused EHLO after the login (${reply.code})`)
        dialogue.die(error)
        throw error
      }
      return new SmtpSession({
        dialogue,
        capabilities: readCapabilities(readOffers(reply.lines), loggedIn.authMechanisms),
        finalReplyTimeoutMs: Math.max(timeoutMs, options.finalReplyTimeoutMs ?? finalReplyTimeoutMs),
        bytes: () => loggedIn.bytes(),
      })
    },
  }
}
