import type { Capability } from '@everdraft/mailserver'

import { createCoWriter } from './actors/co-writer.ts'
import { createSender } from './actors/sender.ts'
import { complaintsOf, createCheckers } from './checkers/checkers.ts'
import { devicesConverge } from './checkers/devices-converge.ts'
import type { Simulation } from './simulate.ts'
import { createDice, type Dice } from './world/dice.ts'
import { emptyImage } from './world/image.ts'
import { createDevice, createSurroundings, pass, until, type World } from './world/world.ts'

/** What a seed decides before anything happens. */
interface Plan {
  readonly without: readonly Capability[]
  readonly faultRate: number
  /** One device acts when all is at rest: then no edit crosses another. */
  readonly turns: boolean
  readonly acts: number
  readonly sendRate: number
  readonly killRate: number
  readonly outageRate: number
  readonly watch: boolean
}

function planOf(dice: Dice): Plan {
  const optional: readonly Capability[] = ['UIDPLUS', 'CATENATE', 'REPLACE', 'SPECIAL-USE']
  const turns = dice.chance(0.4)
  return {
    without: optional.filter(() => dice.chance(0.3)),
    faultRate: dice.pick([0, 0.02, 0.08]),
    turns,
    acts: turns ? dice.between(3, 6) : dice.between(5, 14),
    sendRate: dice.pick([0, 0, 0.2]),
    killRate: dice.pick([0, 0.1]),
    outageRate: dice.pick([0, 0.2]),
    watch: dice.chance(0.5),
  }
}

const names = ['desk', 'phone'] as const

/** One life of one mailbox with two devices of the same user, decided by the seed alone. */
export async function simulateDevices(seed: string): Promise<Simulation> {
  const dice = createDice(`devices ${seed}`)
  const plan = planOf(dice.fork('plan'))
  const { without, faultRate, watch } = plan
  const surroundings = createSurroundings({
    seed: `devices ${seed}`,
    without,
    withDraftsFolder: true,
    appendLimitBytes: null,
  })
  surroundings.trace.add(`seed ${seed}: ${JSON.stringify(plan)}`)
  const worlds: World[] = []
  for (const name of names) {
    const image = await emptyImage(name)
    worlds.push(
      createDevice(surroundings, {
        network: { faultRate, slowRate: 0 },
        watch,
        image,
        answersAtOnce: worlds.length === 0,
      }),
    )
  }
  let complaints: readonly string[] = []
  const note = (found: readonly string[]): void => {
    if (complaints.length > 0) return
    complaints = found
    for (const complaint of found) surroundings.trace.add(`HERE ${complaint}`)
  }
  const isWell = (): boolean => complaints.length === 0
  const checkers = worlds.map((world) => createCheckers(world))
  for (const [index, world] of worlds.entries()) {
    world.afterStep = () => {
      if (isWell()) note([...complaintsOf(checkers[index]?.always ?? []), ...world.complaints])
    }
  }
  const writers = worlds.map((world, index) => createCoWriter(world, dice.fork(`writer ${index}`), names[index] ?? ''))
  // An edit of what another device is about to send crosses that, also where they take turns.
  const sends = (): number => worlds.reduce((sum, { ledger }) => sum + ledger.consents.size, 0)
  const edits = (): number => sends() + (plan.turns ? 0 : writers.reduce((sum, writer) => sum + writer.edits, 0))
  const atRest = [devicesConverge(worlds, edits), ...checkers.flatMap((one) => one.atRest)]
  const life = dice.fork('life')
  const senders = worlds.map((world, index) =>
    createSender(world, dice.fork(`sender ${index}`), () => writers[index]?.drafts() ?? []),
  )
  try {
    for (const world of worlds) {
      world.restartDelayMs = () => life.between(0, 20_000)
      world.start()
    }
    await pass(worlds[0] as World, 5_000)
    for (let act = 0; act < plan.acts && isWell(); act += 1) {
      const turn = life.below(worlds.length)
      const world = worlds[turn] as World
      await writers[turn]?.act()
      if (life.chance(plan.sendRate)) senders[turn]?.act()
      if (life.chance(plan.killRate)) world.scheduler.schedule(life.between(0, 3_000), 'kill', () => world.kill())
      if (life.chance(plan.outageRate)) {
        world.network.setUp(false)
        world.scheduler.schedule(life.between(100, 60_000), 'network', () => world.network.setUp(true))
      }
      // An outage is over after the first, what it held up goes up in the second, and the other has it after the third.
      if (plan.turns) await settle(worlds, 3)
      else await pass(world, life.chance(0.5) ? life.between(0, 1_000) : life.between(1_000, 30_000))
    }
    for (const world of worlds) {
      world.network.heal()
      world.provider.heal()
    }
    await pass(worlds[0] as World, 150_000)
    let left: readonly string[] = ['it never came to rest']
    let changes = -1
    for (let round = 0; round < 8 && isWell(); round += 1) {
      await settle(worlds, 1)
      left = complaintsOf(atRest)
      const now = worlds[0]?.server.changes ?? 0
      if (left.length === 0 && changes === now) break
      changes = now
    }
    note(left)
  } catch (error) {
    note([`the simulation ended: ${error instanceof Error ? (error.stack ?? error.message) : ''}`])
  }
  const { trace } = surroundings
  return { seed, digest: trace.digest(), complaints, trace: trace.lines }
}

/** Rounds of both, with the time between that a vanished name needs to be missed twice. */
async function settle(worlds: readonly World[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    for (const world of worlds) {
      const { accountId } = world.ledger
      if (accountId === null) continue
      await until(
        world,
        world.ask('sync', (engine) => engine.sync(accountId, { waitMs: 600_000 })),
      )
    }
    await pass(worlds[0] as World, 70_000)
  }
}
