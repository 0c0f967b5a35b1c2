import type { MessageSegment, StoreOutcome, StoreRequest, Uid, UidValidity } from '@everdraft/core'

import type { CommandPart, ImapConnection, Literal } from './connection.ts'
import { outcomeOf } from './outcome.ts'
import { partUrl } from './part-url.ts'
import type { StatusResponse } from './response.ts'
import { astring, dateTime, quoted } from './syntax.ts'

type Part = Extract<MessageSegment, { readonly kind: 'part' }>
type Content = Exclude<MessageSegment, Part>

/**
 * Sends a message after `command`, `APPEND` or `UID REPLACE <uid>`. APPENDUID comes with the tagged OK of an APPEND
 * (RFC 4315 §3) and with an untagged one before the end of a REPLACE (RFC 8508 §3.3).
 */
export async function storeMessage(
  connection: ImapConnection,
  command: string,
  wireName: string,
  request: StoreRequest,
): Promise<StoreOutcome> {
  let appended: StatusResponse | null = null
  const date = request.internalDate === undefined ? '' : `${dateTime(request.internalDate)} `
  const head = [`${command} `, astring(wireName), ` (${request.flags.join(' ')}) ${date}`]
  const completion = await connection.run([...head, ...messageParts(request)], {
    onUntaggedStatus: (response) => {
      if (response.status === 'OK' && response.code === 'APPENDUID') appended = response
    },
  })
  const outcome = outcomeOf(completion)
  if (outcome.kind === 'refused') return outcome
  const answer = completion.code === 'APPENDUID' ? completion : (appended as StatusResponse | null)
  // The UID is the second: some have sent them the other way round, which the verification after it finds out (hazard 11).
  const match = /^(\d+) (\d+)$/.exec(answer?.codeArgument ?? '')
  return {
    kind: 'stored',
    uidValidity: match ? (Number(match[1]) as UidValidity) : null,
    uid: match ? (Number(match[2]) as Uid) : null,
  }
}

function messageParts({ segments, binary = false }: StoreRequest): readonly CommandPart[] {
  const runs = joinContent(segments)
  const only = runs[0]
  if (runs.length <= 1 && only?.kind !== 'part') return [literalOf(only?.segments ?? [], binary)]
  // RFC 4469 §3
  const parts: CommandPart[] = ['CATENATE (']
  runs.forEach((run, index) => {
    const space = index === 0 ? '' : ' '
    if (run.kind === 'part') parts.push(`${space}URL ${quoted(partUrl(run.part))}`)
    else parts.push(`${space}TEXT `, literalOf(run.segments, binary))
  })
  return [...parts, ')']
}

type Run = { readonly kind: 'part'; readonly part: Part } | { readonly kind: 'content'; readonly segments: Content[] }

/** Neighbours that are sent as one literal. */
function joinContent(segments: readonly MessageSegment[]): readonly Run[] {
  const runs: Run[] = []
  for (const segment of segments) {
    const last = runs.at(-1)
    if (segment.kind === 'part') runs.push({ kind: 'part', part: segment })
    else if (last?.kind === 'content') last.segments.push(segment)
    else runs.push({ kind: 'content', segments: [segment] })
  }
  return runs
}

function literalOf(segments: readonly Content[], binary: boolean): Literal {
  const sizes = segments.map((segment) => (segment.kind === 'bytes' ? segment.bytes.length : segment.size))
  return {
    size: sizes.reduce((total, size) => total + size, 0),
    binary,
    async *open() {
      for (const segment of segments) {
        if (segment.kind === 'bytes') yield segment.bytes
        else yield* exactly(segment.size, segment.open())
      }
    },
  }
}

/** One segment that is too long and another that is too short would add up, and shift every part that follows. */
async function* exactly(size: number, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let left = size
  for await (const chunk of source) {
    left -= chunk.length
    if (left < 0) throw new RangeError(`A segment yields more than the ${size} bytes it announced`)
    yield chunk
  }
  if (left > 0) throw new RangeError(`A segment yields ${size - left} bytes instead of ${size}`)
}
