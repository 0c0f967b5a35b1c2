import type { Reporter, TestModule } from 'vitest/node'

/**
 * Prints `N passed, N failed, N skipped` as the very last line of a run.
 *
 * A test that never ran to its end counts as failed, as does a module that could not be loaded and an error outside of
 * all tests: a run whose count is green has nothing hidden.
 */
export class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const count = { passed: 0, failed: errors.length, skipped: 0 }
    for (const module of modules) {
      const tests = [...module.children.allTests()]
      for (const test of tests) {
        const { state } = test.result()
        count[state === 'pending' ? 'failed' : state] += 1
      }
      if (module.errors().length > 0) count.failed += 1
    }
    // In an exit handler, so that no other reporter writes after it.
    process.on('exit', () => {
      console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
    })
  }
}
