import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node'

/**
 * Prints `N passed, N failed, N skipped` as the very last line of a run, after the names of what was skipped.
 *
 * A test that never ran to its end counts as failed, as does a module that could not be loaded, a hook that threw, and
 * an error outside of all tests: a run whose count is green has nothing hidden.
 */
export class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const count = { passed: 0, failed: errors.length, skipped: 0 }
    const skipped: string[] = []
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        // Vitest calls the tests behind a failed beforeAll skipped. Nobody chose to skip them.
        const prevented = state === 'skipped' && suitesAround(test).some((suite) => suite.errors().length > 0)
        count[state === 'pending' || prevented ? 'failed' : state] += 1
        if (state === 'skipped' && !prevented) skipped.push(`skipped: ${module.relativeModuleId} > ${test.fullName}`)
      }
      for (const suite of module.children.allSuites()) if (suite.errors().length > 0) count.failed += 1
      if (module.errors().length > 0) count.failed += 1
    }
    // In an exit handler, so that no other reporter writes after it.
    process.on('exit', () => {
      for (const line of skipped) console.log(line)
      console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
    })
  }
}

function suitesAround(test: TestCase): readonly (TestSuite | TestModule)[] {
  const suites: (TestSuite | TestModule)[] = []
  let around: TestSuite | TestModule = test.parent
  while (around.type === 'suite') {
    suites.push(around)
    around = around.parent
  }
  return [...suites, around]
}
