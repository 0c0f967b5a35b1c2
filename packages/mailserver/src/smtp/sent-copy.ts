import { withMessageId } from '../mime/rewriting.ts'
import type { SentFiling } from '../quirks.ts'
import type { Mailbox } from '../store/mailbox.ts'
import type { MailStore } from '../store/store.ts'
import type { Submission } from './envelope.ts'

export type SentFiler = {
  /** Called for each submission: files the sender's copy, when its time has come. */
  onSubmission(submission: Submission): void
}

const originalIn = {
  'rewritten-by-google': 'X-Google-Original-Message-ID',
  'rewritten-by-microsoft': 'X-Microsoft-Original-Message-ID',
} as const

function sentMailbox(store: MailStore, user: string): Mailbox | undefined {
  return store.mailboxes(user).find(({ specialUse }) => specialUse.includes('\\Sent')) ?? store.find(user, 'Sent')
}

/**
 * A server that files what was submitted by itself. Time comes in by `schedule`, so that a simulation decides on it; the
 * n-th copy gets the n-th new Message-ID.
 */
export function createSentFiler(
  store: MailStore,
  filing: SentFiling,
  schedule: (delayMs: number, task: () => void) => void,
): SentFiler {
  let filed = 0
  return {
    onSubmission: ({ envelope: { user }, bytes, acceptedAtMs }) => {
      if (user === undefined) return
      const messageId = `<sent.${++filed}.${acceptedAtMs}@mail.example.com>`
      const { messageId: fate } = filing
      const original =
        fate === 'rewritten-by-google' || fate === 'rewritten-by-microsoft' ? originalIn[fate] : undefined
      const copy = fate === 'kept' ? bytes : withMessageId(bytes, messageId, original)
      schedule(filing.afterMs, () => {
        const mailbox = sentMailbox(store, user)
        if (mailbox !== undefined) {
          store.append(mailbox, { bytes: copy, flags: ['\\Seen'], internalDateMs: acceptedAtMs })
        }
      })
    },
  }
}
