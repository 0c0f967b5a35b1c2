import { MailServerOptionError } from './capabilities.ts'

/**
 * What real servers were seen to do that no client would expect. All are off unless switched on; each names where it was
 * met. What a single command does wrong once is a matter of the fault script instead.
 */
export type Quirks = {
  /** A message whose literal is cut off by the end of the connection is stored as far as it came (go-imap). */
  readonly storesTruncatedLiterals?: boolean
  /** CATENATE takes a part that does not exist for an empty one, and says OK (Dovecot). */
  readonly dropsMissingCatenateParts?: boolean
  /** Without CATENATE, an APPEND that uses it is answered by OK and stores a message of no octets (pymap). */
  readonly storesNothingForCatenate?: boolean
  /** After a session's own APPEND its STORE and EXPUNGE say OK and do nothing, until a NOOP or a SELECT (Courier). */
  readonly ignoresChangesAfterAppend?: boolean
  /**
   * What UIDPLUS says of an APPEND: nothing, its numbers the wrong way round (ProtonMail Bridge, DavMail), or in an untagged
   * OK before the answer. REPLACE, whose code comes untagged in any case, has the first two.
   */
  readonly appendUid?: 'absent' | 'swapped' | 'untagged'
  /**
   * When the server listens again, all mail is gone: under new UIDVALIDITYs (GreenMail), or under the old ones with UIDs from
   * 1 again.
   */
  readonly forgetsAtRestart?: 'with-new-uid-validity' | 'with-same-uid-validity'
  /** A mailbox made under a name that was there before has the UIDVALIDITY of then, and UIDs from 1 (GreenMail within a second). */
  readonly reusesUidValidity?: boolean
  /** Messages get a new Message-ID when they are stored by IMAP. */
  readonly rewritesMessageIds?: boolean
  /** Header fields whose names begin with `X-` do not survive APPEND. */
  readonly dropsPrivateHeaders?: boolean
  /** Keywords are kept in lower case. */
  readonly lowerCasesKeywords?: boolean
  /** `CREATE … (USE …)` says OK and sets no special use. */
  readonly ignoresCreateUse?: boolean
  /** Special uses are listed in lower case: `\drafts` (Cyrus). */
  readonly lowerCasesSpecialUse?: boolean
  /** IDLE is accepted, and nothing is told before its DONE (Courier). */
  readonly neverPushes?: boolean
  /** A bare LF in a message: refused if left out (Cyrus), made a CRLF (Dovecot), or stored as it is. */
  readonly bareNewlines?: 'rewritten' | 'kept'
  /** New messages are told before expunged ones, as Cyrus does after a REPLACE; left out, it is the other way (Dovecot). */
  readonly tellsExistsFirst?: boolean
  /** The limit of APPEND is announced as 2^63−1, which no JavaScript number can hold (with APPENDLIMIT). */
  readonly announcesHugeAppendLimit?: boolean
  /** Mail that was submitted by SMTP is filed in the sender's Sent by the server (Gmail, Outlook, Zoho). */
  readonly filesSentCopies?: SentFiling
  /**
   * A message is one thing with labels: it is also in the mailbox with the special use `\All`, EXPUNGE takes only the label
   * away, and only what is expunged in `\Trash` or `\Junk` is gone (Gmail; X-GM-EXT-1 is a capability).
   */
  readonly archivesExpunged?: boolean
}

export type SentFiling = {
  /** How long after the submission. */
  readonly afterMs: number
  /** Rewritten, the old one is kept in `X-Google-Original-Message-ID`, in `X-Microsoft-Original-Message-ID`, or nowhere. */
  readonly messageId: 'kept' | 'rewritten' | 'rewritten-by-google' | 'rewritten-by-microsoft'
}

const known: Readonly<Record<keyof Quirks, true | readonly string[]>> = {
  storesTruncatedLiterals: true,
  dropsMissingCatenateParts: true,
  storesNothingForCatenate: true,
  ignoresChangesAfterAppend: true,
  appendUid: ['absent', 'swapped', 'untagged'],
  forgetsAtRestart: ['with-new-uid-validity', 'with-same-uid-validity'],
  reusesUidValidity: true,
  rewritesMessageIds: true,
  dropsPrivateHeaders: true,
  lowerCasesKeywords: true,
  ignoresCreateUse: true,
  lowerCasesSpecialUse: true,
  neverPushes: true,
  bareNewlines: ['rewritten', 'kept'],
  tellsExistsFirst: true,
  announcesHugeAppendLimit: true,
  filesSentCopies: true,
  archivesExpunged: true,
}

const filings: readonly string[] = ['kept', 'rewritten', 'rewritten-by-google', 'rewritten-by-microsoft']

/** @throws MailServerOptionError that names the quirk. */
export function assertQuirks(quirks: Quirks): void {
  for (const [name, value] of Object.entries(quirks)) {
    const field = `quirks.${name}`
    const allowed = Object.entries(known).find(([each]) => each === name)?.[1]
    if (allowed === undefined) throw new MailServerOptionError(field, 'unknown quirk')
    if (allowed !== true && !allowed.some((each) => each === value)) {
      throw new MailServerOptionError(field, `must be one of ${allowed.join(', ')}`)
    }
  }
  const filing = quirks.filesSentCopies
  if (filing === undefined) return
  if (!Number.isFinite(filing.afterMs) || filing.afterMs < 0) {
    throw new MailServerOptionError('quirks.filesSentCopies.afterMs', 'must be a time in milliseconds')
  }
  if (!filings.includes(filing.messageId)) {
    throw new MailServerOptionError('quirks.filesSentCopies.messageId', `must be one of ${filings.join(', ')}`)
  }
}
