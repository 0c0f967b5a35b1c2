import { defineConfig } from 'vitest/config'

import { CountReporter } from './count-reporter.ts'
import { SlowFirst } from './slow-first.ts'

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    // Live suites start real servers: a slow first start must not look like a failed test.
    testTimeout: 60_000,
    hookTimeout: 300_000,
    // Two cores, and two more workers for the time in which tests wait for a server.
    maxWorkers: 4,
    // To load the engine anew for each of some two hundred files took a tenth of the time. No file leaves anything behind.
    isolate: false,
    sequence: { sequencer: SlowFirst },
    // Hundreds of processes are started, most of them the command line: what Node compiled for one serves the next.
    env: { NODE_COMPILE_CACHE: new URL('../node_modules/.cache/compiled', import.meta.url).pathname },
    reporters: ['default', new CountReporter()],
  },
})
