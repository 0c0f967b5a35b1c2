import type { SendPhase, SendReason } from '../draft/send-state.ts'

/** One line of what happened to a send. */
export interface SendJournalEntry {
  readonly at: number
  readonly type: string
  readonly phase: SendPhase
  readonly reason: SendReason | null
}

/**
 * A journal as it is stored: JSON of its entries, oldest first, without the brackets around. It stands in the row of the send,
 * which each step writes anyway, so that an entry and the state that it tells of are one write.
 */
export type Journal = string & { readonly journal: unique symbol }

export function withEntries(journal: Journal | '', entries: readonly SendJournalEntry[]): Journal {
  const added = entries.map((entry) => JSON.stringify(entry))
  return (journal === '' ? added : [journal, ...added]).join(',') as Journal
}

export function entriesOf(journal: Journal): readonly SendJournalEntry[] {
  return JSON.parse(`[${journal}]`) as SendJournalEntry[]
}

/** What changes of a send on its way to one recipient, up to the server's answer, is about as long in the end. */
const room = 1_000

/**
 * Blanks at the end keep the row of a send as long as it will be: where a row grows at each step, its page is divided again
 * and again, and three are written instead of one.
 */
export function withRoom(journal: Journal, others: number): Journal {
  return journal.padEnd(room - others) as Journal
}

export function withoutRoom(stored: string): Journal {
  return stored.trimEnd() as Journal
}
