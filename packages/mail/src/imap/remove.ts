import type { RemoveOutcome, Uid } from '@everdraft/core'

import type { Command, CommandHandlers, ImapConnection } from './connection.ts'
import { outcomeOf } from './outcome.ts'
import { fetchItems, textOf, type DataResponse } from './response.ts'
import { readUidSet, uidSets } from './syntax.ts'

/**
 * Marks and expunges exactly these, in one round trip: UID EXPUNGE takes none that is not among them, whatever became of the
 * STORE (RFC 4315 §2.1).
 */
export async function removeMessages(connection: ImapConnection, uids: readonly Uid[]): Promise<RemoveOutcome> {
  const told = new ToldGone(uids)
  for (const set of uidSets(uids)) {
    // Not `.SILENT`: the answer says which number a message has, and EXPUNGE tells of numbers.
    const commands: readonly Command[] = [
      { parts: [`UID STORE ${set} +FLAGS (\\Deleted)`], handlers: told },
      { parts: [`UID EXPUNGE ${set}`], handlers: told },
    ]
    for (const completion of await connection.runTogether(commands)) {
      const outcome = outcomeOf(completion)
      if (outcome.kind === 'refused') return outcome
    }
  }
  return { kind: 'ok', told: told.uids }
}

/** What the server says of messages while they go: by UID (VANISHED, RFC 7162 §3.2.10) or by number (RFC 3501 §7.4.1). */
class ToldGone implements CommandHandlers {
  readonly #wanted: ReadonlySet<Uid>
  readonly #gone = new Set<Uid>()
  #numbers = new Map<number, Uid>()

  constructor(wanted: readonly Uid[]) {
    this.#wanted = new Set(wanted)
  }

  get uids(): readonly Uid[] {
    return [...this.#gone]
  }

  onData(response: DataResponse): void {
    const { keyword, number } = response
    if (keyword === 'VANISHED') this.#vanish(textOf(response.attributes[0]) ?? '')
    else if (number === null) return
    else if (keyword === 'FETCH') this.#learn(number, Number(textOf(fetchItems(response).get('UID'))) as Uid)
    else if (keyword === 'EXPUNGE') this.#expunge(number)
  }

  #vanish(set: string): void {
    const ranges = readUidSet(set)
    for (const uid of this.#wanted) {
      if (ranges.some(({ first, last }) => first <= uid && uid <= last)) this.#gone.add(uid)
    }
    // How many numbers that takes away is not known: UIDs in it may never have been there.
    this.#numbers.clear()
  }

  #learn(number: number, uid: Uid): void {
    if (this.#wanted.has(uid)) this.#numbers.set(number, uid)
  }

  /** The messages behind it move up. */
  #expunge(number: number): void {
    const gone = this.#numbers.get(number)
    if (gone !== undefined) this.#gone.add(gone)
    this.#numbers = new Map(
      [...this.#numbers].flatMap(([at, uid]) => (at === number ? [] : [[at > number ? at - 1 : at, uid] as const])),
    )
  }
}
