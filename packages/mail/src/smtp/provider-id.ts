import type { MessageId, SubmissionReply } from '@everdraft/core'

/** How the provider knows the mail that it took, where the 250 says so. */
export interface ProviderId {
  readonly queueId: string | null
  readonly messageId: MessageId | null
}

const queueIds: readonly RegExp[] = [
  // Postfix, and many that copied its words
  /\bqueued as ["'<]?([\w.-]+)/i,
  // Exim
  /\bid=([\w-]+)/,
  // qmail
  /\bqp (\d+)\b/,
  // Sendmail, OpenSMTPD
  /^(\w+) Message accepted for delivery/i,
  // Gmail: seconds, then its own id
  /^OK\s+\d{9,}\s+(\S+) - gsmtp/i,
  // Amazon SES
  /^Ok ([0-9a-f]{8,}(?:-[0-9a-f]+)+)$/i,
]

// Exchange and Microsoft 365 name the Message-ID that the mail has from there on.
const messageIds: readonly RegExp[] = [/^(?:OK )?(<[^<>\s]+@[^<>\s]+>) \[(?:InternalId|Hostname)=/i]

export function readProviderId({ text }: SubmissionReply): ProviderId {
  return { queueId: firstMatch(queueIds, text), messageId: firstMatch(messageIds, text) as MessageId | null }
}

function firstMatch(patterns: readonly RegExp[], text: string): string | null {
  for (const pattern of patterns) {
    const found = pattern.exec(text)?.[1]
    if (found !== undefined) return found
  }
  return null
}
