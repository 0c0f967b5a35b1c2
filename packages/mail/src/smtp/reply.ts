import type { SubmissionReply } from '@everdraft/core'

import { serverWords } from '../imap/wire-failure.ts'

/** A whole reply, of one line or more (RFC 5321 §4.2.1). */
export interface Reply {
  readonly code: number
  /** Without the code and what follows it. */
  readonly lines: readonly string[]
}

// RFC 3463 §2: class.subject.detail. The class repeats the first digit of the code.
const enhancedCode = /^([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)/

export function toSubmissionReply({ code, lines }: Reply): SubmissionReply {
  const words = lines.map((line) => line.replace(enhancedCode, ''))
  return { code, enhanced: enhancedCode.exec(lines[0] ?? '')?.[1] ?? null, text: serverWords(words.join(' ')) }
}

export type ReplyKind = 'positive' | 'continue' | 'temporary' | 'refused'

/** RFC 5321 §4.2.1: what the first digit says; null for what is no reply to a command. */
export function kindOf({ code }: Reply): ReplyKind | null {
  if (code >= 200 && code < 300) return 'positive'
  if (code >= 300 && code < 400) return 'continue'
  if (code >= 400 && code < 500) return 'temporary'
  return code >= 500 && code < 600 ? 'refused' : null
}

/** RFC 5321 §3.8: the server ends the connection, whatever it was asked. */
export const closing = 421
