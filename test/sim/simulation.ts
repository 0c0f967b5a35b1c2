import { simulate, type Simulation } from './simulate.ts'

/** Each share of the seeds is a file of its own, so that the shares run beside each other. */
const shares = 2

/** 1,000 in `npm test`; more with `EVERDRAFT_SEEDS`. */
const seeds = Number(process.env['EVERDRAFT_SEEDS'] ?? 1_000)
/** One seed alone, with its whole trace. */
const replayed = process.env['EVERDRAFT_SEED']

const shownLines = 80

export function seedsOf(share: number): readonly string[] {
  if (replayed !== undefined) return share === 0 && !replayed.startsWith('d') ? [replayed] : []
  return Array.from({ length: seeds }, (_, index) => String(index + 1)).filter((_, index) => index % shares === share)
}

/** Lives with two devices, their seeds as `d1`: one for each forty of the others. */
export function seedsOfDevices(): readonly string[] {
  if (replayed !== undefined) return replayed.startsWith('d') ? [replayed] : []
  return Array.from({ length: Math.ceil(seeds / 40) }, (_, index) => `d${index + 1}`)
}

/**
 * Runs the seed twice.
 * @throws with the seed and the tail of the trace, when an invariant is broken or the second run is another one
 */
export async function proveSeed(
  seed: string,
  life: (seed: string, options: { readonly watched: boolean }) => Promise<Simulation> = simulate,
): Promise<void> {
  const first = await life(seed, { watched: true })
  if (first.complaints.length > 0) {
    const lines = replayed === undefined ? first.trace.slice(-shownLines) : first.trace
    throw new Error(
      `seed ${seed} (EVERDRAFT_SEED=${seed} replays it):\n${first.complaints.join('\n')}\n\n${lines.join('\n')}`,
    )
  }
  const second = await life(seed, { watched: false })
  if (second.digest === first.digest) return
  const at = first.trace.findIndex((line, index) => line !== second.trace[index])
  const lines = [
    ...first.trace.slice(Math.max(0, at - 20), at),
    `first:  ${first.trace[at]}`,
    `second: ${second.trace[at]}`,
  ]
  throw new Error(`seed ${seed} is not the same twice, from line ${at} on:\n${lines.join('\n')}`)
}
