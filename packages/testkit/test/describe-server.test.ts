import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const vitest = fileURLToPath(import.meta.resolve('vitest/package.json')).replace('package.json', 'vitest.mjs')

interface Ran {
  readonly tests: readonly {
    readonly fullName: string
    readonly status: string
    readonly failureMessages: readonly string[]
  }[]
  readonly code: number | null
}

/** Runs a suite of two tests against a server that is not in the cache. */
function runWithoutServer(environment: Readonly<Record<string, string>>): Ran {
  const folder = mkdtempSync(join(tmpdir(), 'everdraft-describe-'))
  const source = new URL('../src/servers/describe-server.ts', import.meta.url).href
  writeFileSync(
    join(folder, 'one.test.mjs'),
    `import { describeServer } from '${source}'
     describeServer('cyrus310', (server) => {
       test('first', () => { expect(server().imapPort).toBeGreaterThan(0) })
       test('second', () => { expect(server().imapPort).toBeGreaterThan(0) })
     })`,
  )
  const { status } = spawnSync(
    process.execPath,
    [vitest, 'run', '--root', folder, '--globals', '--reporter', 'json', '--outputFile', join(folder, 'report.json')],
    {
      encoding: 'utf8',
      env: {
        ...process.env,
        EVERDRAFT_SERVER_CACHE: join(folder, 'empty'),
        EVERDRAFT_TEST_SERVERS: 'local',
        ...environment,
      },
    },
  )
  const report = readFileSync(join(folder, 'report.json'), 'utf8')
  rmSync(folder, { recursive: true })
  const { testResults } = JSON.parse(report) as { testResults: readonly { assertionResults: Ran['tests'] }[] }
  return { tests: testResults.flatMap(({ assertionResults }) => assertionResults), code: status }
}

test('without its server a suite is skipped, test by test, and its name says why', () => {
  const { tests, code } = runWithoutServer({ CI: '' })
  expect(tests.map(({ status }) => status)).toEqual(['skipped', 'skipped'])
  for (const { fullName } of tests) expect(fullName).toMatch(/^Cyrus 3\.10 \(skipped: not .*\) (first|second)$/)
  expect(code).toBe(0)
})

test('in CI a server that is missing is a failure', () => {
  const { tests, code } = runWithoutServer({ CI: 'true' })
  expect(tests.map(({ status }) => status)).toEqual(['failed'])
  expect(tests[0]?.failureMessages.join()).toMatch(/not in the cache|not installed|bubblewrap/)
  expect(code).toBe(1)
})
