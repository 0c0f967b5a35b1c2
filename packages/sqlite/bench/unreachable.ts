import { type EngineTiming, type MailboxPort, WireError } from '@everdraft/core'

const unused = (): Promise<never> => Promise.reject(new TypeError('nothing is uploaded here'))

/** A server that is never reached: what is measured is the store, not the network. */
export function unreachable(): MailboxPort {
  return {
    format: { compose: unused, parse: unused },
    connect: () => Promise.reject(new WireError('UNREACHABLE', 'there is no server')),
  }
}

/** Uploads are asked for, stored as tasks, and do not start while something is measured. */
export const noUploads: Partial<EngineTiming> = {
  uploadDelayMs: 3_600_000,
  longestUploadDelayMs: 86_400_000,
  pollMs: 3_600_000,
  firstBackOffMs: 3_600_000,
  longestOfflineBackOffMs: 3_600_000,
}

export const account = {
  address: 'ada@example.org',
  imap: { host: 'mail.example.org', port: 993, security: 'tls', user: 'ada', password: 'secret' },
} as const
