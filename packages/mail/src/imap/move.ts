import type { MoveOutcome, Uid, UidValidity } from '@everdraft/core'

import type { ImapConnection } from './connection.ts'
import { outcomeOf } from './outcome.ts'
import type { StatusResponse } from './response.ts'
import { astring, readUidSet, uidSets } from './syntax.ts'

/** More in one command would make COPYUID longer than a line may be. */
const mostAtOnce = 100

export async function moveMessages(
  connection: ImapConnection,
  uids: readonly Uid[],
  wireName: string,
): Promise<MoveOutcome> {
  const [set, ...more] = uidSets(uids)
  if (set === undefined || more.length > 0 || uids.length > mostAtOnce) {
    throw new RangeError(`1 to ${mostAtOnce} messages can be moved at once, not ${uids.length}`)
  }
  let copied: StatusResponse | null = null
  const completion = await connection.run([`UID MOVE ${set} `, astring(wireName)], {
    // RFC 6851 §4.3: untagged, before the EXPUNGEs.
    onUntaggedStatus: (response) => {
      if (response.status === 'OK' && response.code === 'COPYUID') copied = response
    },
  })
  const outcome = outcomeOf(completion)
  if (outcome.kind === 'refused') return outcome
  const answer = completion.code === 'COPYUID' ? completion : (copied as StatusResponse | null)
  return { kind: 'moved', to: readCopyUid(answer?.codeArgument ?? '') }
}

/** RFC 4315 §3: UIDVALIDITY, the UIDs here, the UIDs there. */
function readCopyUid(argument: string): Extract<MoveOutcome, { kind: 'moved' }>['to'] {
  const match = /^(\d+) [\d:,]+ ([\d:,]+)$/.exec(argument)
  if (!match) return null
  const ranges = readUidSet(match[2] ?? '')
  // A set that no answer to this command can have.
  if (ranges.reduce((total, { first, last }) => total + last - first + 1, 0) > mostAtOnce) return null
  const uids = ranges.flatMap(({ first, last }) =>
    Array.from({ length: last - first + 1 }, (_, index) => (first + index) as Uid),
  )
  return { uidValidity: Number(match[1]) as UidValidity, uids }
}
