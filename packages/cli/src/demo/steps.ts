import { Listr } from 'listr2'

/** One step of the walk. What it says appears as it happens. */
export interface Step {
  readonly title: string
  run(say: (line: string) => void): Promise<void>
}

/** Runs the steps in order; the first that throws ends the walk. */
export async function runSteps(steps: readonly Step[]): Promise<void> {
  if (process.stdout.isTTY) await runOnTerminal(steps)
  else await runAsLines(steps)
}

async function runOnTerminal(steps: readonly Step[]): Promise<void> {
  const list = new Listr(
    steps.map((step) => ({
      title: step.title,
      rendererOptions: { outputBar: Number.POSITIVE_INFINITY, persistentOutput: true },
      task: async (_context: unknown, task: { output: string }): Promise<void> => {
        const lines: string[] = []
        await step.run((line) => {
          lines.push(line)
          task.output = lines.join('\n')
        })
      },
    })),
    // Signals are the demo's own affair: it cleans up before it ends.
    { registerSignalListeners: false },
  )
  await list.run()
}

async function runAsLines(steps: readonly Step[]): Promise<void> {
  for (const [index, step] of steps.entries()) {
    process.stdout.write(`\n[${index + 1}/${steps.length}] ${step.title}\n`)
    await step.run((line) => process.stdout.write(`      ${line}\n`))
  }
}
