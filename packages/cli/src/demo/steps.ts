import { Listr } from 'listr2'

/** One step of the walk. What it says appears as it happens. */
export interface Step {
  readonly title: string
  run(say: (...lines: readonly string[]) => void): Promise<void>
}

/** Narrower, and a moving display would be more breaks than text. */
const narrowestTerminal = 40

/** Runs the steps in order; the first that throws ends the walk. */
export async function runSteps(steps: readonly Step[]): Promise<void> {
  const { isTTY, columns } = process.stdout
  const run = isTTY && columns >= narrowestTerminal ? runOnTerminal : runAsLines
  for (const [index, step] of steps.entries()) {
    await run({ ...step, title: `${index + 1}/${steps.length}  ${step.title}` })
  }
}

// A list for each step: one list of all would be taller than many a terminal, and what scrolls out cannot be redrawn.
async function runOnTerminal(step: Step): Promise<void> {
  const list = new Listr(
    {
      title: step.title,
      rendererOptions: { outputBar: Number.POSITIVE_INFINITY, persistentOutput: true },
      task: async (_context: unknown, task: { output: string }): Promise<void> => {
        await step.run((...lines) => {
          for (const line of lines) task.output = line
        })
      },
    },
    // Signals are the demo's own affair: it cleans up before it ends.
    { registerSignalListeners: false },
  )
  await list.run()
}

async function runAsLines(step: Step): Promise<void> {
  process.stdout.write(`\n${step.title}\n`)
  await step.run((...lines) => {
    for (const line of lines) process.stdout.write(`     ${line}\n`)
  })
}
