import type { CapabilitySet } from '../capabilities.ts'
import type { Quirks } from '../quirks.ts'
import type { MailStore } from '../store/store.ts'
import type { Piece } from './format.ts'
import type { NotifySettings } from './notify.ts'
import type { Scanner } from './scanner.ts'
import type { View } from './view.ts'

/** A tagged answer, which the pending updates of the mailbox precede; or a question that one more line answers. */
export type Reply =
  | {
      readonly kind: 'tagged'
      readonly status: 'OK' | 'NO' | 'BAD'
      readonly code?: string
      readonly text: string
      /** What comes after this answer is compressed, both ways (RFC 4978). */
      readonly startsCompression?: boolean
    }
  | { readonly kind: 'ask'; readonly prompt: string; readonly onLine: (line: string) => Reply }

/** What the commands of a session work on. */
export type SessionContext = {
  readonly store: MailStore
  readonly capabilities: CapabilitySet
  readonly now: () => number
  readonly appendLimitBytes: number | undefined
  readonly quirks: Quirks
  user: string | undefined
  view: View | undefined
  /** The client has shown that it knows modseqs, and is told them from then on (RFC 7162 §3.1). */
  readonly condstore: boolean
  /** VANISHED instead of EXPUNGE (RFC 7162 §3.2). */
  qresync: boolean
  readonly compressing: boolean
  /** The client is told of changes as they happen. */
  idling: boolean
  loggedOut: boolean
  /** The session has stored a message since the client last looked (see `ignoresChangesAfterAppend`). */
  hasAppended: boolean
  /** `* …` */
  untagged(...line: readonly Piece[]): void
  select(view: View | undefined): void
  /** Any command that knows of modseqs does this. */
  useCondstore(): void
  /** What the client wants to hear of from now on, without asking (RFC 5465). */
  setNotify(settings: NotifySettings | undefined): void
  capabilityLine(): string
}

export type Call = {
  readonly tag: string
  readonly context: SessionContext
  readonly args: Scanner
  /** The UID form of the command. */
  readonly uid: boolean
}

export type Handler = (call: Call) => Reply

export const ok = (text: string, code?: string): Reply => ({
  kind: 'tagged',
  status: 'OK',
  text,
  ...(code === undefined ? {} : { code }),
})
export const no = (text: string, code?: string): Reply => ({
  kind: 'tagged',
  status: 'NO',
  text,
  ...(code === undefined ? {} : { code }),
})
export const bad = (text: string): Reply => ({ kind: 'tagged', status: 'BAD', text })

/** For commands that the state table admits only after a login. */
export function userOf({ user }: SessionContext): string {
  if (user === undefined) throw new Error('a command ran before the login')
  return user
}

/** For commands that the state table admits only with a mailbox selected. */
export function viewOf({ view }: SessionContext): View {
  if (view === undefined) throw new Error('a command ran without a mailbox')
  return view
}
