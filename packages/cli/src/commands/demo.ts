import type { Command } from '../command.ts'
import { parseMailUrl } from '../demo/mail-url.ts'
import { UsageError } from '../failure.ts'

export const demo: Command = {
  name: 'demo',
  summary: 'Watch a draft survive an unreachable mail server, an upload, an edit and a discard',
  details:
    'Starts a mail server and the daemon in this process, on free loopback ports and in a temporary folder that is\nremoved at the end. With --imap it runs on a mailbox of yours, and removes its own drafts from it again.',
  options: {
    once: { help: 'exit when the walk is over' },
    imap: { value: 'URL', help: 'imap://USER:PASSWORD@HOST:PORT or imaps://…, percent-encoded' },
    'allow-untrusted': { help: 'with --imap: take a certificate that this machine does not trust' },
  },
  run: async (input) => {
    const url = input.option('imap')
    const settings = url === undefined ? null : parseMailUrl(url)
    const allowUntrusted = input.isOn('allow-untrusted')
    if (allowUntrusted && settings === null) throw new UsageError('--allow-untrusted: --imap is needed with it')
    const { runDemo } = await import('../demo/run.ts')
    await runDemo({ settings: settings === null ? null : { ...settings, allowUntrusted }, isOnce: input.isOn('once') })
  },
}
