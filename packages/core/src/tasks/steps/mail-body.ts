import { readBlob } from '../../storage/blobs.ts'
import type { FrozenMail, FrozenPart, QuotedPart, StoredSend } from '../../storage/sends.ts'
import type { SubmissionBody, SubmissionPiece } from '../../wire/submission.ts'
import type { ExecuteContext } from '../task.ts'

/** Below that, a URL and the question for it cost about as much as they save. */
export const worthQuotingBytes: number = 8 * 1024

/** The frozen bytes; as pieces where the server can fetch some of them by itself. */
export function mailBody(
  context: ExecuteContext,
  { accountId, facts }: StoredSend,
  { mail, bytes }: { readonly mail: FrozenMail; readonly bytes: Uint8Array | null },
): SubmissionBody {
  const open = (start: number, end: number): AsyncIterable<Uint8Array> =>
    bytes === null ? readBlob(context.store, accountId, mail.sha256, { start, end }) : only(bytes.subarray(start, end))
  const quotes = facts.quotes?.parts ?? []
  const pieces: SubmissionPiece[] = []
  let at = 0
  const sendUntil = (end: number): void => {
    const start = at
    if (start < end) pieces.push({ kind: 'bytes', size: end - start, open: () => open(start, end) })
    at = end
  }
  for (const part of mail.parts) {
    const quote = quotes.find((one) => isSame(one, part))
    if (quote === undefined) continue
    sendUntil(part.from)
    pieces.push({ kind: 'url', size: part.encodedSize, url: quote.url })
    at = part.from + part.encodedSize
  }
  if (pieces.length === 0) return { kind: 'bytes', open: () => open(0, mail.size) }
  sendUntil(mail.size)
  return { kind: 'pieces', pieces }
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}

/** To the byte: what goes is what was frozen. */
function isSame(quote: QuotedPart, part: FrozenPart): boolean {
  return part.encodedSize >= worthQuotingBytes && quote.sha256 === part.sha256 && quote.encodedSize === part.encodedSize
}
