// As describeServer: whether a suite runs is decided here, once.
/* oxlint-disable vitest/no-conditional-tests, vitest/valid-title, vitest/expect-expect, vitest/no-disabled-tests */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

import { describe, test } from 'vitest'

/** A suite that needs programs of this machine. Without them it is skipped by name; with CI=true that is a failure. */
export function describePrograms(title: string, programs: readonly string[], suite: () => void): void {
  const missing = programs.filter((program) => !isInstalled(program))
  if (missing.length === 0) {
    describe(title, () => {
      suite()
    })
  } else if (process.env['CI'] === 'true' || process.env['CI'] === '1') {
    describe(title, () => {
      test('is installed on this machine', () => {
        throw new Error(`not installed: ${missing.join(', ')}`)
      })
    })
  } else {
    // skipped: the reason is in the name; in CI this is the branch above
    describe.skip(`${title} (skipped: not installed: ${missing.join(', ')})`, () => {
      suite()
    })
  }
}

function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
