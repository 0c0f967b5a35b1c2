import type { Umid } from '@everdraft/core'
import { connectRaw, type CutKind, type Direction, type ListedMessage } from '@everdraft/testkit'
import { describe, expect, test } from 'vitest'

import { type Device, openDevice, settle, type TargetServer } from '../live/harness.ts'
import { parseMessage } from '../live/parse-message.ts'
import { createDice } from '../sim/world/dice.ts'
import { Boundaries } from './boundaries.ts'
import { plainPort } from './plain-port.ts'
import { type Scenario, scenarios } from './scenarios.ts'

/** For each scenario; `all`, as in `pnpm proof`, is every one of them. */
const asked = process.env['EVERDRAFT_CUTS'] ?? '10'
const seed = process.env['EVERDRAFT_CUTS_SEED'] ?? '1'
const patience = asked === 'all' ? 3_600_000 : 120_000

/** After so many bytes of a direction, or at the so many-th boundary of it. */
type Place = { readonly direction: Direction; readonly how: CutKind } & (
  | { readonly bytes: number }
  | { readonly boundary: number }
)

const bystanders: readonly { readonly text: string; readonly flags: readonly string[] }[] = [
  { text: 'one', flags: ['\\Seen'] },
  { text: 'a draft of theirs', flags: ['\\Draft', '\\Seen'] },
  { text: 'marked by them', flags: ['\\Deleted'] },
]

function foreignMail(text: string): string {
  const name = text.replaceAll(' ', '-')
  return [
    'From: carol@example.com',
    'To: dave@example.com',
    `Subject: ${text}`,
    `Message-ID: <${name}@example.com>`,
    'Date: Sat, 21 Nov 2026 10:00:00 +0000',
    '',
    `not ours: ${text}`,
    '',
  ].join('\r\n')
}

/** Wherever the line is lost: in the end there is one copy, equal to the head, and nobody else’s mail was touched. */
export function cutsSuite(server: () => TargetServer): void {
  describe(`the line is lost (EVERDRAFT_CUTS=${asked} EVERDRAFT_CUTS_SEED=${seed}) on the way of`, () => {
    test.for(scenarios)(
      `$name ($cuts): one copy in the end, equal to the head, and nobody else’s mail touched`,
      { timeout: patience },
      async (scenario) => {
        await using first = await openLane(server(), scenario)
        const places = sample(allPlaces(scenario, await first.rehearse()))
        const lanes = Math.min(mostLanes, Math.ceil(places.length / cutsOfALane))
        const results = await Promise.all(
          Array.from({ length: lanes }, async (_, lane) => {
            const mine = places.filter((__, index) => index % lanes === lane)
            if (lane === 0) return await first.cutAt(mine)
            await using other = await openLane(server(), scenario)
            await other.rehearse()
            return await other.cutAt(mine)
          }),
        )
        expect(results.flatMap(({ complaints }) => complaints)).toEqual([])
        expect(results.reduce((sum, { cuts }) => sum + cuts, 0)).toBe(places.length)
        // The last bytes of a conversation may not be there every time, as numbers in it grow and shrink.
        const missed = results.reduce((sum, one) => sum + one.missed, 0)
        expect(missed).toBeLessThanOrEqual(Math.ceil(places.length / 10))
      },
    )
  })
}

// A server takes its time between the commands: others use it meanwhile, each with a mailbox of its own.
const mostLanes = 4
const cutsOfALane = 50

interface Lane extends AsyncDisposable {
  /** Does it without a cut, and listens: what is asked of a server now and then only is not part of what is like all that follow. */
  rehearse(): Promise<Heard>
  /** Does it once for each place, with the line lost there. */
  cutAt(places: readonly Place[]): Promise<Cuts>
}

interface Cuts {
  readonly cuts: number
  /** Of these, places that the conversation did not come to. */
  readonly missed: number
  readonly complaints: readonly string[]
}

async function openLane(server: TargetServer, scenario: Scenario): Promise<Lane> {
  const device = await openDevice(server, {}, { mailbox: plainPort(scenario.unused) })
  await device.sync()
  await device.foreign(async (raw) => {
    for (const { text, flags } of bystanders) await raw.append('Drafts', foreignMail(text), flags)
  })
  await settle(device)
  const onlooker = await connectRaw({ host: server.host, port: server.imapPort })
  await onlooker.login(device.user)
  const look = async (): Promise<readonly ListedMessage[]> => {
    const messages = await onlooker.listMessages('Drafts')
    // Of a folder that was only examined: it expunges nothing (RFC 3501 §6.4.2).
    await onlooker.ok('CLOSE')
    return messages
  }
  const others = await look()
  expect(others).toHaveLength(bystanders.length)
  let draftId: Umid | null = null
  let round = 0

  const act = async (): Promise<Umid> => {
    draftId = await scenario.prepare(device, draftId)
    if (scenario.connects) device.proxy.cutAll('fin')
    draftId = await scenario.act(device, draftId, (round += 1))
    return draftId
  }

  /**
   * A server may store what it was sent after the line was lost, and after it was asked whether it has: the engine looks
   * again after some seconds, which the test does not wait for, but asks for.
   */
  const atRest = async (id: Umid): Promise<readonly string[]> => {
    let complaints: readonly string[] = []
    for (let rounds = 0; rounds < 4; rounds += 1) {
      await settle(device)
      complaints = await complaintsOf(device, await look(), id, others)
      if (complaints.length === 0) break
    }
    return complaints
  }

  return {
    async rehearse() {
      await act()
      await settle(device)
      const all: Heard[] = []
      while (all.length < 2 || (all.length < 6 && !isUsual(all))) {
        const id = await act()
        const heard = await listenTo(device, () => device.sync())
        for (const verb of scenario.verbs) {
          expect(heard.said).toMatch(new RegExp(`^\\S+ (UID )?(\\S+ .*)?${verb}`, 'm'))
        }
        await settle(device)
        expect(await complaintsOf(device, await look(), id, others)).toEqual([])
        all.push(heard)
      }
      return all.reduce((one, other) => (other.bytes.toServer < one.bytes.toServer ? other : one))
    },
    async cutAt(places) {
      const complaints: string[] = []
      let cuts = 0
      let missed = 0
      for (const place of places) {
        const id = await act()
        const cut = device.proxy.cutAfter({ ...place, ...toCut(place) })
        let isCut = false
        void cut.done.then(() => (isCut = true))
        await device.sync()
        cut.cancel()
        cuts += 1
        if (!isCut) missed += 1
        const found = await atRest(id)
        if (found.length > 0) complaints.push(`${JSON.stringify(place)}: ${found.join(', ')}`)
        if (complaints.length > 3) break
      }
      return { cuts, missed, complaints }
    },
    async [Symbol.asyncDispose]() {
      onlooker.close()
      await device[Symbol.asyncDispose]()
    },
  }
}

/** The shortest was heard twice: on a machine that is busy what is asked now and then may be asked each time at first. */
function isUsual(all: readonly Heard[]): boolean {
  const lengths = all.map(({ boundaries }) => boundaries.toServer.length + boundaries.toClient.length)
  return lengths.filter((length) => length === Math.min(...lengths)).length > 1
}

interface Heard {
  readonly said: string
  readonly bytes: Readonly<Record<Direction, number>>
  /** Counted in bytes, ascending. */
  readonly boundaries: Readonly<Record<Direction, readonly number[]>>
}

async function listenTo(device: Device, talk: () => Promise<unknown>): Promise<Heard> {
  const parsers = { toServer: new Boundaries(), toClient: new Boundaries() }
  const boundaries: Record<Direction, number[]> = { toServer: [], toClient: [] }
  let said = ''
  const listening = (['toServer', 'toClient'] as const).map((direction) =>
    device.proxy.cutAfter({
      direction,
      how: 'fin',
      at(data) {
        const before = parsers[direction].bytes
        boundaries[direction].push(...parsers[direction].feed(data).map((at) => before + at))
        if (direction === 'toServer') said += Buffer.from(data).toString('latin1')
        return null
      },
    }),
  )
  await talk()
  for (const one of listening) one.cancel()
  return { said, bytes: { toServer: parsers.toServer.bytes, toClient: parsers.toClient.bytes }, boundaries }
}

/**
 * Every place; where something begins or ends both by FIN and by RST. Within a line or a literal both sides are in the same
 * state at each byte, so that every other byte is enough for each.
 */
function allPlaces({ cuts }: Scenario, heard: Heard): readonly Place[] {
  return (['toServer', 'toClient'] as const).flatMap((direction): readonly Place[] => {
    const boundaries = heard.boundaries[direction]
    if (cuts === 'every boundary') {
      const atAll = both({ direction, bytes: 0 })
      return [...atAll, ...boundaries.flatMap((_, index) => both({ direction, boundary: index + 1 }))]
    }
    const beside = new Set(boundaries.flatMap((at) => [at - 1, at, at + 1]))
    return Array.from({ length: heard.bytes[direction] + 1 }, (_, bytes): readonly Place[] => {
      if (bytes === 0 || beside.has(bytes)) return both({ direction, bytes })
      return [{ direction, bytes, how: bytes % 2 === 0 ? 'fin' : 'rst' }]
    }).flat()
  })
}

function both(
  where: { readonly direction: Direction } & ({ readonly bytes: number } | { readonly boundary: number }),
): readonly Place[] {
  return [
    { ...where, how: 'fin' },
    { ...where, how: 'rst' },
  ]
}

function sample(places: readonly Place[]): readonly Place[] {
  if (asked === 'all') return places
  const dice = createDice(`cuts ${seed}`)
  const left = [...places]
  const chosen: Place[] = []
  while (left.length > 0 && chosen.length < Number(asked)) chosen.push(...left.splice(dice.below(left.length), 1))
  return chosen
}

function toCut(place: Place): { readonly bytes: number } | { readonly at: (data: Uint8Array) => number | null } {
  if ('bytes' in place) return { bytes: place.bytes }
  const parser = new Boundaries()
  let left = place.boundary
  return {
    at(data) {
      const found = parser.feed(data)
      const here = found[left - 1]
      left -= found.length
      return here ?? null
    },
  }
}

async function complaintsOf(
  device: Device,
  messages: readonly ListedMessage[],
  draftId: Umid,
  others: readonly ListedMessage[],
): Promise<readonly string[]> {
  const complaints: string[] = []
  const uids = new Set(others.map(({ uid }) => uid))
  const theirs = messages.filter(({ uid }) => uids.has(uid))
  if (JSON.stringify(theirs.map(asSeen)) !== JSON.stringify(others.map(asSeen))) complaints.push("others' mail touched")
  const copies = messages.filter(({ uid }) => !uids.has(uid))
  const draft = await device.get(draftId)
  const expected = draft.status === 'discarded' ? 0 : 1
  if (copies.length !== expected) complaints.push(`${copies.length} copies`)
  const [copy] = copies
  if (copy === undefined || expected === 0) return complaints
  const { sync } = draft
  if (sync.state !== 'synchronized' || sync.uid !== copy.uid) complaints.push(`${sync.state} as ${sync.uid}`)
  const parsed = await parseMessage(copy.bytes)
  const there = [parsed.subject, parsed.text, parsed.attachments.map(({ sha256 }) => sha256)]
  const here = [draft.subject, draft.text, draft.attachments.map(({ sha256 }) => sha256)]
  if (JSON.stringify(there) !== JSON.stringify(here))
    complaints.push(`the copy says ${there.join(' ')}, not ${here.join(' ')}`)
  const { items } = await device.engine.drafts.list({ accountId: device.account.id, status: 'draft' })
  // The two of others that are not marked were taken in.
  if (items.length !== 3) complaints.push(`${items.length} drafts`)
  return complaints
}

function asSeen({ uid, flags, bytes }: ListedMessage): readonly unknown[] {
  const lasting = flags.filter((flag) => flag.toLowerCase() !== '\\recent')
  return [uid, lasting.toSorted(), bytes.toString('latin1')]
}
