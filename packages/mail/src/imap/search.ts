import type { MailboxCapabilities, Uid } from '@everdraft/core'

import type { CommandHandlers } from './connection.ts'
import { textOf, type DataResponse } from './response.ts'
import { dateText, readUidSet } from './syntax.ts'

/** RFC 4731: a set in a line of its own instead of every number. */
export function searchAll({ esearch }: Pick<MailboxCapabilities, 'esearch'>, criteria: string): string {
  return `UID SEARCH ${esearch ? 'RETURN (ALL) ' : ''}${criteria}`
}

/** No zone is further from UTC. */
const furthestZoneMs = 14 * 3_600_000

/** What came then (epoch milliseconds) or later is among it, in whatever zone the server's days are (RFC 3501 §6.4.4). */
export function since(at: number): string {
  return `SINCE ${dateText(at - furthestZoneMs)}`
}

// What a server can make us hold by a short line.
const maxUids = 10_000_000

export class SearchReading implements CommandHandlers {
  readonly #found = new Set<number>()

  onData({ keyword, numbers, attributes }: DataResponse): void {
    if (keyword === 'SEARCH') for (const uid of numbers) this.#found.add(uid)
    if (keyword !== 'ESEARCH') return
    const at = attributes.findIndex((attribute) => textOf(attribute)?.toUpperCase() === 'ALL')
    if (at < 0) return
    for (const { first, last } of readUidSet(textOf(attributes[at + 1]) ?? '')) {
      if (last - first > maxUids) throw new RangeError('The server names more messages than a folder can hold')
      for (let uid: number = first; uid <= last; uid += 1) this.#found.add(uid)
    }
  }

  uids(): readonly Uid[] {
    return [...this.#found].toSorted((a, b) => a - b) as Uid[]
  }
}
