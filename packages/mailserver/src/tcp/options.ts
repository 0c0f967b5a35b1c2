import { MailServerOptionError, type CapabilityOptions } from '../capabilities.ts'
import { assertQuirks, type Quirks } from '../quirks.ts'
import { canonicalName, isValidName } from '../store/names.ts'
import type { InitialMailbox, MailUser } from '../store/store.ts'

export type MailServerOptions = CapabilityOptions & {
  readonly users: readonly MailUser[]
  /** What a new user has besides INBOX; Drafts, Sent and Trash with their special uses if left out. */
  readonly mailboxes?: readonly InitialMailbox[]
  /** Keeps the mail in this folder; in memory if left out. */
  readonly folder?: string
  /** The largest message IMAP takes, in octets: announced if APPENDLIMIT is on, enforced in any case (RFC 7889). */
  readonly appendLimitBytes?: number
  /** What it does as some real servers do and no client expects. */
  readonly quirks?: Quirks
  readonly smtp?: {
    /** Announced by SIZE (RFC 1870); 50 MiB if left out. */
    readonly maxMessageBytes?: number
    /** True if left out: this is a submission server (RFC 6409). */
    readonly requireAuthentication?: boolean
    /** Offers FUTURERELEASE (RFC 4865): how long it holds a message, in memory. Not offered if left out. */
    readonly longestHoldSeconds?: number
  }
  /** Milliseconds since 1970. */
  readonly now?: () => number
  /** Proposes UIDVALIDITYs; the store takes the next greater one if a proposal was used. The time in seconds if left out. */
  readonly proposeUidValidity?: () => number
}

const known: ReadonlySet<string> = new Set([
  'users',
  'mailboxes',
  'folder',
  'capabilities',
  'without',
  'appendLimitBytes',
  'quirks',
  'smtp',
  'now',
  'proposeUidValidity',
] satisfies readonly (keyof MailServerOptions)[])

function check(field: string, holds: boolean, problem: string): void {
  if (!holds) throw new MailServerOptionError(field, problem)
}

const isCount = (value: number | undefined): boolean =>
  value === undefined || (Number.isSafeInteger(value) && value > 0)

export function assertMailServerOptions(options: MailServerOptions): void {
  for (const name of Object.keys(options)) check(name, known.has(name), 'unknown option')
  check('users', Array.isArray(options.users) && options.users.length > 0, 'there must be at least one')
  const names = new Set<string>()
  for (const [index, { name, password, quotaBytes }] of options.users.entries()) {
    const field = `users[${index}]`
    check(`${field}.name`, typeof name === 'string' && name !== '', 'must not be empty')
    check(`${field}.name`, !names.has(name), `"${name}" is there twice`)
    check(`${field}.password`, typeof password === 'string' && password !== '', 'must not be empty')
    check(`${field}.quotaBytes`, isCount(quotaBytes), 'must be a positive number of octets')
    names.add(name)
  }
  const mailboxes = new Set<string>()
  for (const [index, { name, specialUse }] of (options.mailboxes ?? []).entries()) {
    const field = `mailboxes[${index}]`
    check(`${field}.name`, isValidName(name), `"${name}" is no mailbox name`)
    check(`${field}.name`, !mailboxes.has(canonicalName(name)), `"${name}" is there twice`)
    check(
      `${field}.specialUse`,
      specialUse === undefined || /^\\[A-Za-z]+$/u.test(specialUse),
      'must look like "\\Drafts"',
    )
    mailboxes.add(canonicalName(name))
  }
  assertQuirks(options.quirks ?? {})
  check('folder', options.folder !== '', 'must not be empty')
  check('appendLimitBytes', isCount(options.appendLimitBytes), 'must be a positive number of octets')
  check('smtp.longestHoldSeconds', isCount(options.smtp?.longestHoldSeconds), 'must be a positive number of seconds')
  check('smtp.maxMessageBytes', isCount(options.smtp?.maxMessageBytes), 'must be a positive number of octets')
}
