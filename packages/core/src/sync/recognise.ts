import type { Address } from '../draft/address.ts'
import type { DraftContent } from '../draft/draft.ts'
import type { Unmodelled } from '../draft/unmodelled.ts'
import {
  type Copies,
  type DraftEvent,
  newestCopy,
  type OwnedState,
  type Receipt,
  sameCopy,
} from '../draft/draft-state.ts'
import type { Hasher } from '../environment.ts'
import type { ParsedMessage } from '../wire/message-format.ts'

/** What a copy's content is compared by: the modelled header fields and the decoded parts. */
export type Comparable = Pick<
  DraftContent & ParsedMessage,
  'from' | 'to' | 'cc' | 'bcc' | 'subject' | 'inReplyTo' | 'references' | 'text' | 'html'
> & {
  readonly attachments: readonly { readonly filename: string; readonly contentType: string; readonly sha256: string }[]
  readonly unmodelled?: Unmodelled | null
}

/**
 * A digest that is the same for a draft and for a message made from it, whatever a server did to its encoding. Some
 * programs keep our Message-ID while they edit: the digest tells their message from ours.
 */
export function contentDigest(content: Comparable, hasher: Hasher): string {
  const addresses = (list: readonly Address[]): readonly string[] =>
    list.map(({ name, address }) => words(`${name} ${address}`.replaceAll(/["<>]/g, ' ')).toLowerCase())
  const unmodelled = (content.unmodelled?.parts ?? []).map(({ contentType, sha256 }) => `${contentType}\n${sha256}`)
  const canonical = [
    addresses(content.from === null ? [] : [content.from]),
    addresses(content.to),
    addresses(content.cc),
    addresses(content.bcc),
    words(content.subject),
    content.inReplyTo ?? '',
    content.references,
    lines(content.text),
    lines(content.html ?? ''),
    // A message may carry them in another order: inline parts stand beside the HTML that shows them.
    content.attachments
      .map(({ filename, contentType, sha256 }) => [words(filename), contentType.toLowerCase(), sha256].join('\n'))
      .toSorted((a, b) => (a < b ? -1 : 1)),
    // Only where there are some, so that digests from before they were kept still count.
    ...(unmodelled.length === 0 ? [] : [unmodelled]),
  ]
  hasher.update(new TextEncoder().encode(JSON.stringify(canonical)))
  return hasher.digest()
}

/** Header folding may change the white space between words. */
function words(text: string): string {
  return text.toWellFormed().normalize('NFC').replaceAll(/\s+/g, ' ').trim()
}

/** Transports may strip blanks at line ends, and add or take the last line's end. */
function lines(text: string): string {
  // Line by line: a pattern that looks for blanks before a line end takes quadratic time over a long run of them.
  const trimmed = text
    .toWellFormed()
    .split('\n')
    .map((line) => line.trimEnd())
  const last = trimmed.findLastIndex((line) => line !== '')
  return trimmed.slice(0, last + 1).join('\n')
}

/**
 * What to tell the machine about a copy whose content was found to be an attempt of ours; null: it is known already.
 * `gone`: copies that the server was just seen to hold no more.
 */
export function eventForCopy(
  { accountId, state }: OwnedState,
  receipt: Receipt,
  gone: readonly Receipt[] = [],
): DraftEvent | null {
  const { copies } = state
  const newest = newestCopy(copies)
  if ([newest, ...state.debts].some((known) => sameCopy(known, receipt))) return null
  const uploaded: DraftEvent = { type: 'uploaded', receipt, replaced: null }
  // Also a copy on the server of an account that the draft has left.
  if (receipt.accountId !== accountId) return { type: 'late-copy', receipt }
  if (copies.kind !== 'synchronized') return uploaded
  // Where the name is gone and this says the same, it is the last copy that there is: it is no debt, but the name.
  const nameIsGone = !isCopyThere(copies, gone)
  return nameIsGone && receipt.version === state.head ? uploaded : { type: 'late-copy', receipt }
}

/** As far as we know: the newest copy is not missing, and not among those that the server was just seen to hold no more. */
export function isCopyThere(copies: Copies, gone: readonly Receipt[]): boolean {
  const copy = newestCopy(copies)
  const isMissing = copies.kind === 'synchronized' && copies.missingSince !== null
  return copy !== null && !isMissing && !gone.some((one) => sameCopy(one, copy))
}
