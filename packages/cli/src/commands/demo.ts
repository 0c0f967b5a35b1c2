import type { Command } from '../command.ts'
import { parseMailUrl, parseSubmissionUrl } from '../demo/mail-url.ts'
import { UsageError } from '../failure.ts'

export const demo: Command = {
  name: 'demo',
  summary: 'Watch drafts survive an unreachable mail server, an upload, an edit, a send and a discard',
  details:
    'Starts a mail server and the daemon in this process, on free loopback ports and in a temporary folder that is\nremoved at the end. With --imap it runs on a mailbox of yours, and removes its own drafts from it again. With --smtp, too, it sends one\nmail from you to you, which stays.',
  options: {
    once: { help: 'exit when the walk is over' },
    imap: { value: 'URL', help: 'imap://USER:PASSWORD@HOST:PORT or imaps://…, percent-encoded' },
    smtp: { value: 'URL', help: 'with --imap: smtp://… with STARTTLS, or smtps://…; without it nothing is sent there' },
    'allow-untrusted': { help: 'with --imap: take a certificate that this machine does not trust' },
  },
  run: async (input) => {
    const url = input.option('imap')
    const settings = url === undefined ? null : parseMailUrl(url)
    const allowUntrusted = input.isOn('allow-untrusted')
    if (allowUntrusted && settings === null) throw new UsageError('--allow-untrusted: --imap is needed with it')
    const smtpUrl = input.option('smtp')
    const smtp = smtpUrl === undefined ? null : parseSubmissionUrl(smtpUrl)
    if (smtp !== null && settings === null) throw new UsageError('--smtp: --imap is needed with it')
    const { runDemo } = await import('../demo/run.ts')
    await runDemo({
      own:
        settings === null
          ? null
          : { imap: { ...settings, allowUntrusted }, smtp: smtp === null ? null : { ...smtp, allowUntrusted } },
      isOnce: input.isOn('once'),
    })
  },
}
