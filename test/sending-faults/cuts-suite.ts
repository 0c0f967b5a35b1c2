import type { SendRecord } from '@everdraft/core'
import type { CutKind, Direction } from '@everdraft/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { createDice } from '../sim/world/dice.ts'
import type { FaultySender } from './faulty-sender.ts'

/** Shared by FIN and RST, in each direction; `all`, as in `pnpm proof`, is every byte. */
const asked = process.env['EVERDRAFT_CUTS'] ?? '10'
const seed = process.env['EVERDRAFT_CUTS_SEED'] ?? '1'
const patience = asked === 'all' ? 3_600_000 : 120_000

/** What one mail costs, from the connection on, and the places in it where the meaning of a cut changes. */
interface Conversation {
  readonly bytes: Readonly<Record<Direction, number>>
  /** To the server: DATA has passed, and nothing of the message; or what it is to fetch by itself. */
  readonly asked: number
  /** To the client: the 354 has passed; where there is none, anything. */
  readonly invited: number
}

export interface CutsSuite {
  readonly open: () => Promise<FaultySender>
  /** At most so many cuts in each test, however many were asked for. */
  readonly most?: number
  /** The mail has an attachment that the server fetches from Drafts by itself (BURL). Default false. */
  readonly fetches?: boolean
}

const fileBytes = 20_000

/**
 * Wherever the line is lost while a mail goes: nobody has it twice, it is told what became of it, and when the server can be
 * reached again it is with everybody, once, without a word of the user; or else it is unknown, and then only because the dot
 * may have gone.
 */
export function sendingCutsSuite({ open, most = Infinity, fetches = false }: CutsSuite): void {
  const mail = fetches ? { fileBytes, isUploaded: true } : {}
  describe(`H21 H23 H31 the line is lost while a mail goes (EVERDRAFT_CUTS=${asked} EVERDRAFT_CUTS_SEED=${seed}),`, () => {
    let sender: FaultySender
    let conversation: Conversation
    beforeAll(async () => {
      sender = await open()
      // The second time is like all that follow: what is asked of a server once was asked by then.
      await converse(sender, mail)
      conversation = await converse(sender, mail)
      if (fetches) expect(conversation.bytes.toServer).toBeLessThan(fileBytes)
    })
    afterAll(async () => {
      await sender[Symbol.asyncDispose]()
    })

    test.for<readonly [Direction, CutKind]>([
      ['toServer', 'fin'],
      ['toServer', 'rst'],
      ['toClient', 'fin'],
      ['toClient', 'rst'],
    ])(
      '%s by a %s: at most one DATA per consent, and nothing lost in silence',
      { timeout: patience },
      async ([direction, how]) => {
        const complaints: string[] = []
        const ends = new Map<string, number>()
        let missed = 0
        const places = sample(conversation.bytes[direction], most, `${direction} ${how}`)
        for (const bytes of places) {
          await sender.hangUp()
          const cut = sender.proxy.cutAfter({ direction, how, bytes })
          let isCut = false
          void cut.done.then(() => (isCut = true))
          const id = await sender.consent(mail)
          const first = await sender.rest(id)
          cut.cancel()
          if (!isCut) missed += 1
          const last = await sender.recover(id)
          const found = isCut
            ? complaintsOf(sender, first, last, mayBeUnknown(conversation, direction, bytes))
            : complaintsOf(sender, first, last, false)
          if (found.length > 0) complaints.push(`${direction} ${how} ${bytes}: ${found.join(', ')}`)
          if (complaints.length > 3) break
          const end = `${first.status}, then ${last.status} with ${sender.got(last).join(' and ')}`
          ends.set(end, (ends.get(end) ?? 0) + 1)
          // Else it would be looked for in Sent during all that follow.
          if (last.status === 'unknown') await sender.device.engine.sends.resolve(id, 'sent')
        }
        expect(complaints).toEqual([])
        // The last bytes may not be there every time, as numbers in a conversation grow and shrink.
        expect(missed).toBeLessThanOrEqual(Math.ceil(places.length / 10))
        if (asked === 'all') console.info(`${direction} ${how}, ${places.length} cuts:`, Object.fromEntries(ends))
      },
    )
  })
}

async function converse(sender: FaultySender, mail: Parameters<FaultySender['consent']>[0]): Promise<Conversation> {
  await sender.hangUp()
  const bytes = { toServer: 0, toClient: 0 }
  const said = { toServer: '', toClient: '' }
  const listening = (['toServer', 'toClient'] as const).map((direction) =>
    sender.proxy.cutAfter({
      direction,
      how: 'fin',
      at(data) {
        bytes[direction] += data.length
        said[direction] += Buffer.from(data).toString('latin1')
        return null
      },
    }),
  )
  const id = await sender.consent(mail)
  const record = await sender.rest(id)
  for (const one of listening) one.cancel()
  expect(record).toMatchObject({ status: 'sent', phase: 'cleaned' })
  const end = (direction: Direction, line: RegExp): number => {
    const found = line.exec(said[direction])
    expect(found).not.toBeNull()
    return (found?.index ?? 0) + (found?.[0].length ?? 0)
  }
  const isFetched = said.toServer.includes('BURL ')
  return {
    bytes,
    asked: end('toServer', isFetched ? /^BURL .*\r\n/m : /^DATA\r\n/m),
    invited: isFetched ? 0 : end('toClient', /^354 .*\r\n/m),
  }
}

/** From there on the client may have heard that it may send, and so the server may have had everything. */
function mayBeUnknown({ asked: data, invited }: Conversation, direction: Direction, bytes: number): boolean {
  return direction === 'toServer' ? bytes > data : bytes >= invited
}

function complaintsOf(
  sender: FaultySender,
  first: SendRecord,
  last: SendRecord,
  mayStayUnknown: boolean,
): readonly string[] {
  const complaints: string[] = []
  const explained = first.status === 'sent' || (first.error?.message ?? '') !== ''
  if (!explained) complaints.push(`${first.status} without a reason`)
  if (first.status !== 'sent' && first.status !== 'queued' && first.status !== 'unknown')
    complaints.push(`${first.status} at first`)
  const marked = first.events.some(({ type }) => type === 'dot-marked')
  if (first.status === 'queued' && first.attempts > 0) complaints.push('an attempt was counted')
  const got = sender.got(last)
  if (Math.max(...got) > 1) complaints.push(`taken ${got.join(' and ')} times`)
  if (last.status === 'unknown') {
    if (!mayStayUnknown || !marked) complaints.push('unknown, though there was no dot')
  } else if (last.status !== 'sent' || last.phase !== 'cleaned') {
    complaints.push(`${last.status}, ${last.phase} in the end: ${last.error?.message ?? ''}`)
  } else if (Math.min(...got) < 1) {
    complaints.push(`said to be sent, and taken ${got.join(' and ')} times`)
  }
  return complaints
}

function sample(bytes: number, most: number, label: string): readonly number[] {
  const left = Array.from({ length: bytes + 1 }, (_, at) => at)
  const count = Math.min(most, asked === 'all' ? Infinity : Math.ceil(Number(asked) / 2))
  if (count >= left.length) return left
  const dice = createDice(`sending cuts ${seed} ${label}`)
  const chosen: number[] = []
  while (left.length > 0 && chosen.length < count) chosen.push(...left.splice(dice.below(left.length), 1))
  return chosen
}
