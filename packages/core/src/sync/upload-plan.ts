import type { UploadMethod } from '../draft/draft.ts'
import type { Receipt } from '../draft/draft-state.ts'
import type { Sha256 } from '../ids.ts'
import type { MailboxCapabilities } from '../wire/mailbox.ts'

/** An attachment of the message to be stored, or of a copy that lies on the server. */
interface MessagePart {
  readonly sha256: Sha256
  readonly section: string
  readonly encodedSize: number
}

/** `size`: without its transfer encoding; absent: it travels encoded. */
type WantedPart = MessagePart & { readonly size?: number }

export interface UploadQuestion {
  /** RFC822.SIZE of the message to be stored, its attachments encoded. */
  readonly size: number
  readonly parts: readonly WantedPart[]
  /** The newest copy on the server, its identity read in this very session; null where there is none. */
  readonly older: { readonly receipt: Receipt; readonly parts: readonly MessagePart[] } | null
  readonly capabilities: Pick<MailboxCapabilities, 'catenate' | 'replace' | 'binary' | 'appendLimit'>
  /** False after a server refused or spoilt a CATENATE of this draft. */
  readonly mayQuote: boolean
  /** False after a server refused or spoilt attachments that were not encoded. Default false. */
  readonly mayBeBinary?: boolean
}

export type UploadPlan =
  | { readonly kind: 'refuse'; readonly code: 'APPENDLIMIT'; readonly message: string }
  | {
      readonly kind: 'upload'
      readonly method: UploadMethod
      /** By index of `parts`: the part of the older copy to quote (RFC 4469) instead of sending the bytes. */
      readonly quotes: ReadonlyMap<number, MessagePart>
      /** The copy that the command itself removes (RFC 8508); every other older copy becomes a debt. */
      readonly replaces: Receipt | null
      /**
       * Attachments travel as they are (RFC 3516 §4.4). The server encodes them in its own way: what it made of them is to
       * be read back.
       */
      readonly binary: boolean
      /** Message bytes that cross the wire. */
      readonly bytesToSend: number
      /**
       * RFC822.SIZE of the stored message: a quoted part may be encoded in lines of another length than ours. With `binary`
       * it is about that.
       */
      readonly storedSize: number
    }

/**
 * The cheapest safe way to bring a message to the server, as data.
 *
 * Quoting comes before replacing: APPEND CATENATE leaves the older copy alone until the new one's size was checked, as
 * some servers store a CATENATE whose section is missing and say OK.
 */
export function uploadPlan(question: UploadQuestion): UploadPlan {
  const { size, parts, older, capabilities } = question
  if (capabilities.appendLimit !== null && size > capabilities.appendLimit) {
    return {
      kind: 'refuse',
      code: 'APPENDLIMIT',
      message: `the draft has ${size} bytes as a message, the server takes at most ${capabilities.appendLimit}`,
    }
  }
  const quotes = capabilities.catenate && question.mayQuote && older ? quotable(parts, older.parts) : new Map()
  if (quotes.size > 0) {
    const quoted = [...quotes.values()].reduce((sum, part) => sum + part.encodedSize, 0)
    const unsent = [...quotes.keys()].reduce((sum, index) => sum + (parts[index]?.encodedSize ?? 0), 0)
    const bytesToSend = size - unsent
    const storedSize = bytesToSend + quoted
    return { kind: 'upload', method: 'append-catenate', quotes, replaces: null, binary: false, bytesToSend, storedSize }
  }
  const saved = capabilities.binary && question.mayBeBinary ? savedByBinary(parts) : 0
  const whole = { binary: saved > 0, bytesToSend: size - saved, storedSize: size }
  if (capabilities.replace && older) {
    return { kind: 'upload', method: 'replace', quotes, replaces: older.receipt, ...whole }
  }
  return { kind: 'upload', method: 'append', quotes, replaces: null, ...whole }
}

/** Less, and the question what the server made of the parts costs more than it saves. */
const worthwhileBytes = 4 * 1024

function savedByBinary(parts: readonly WantedPart[]): number {
  // Servers convert the parts of a multipart, and not a message that is one part.
  if (parts.some(({ section }) => section === '1' || section === 'TEXT')) return 0
  const saved = parts.reduce((sum, part) => sum + part.encodedSize - (part.size ?? part.encodedSize), 0)
  return saved >= worthwhileBytes ? saved : 0
}

function quotable(wanted: readonly MessagePart[], held: readonly MessagePart[]): ReadonlyMap<number, MessagePart> {
  const quotes = new Map<number, MessagePart>()
  for (const [index, part] of wanted.entries()) {
    const match =
      held.find((other) => other.sha256 === part.sha256 && other.encodedSize === part.encodedSize) ??
      held.find((other) => other.sha256 === part.sha256)
    // An empty part saves nothing, and a URL to it is one more thing that can fail.
    if (match && match.encodedSize > 0 && part.encodedSize > 0) quotes.set(index, match)
  }
  return quotes
}
