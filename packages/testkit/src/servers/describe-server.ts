// These rules are about files of tests. This one makes suites out of data: whether a suite runs is decided here, once.
/* oxlint-disable vitest/no-conditional-tests, vitest/valid-title, vitest/expect-expect, vitest/no-disabled-tests */
import { afterAll, beforeAll, describe, test } from 'vitest'
import { availability, servers } from './available.ts'
import type { RunningServer, ServerName, ServerOptions } from './driver.ts'
import { startServer } from './start.ts'

/**
 * A suite against a real server, started before its first test and stopped after its last.
 *
 * `suite` gets a function, because the server runs only while tests run: `server().imapPort`. Where the server cannot
 * be had, all of the suite's tests show as skipped, with the reason in their names; with CI=true that is a failure,
 * since a suite that silently stops running proves nothing.
 */
export function describeServer(
  name: ServerName,
  suite: (server: () => RunningServer) => void,
  options: ServerOptions = {},
): void {
  const title = options.variant?.title ?? servers[name].title
  const here = availability(name, options)
  const server = { running: undefined as RunningServer | undefined }
  const running = (): RunningServer => {
    if (server.running === undefined) throw new Error(`${title} runs only inside tests and hooks`)
    return server.running
  }
  if (here.available) {
    describe(title, () => {
      beforeAll(async () => {
        server.running = await startServer(name, options)
      })
      afterAll(async () => {
        await server.running?.stop()
      })
      suite(running)
    })
  } else if (isContinuousIntegration()) {
    describe(title, () => {
      test('can be had on this machine', () => {
        throw new Error(here.reason)
      })
    })
  } else {
    // skipped: the reason is in the name; in CI this is the branch above
    describe.skip(`${title} (skipped: ${here.reason})`, () => {
      suite(running)
    })
  }
}

function isContinuousIntegration(): boolean {
  return process.env['CI'] === 'true' || process.env['CI'] === '1'
}
