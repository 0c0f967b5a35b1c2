import { utf8OfByteString } from '../octets.ts'
import type { Mailbox } from '../store/mailbox.ts'
import { asUid } from '../store/message.ts'
import { userOf, type SessionContext } from './context.ts'
import { createScanner } from './scanner.ts'
import { parseSection, readPartial, readSection, WHOLE_MESSAGE, type Section } from './section.ts'
import { ImapSyntaxError } from './scanner.ts'

export type UrlOutcome =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly problem: string }

const PART =
  /^(?:\/(?<mailbox>[^;]+?)(?:;UIDVALIDITY=(?<validity>\d+))?\/|\/)?;UID=(?<uid>\d+)(?:\/;SECTION=(?<section>[^;]+?))?(?:\/;PARTIAL=(?<offset>\d+)(?:\.(?<length>\d+))?)?$/iu

const NOTHING: Uint8Array = new Uint8Array()

const bad = (problem: string): UrlOutcome => ({ ok: false, problem })

/** Percent-encoded UTF-8 (RFC 5092 §8), not modified UTF-7. */
function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(utf8OfByteString(text))
  } catch {
    return undefined
  }
}

function sectionNamed(text: string): Section | undefined {
  try {
    const scanner = createScanner([{ kind: 'text', text }])
    const section = parseSection(scanner)
    scanner.end()
    return section
  } catch (error) {
    if (error instanceof ImapSyntaxError) return undefined
    throw error
  }
}

/**
 * The octets that a relative IMAP URL names (RFC 5092, as RFC 4469 uses it). Stricter than Dovecot, which takes a part that
 * does not exist for an empty one, and like every server known to us lenient about a PARTIAL beyond the end.
 */
export function resolveImapUrl(context: SessionContext, url: string): UrlOutcome {
  const groups = PART.exec(url)?.groups
  if (groups === undefined) return bad('Not a relative IMAP URL of a message')
  const { mailbox: path, validity, uid, section: sectionText, offset, length } = groups

  let mailbox: Mailbox | undefined
  if (path === undefined) {
    mailbox = context.view?.mailbox
    if (mailbox === undefined) return bad('Mailbox-relative URL, but no mailbox selected')
  } else {
    const name = percentDecoded(path)
    mailbox = name === undefined ? undefined : context.store.find(userOf(context), name)
    if (mailbox === undefined) return bad('Mailbox does not exist')
  }
  if (validity !== undefined && Number(validity) !== mailbox.uidValidity) return bad('UIDVALIDITY has changed')

  const message = mailbox.get(asUid(Number(uid)))
  if (message === undefined) return bad('No such message')

  const sectionName = sectionText === undefined ? '' : percentDecoded(sectionText)
  const section =
    sectionText === undefined ? WHOLE_MESSAGE : sectionName === undefined ? undefined : sectionNamed(sectionName)
  const bytes = section === undefined ? undefined : readSection(message.bytes, section)
  if (bytes === undefined) {
    if (context.quirks.dropsMissingCatenateParts === true && section !== undefined) return { ok: true, bytes: NOTHING }
    return bad('No such section')
  }
  if (offset === undefined) return { ok: true, bytes }
  const partial = { offset: Number(offset), length: length === undefined ? undefined : Number(length) }
  return { ok: true, bytes: readPartial(bytes, partial) }
}
