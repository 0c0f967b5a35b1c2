import type { Capability } from '@everdraft/mailserver'

import { createOtherProgram, type Profile, profiles } from './actors/other-program.ts'
import { createPerson } from './actors/person.ts'
import { createSender, type Sender } from './actors/sender.ts'
import { complaintsOf, createCheckers, type Checkers } from './checkers/checkers.ts'
import { createDice, type Dice } from './world/dice.ts'
import { ask } from './checkers/stored.ts'
import type { CommitFate } from './world/disk.ts'
import { emptyImage } from './world/image.ts'
import type { ProviderHabits } from './world/provider.ts'
import { createWorld, pass, until, type World } from './world/world.ts'

export interface Simulation {
  readonly seed: string
  readonly digest: string
  readonly complaints: readonly string[]
  readonly trace: readonly string[]
}

/** What a seed decides before anything happens. */
interface Plan {
  readonly without: readonly Capability[]
  readonly withDraftsFolder: boolean
  readonly appendLimitBytes: number | null
  readonly faultRate: number
  readonly slowRate: number
  readonly acts: number
  /** How often the other program acts, for each act of the person. */
  readonly foreignRate: number
  readonly profile: Profile
  readonly largeAttachments: boolean
  readonly commitFates: ReadonlyMap<number, CommitFate>
  /** See `createDisk`. */
  readonly answersAtOnce: boolean
  /** How often the process is killed between two events, for each act of the person. */
  readonly killRate: number
  /** How often the app is closed in good order. */
  readonly closeRate: number
  readonly outageRate: number
  readonly knowsTheNetwork: boolean
  /** Keeps its connection open, to listen. */
  readonly watch: boolean
  /** How often somebody does something about the outbox, for each act of the person. */
  readonly sendRate: number
  readonly provider: ProviderHabits
  /** At the end the user decides all that waits for it. */
  readonly decides: boolean
}

const optional: readonly Capability[] = [
  'UIDPLUS',
  'CATENATE',
  'REPLACE',
  'SPECIAL-USE',
  'CREATE-SPECIAL-USE',
  'LIST-EXTENDED',
  'LITERAL+',
]

function planOf(dice: Dice): Plan {
  const crashes = dice.pick([0, 1, 1, 2, 4])
  const fates: readonly CommitFate[] = ['crash-before', 'crash-after', 'crash-acknowledged', 'full']
  return {
    without: optional.filter(() => dice.chance(0.35)),
    withDraftsFolder: dice.chance(0.8),
    appendLimitBytes: dice.chance(0.1) ? 2_000 : null,
    faultRate: dice.pick([0, 0.02, 0.05, 0.15]),
    slowRate: dice.pick([0, 0, 0.05]),
    acts: dice.between(6, 18),
    foreignRate: dice.pick([0, 0.15, 0.4, 0.7]),
    profile: dice.pick(profiles),
    largeAttachments: dice.chance(0.02),
    commitFates: new Map(Array.from({ length: crashes }, () => [dice.between(2, 70), dice.pick(fates)])),
    killRate: dice.pick([0, 0.05, 0.2]),
    closeRate: dice.pick([0, 0, 0.1]),
    outageRate: dice.pick([0, 0.05]),
    knowsTheNetwork: dice.chance(0.3),
    watch: dice.chance(0.5),
    ...sendingPlanOf(dice.fork('sending')),
    answersAtOnce: dice.fork('disk').chance(0.5),
  }
}

function sendingPlanOf(dice: Dice): Pick<Plan, 'sendRate' | 'provider' | 'decides'> {
  return {
    sendRate: dice.pick([0, 0.4, 0.8]),
    provider: {
      filesAfterMs: dice.pick([null, null, 0, 5_000, 60_000, 100_000]),
      messageIds: dice.pick(['kept', 'kept', 'said', 'noted', 'replaced']),
      temporaryRate: dice.pick([0, 0, 0.3]),
      loginRefusalRate: dice.pick([0, 0, 0.05]),
      ...extensionsOf(dice.fork('extensions')),
    },
    decides: dice.chance(0.5),
  }
}

function extensionsOf(dice: Dice): Pick<ProviderHabits, 'holdsForSeconds' | 'fetches' | 'bounceRate'> {
  return {
    holdsForSeconds: dice.pick([null, null, 60, 86_400]),
    fetches: dice.chance(0.4),
    bounceRate: dice.pick([0, 0, 0, 0.4]),
  }
}

/**
 * One life of one mailbox, decided by the seed alone. `watched`: after each step, which changes nothing of the life of one
 * that is well.
 */
export async function simulate(seed: string, { watched = true } = {}): Promise<Simulation> {
  const dice = createDice(seed).fork('plan')
  const plan = planOf(dice)
  const { faultRate, slowRate } = plan
  const world = createWorld({ seed, ...plan, network: { faultRate, slowRate }, image: await emptyImage() })
  world.trace.add(`seed ${seed}: ${JSON.stringify({ ...plan, commitFates: [...plan.commitFates] })}`)
  const checkers = createCheckers(world)
  let complaints: readonly string[] = []
  world.afterStep = () => {
    if (!watched || complaints.length > 0) return
    complaints = [...complaintsOf(checkers.always), ...world.complaints]
    for (const complaint of complaints) world.trace.add(`HERE ${complaint}`)
  }
  const isWell = (): boolean => complaints.length === 0
  try {
    const sender = await liveThrough(world, plan, isWell)
    const atRest = isWell() ? await comeToRest(world, checkers, isWell, plan.decides ? sender : null) : []
    if (isWell()) complaints = [...atRest, ...world.complaints]
  } catch (error) {
    if (isWell()) complaints = [`the simulation ended: ${error instanceof Error ? (error.stack ?? error.message) : ''}`]
  }
  for (const complaint of complaints) world.trace.add(`COMPLAINT ${complaint}`)
  return { seed, digest: world.trace.digest(), complaints, trace: world.trace.lines }
}

async function liveThrough(world: World, plan: Plan, isWell: () => boolean): Promise<Sender> {
  const dice = world.dice.fork('life')
  const person = createPerson(world, dice.fork('person'), plan)
  const sender = createSender(world, dice.fork('sender'), () => person.drafts())
  const other = createOtherProgram(world, dice.fork('other program'), plan.profile)
  world.disk.fateOf = (commit) => plan.commitFates.get(commit) ?? 'stored'
  world.restartDelayMs = () => dice.between(0, 20_000)
  world.start()
  for (let act = 0; act < plan.acts && isWell(); act += 1) {
    // Bursts, as people type, and pauses in which uploads end.
    await pass(world, dice.chance(0.5) ? dice.between(0, 200) : dice.between(200, 30_000))
    person.act()
    if (dice.chance(plan.sendRate)) sender.act()
    if (dice.chance(plan.foreignRate)) other.act()
    if (dice.chance(plan.killRate)) world.scheduler.schedule(dice.between(0, 3_000), 'kill', () => world.kill())
    if (dice.chance(plan.closeRate)) world.scheduler.schedule(dice.between(0, 3_000), 'close', () => void world.close())
    if (dice.chance(plan.outageRate)) {
      world.network.setUp(false)
      world.scheduler.schedule(dice.between(100, 60_000), 'network', () => world.network.setUp(true))
    }
  }
  await pass(world, dice.between(0, 30_000))
  return sender
}

/** Nothing goes wrong any more; whatever was left undone is done, and then nothing moves. */
async function comeToRest(
  world: World,
  checkers: Checkers,
  isWell: () => boolean,
  sender: Sender | null,
): Promise<readonly string[]> {
  world.network.heal()
  world.provider.heal()
  world.disk.fateOf = () => 'stored'
  // What is late comes, who is dead is started again, and what waits for its own time has some.
  await pass(world, 150_000)
  await sendsEnd(world, isWell)
  if (sender !== null) {
    await until(world, sender.decide())
    await sendsEnd(world, isWell)
  }
  const { accountId } = world.ledger
  let complaints: readonly string[] = ['it never came to rest']
  let changes = -1
  for (let round = 0; round < 8 && isWell(); round += 1) {
    if (accountId !== null) {
      await until(
        world,
        world.ask('sync', (engine) => engine.sync(accountId, { waitMs: 600_000 })),
      )
    }
    // A vanished name is purged when a second round, a minute later, does not find it either.
    await pass(world, 70_000)
    complaints = complaintsOf(checkers.atRest)
    if (complaints.length === 0 && changes === world.server.changes) break
    changes = world.server.changes
  }
  if (complaints.length > 0 || !isWell()) return complaints
  // Quiet stays quiet: a round over the folder, and nothing else.
  const heardBytes = world.server.receivedBytes
  await pass(world, 320_000)
  if (changes !== world.server.changes) return ['invariant 8: at rest, and yet the mailbox was changed']
  const quietBytes = world.server.receivedBytes - heardBytes
  if (quietBytes > mostQuietBytes)
    return [`invariant 8: at rest, and yet ${quietBytes} bytes were said in five minutes`]
  return complaintsOf(checkers.atRest)
}

/** In commands, by a device at rest that looks once. */
const mostQuietBytes = 1_500

/** Longer than any back-off that a short life can come to. */
const longestWaitMs = 45 * 60_000
/** The second look into Sent is in it; that it goes on for a day is not waited for. */
const longestLookMs = 700_000

/** Back-offs of servers that put a mail off, and second looks into Sent, have all the time that they need. */
async function sendsEnd(world: World, isWell: () => boolean): Promise<void> {
  for (let turn = 0; turn < 40 && isWell(); turn += 1) {
    const next = nextStepOfASend(world)
    if (next === null) return
    await pass(world, Math.max(0, next - world.scheduler.now()) + 1_000)
  }
}

/** Evidence about what nobody knows is looked for for days: that is not waited for. */
function nextStepOfASend({ disk, scheduler }: World): number | null {
  const sql = `select min(t.run_at) as at from task t join send s on s.id = t.key
    where s.phase <> 'unknown' and not (s.phase = 'cleaned' and s.state like '%"unknown"%')
    and t.run_at <= ? + case t.kind when 'outbox_file' then ${longestLookMs} else ${longestWaitMs} end`
  return ask<{ readonly at: number | null }>(disk.database, sql, scheduler.now())[0]?.at ?? null
}
