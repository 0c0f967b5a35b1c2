import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const vitest = fileURLToPath(import.meta.resolve('vitest/package.json')).replace('package.json', 'vitest.mjs')

/** What a run of these tests prints last, and its exit code. */
function run(source: string): { readonly last: string; readonly printed: string; readonly code: number | null } {
  const folder = mkdtempSync(join(tmpdir(), 'everdraft-reporter-'))
  const reporter = new URL('count-reporter.ts', import.meta.url).href
  writeFileSync(
    join(folder, 'vitest.config.mjs'),
    `import { CountReporter } from '${reporter}'
     export default { test: { globals: true, include: ['*.test.mjs'], reporters: ['default', new CountReporter()] } }`,
  )
  writeFileSync(join(folder, 'one.test.mjs'), source)
  const { stdout, status } = spawnSync(process.execPath, [vitest, 'run', '--root', folder], { encoding: 'utf8' })
  rmSync(folder, { recursive: true })
  return { last: stdout.trimEnd().split('\n').at(-1) ?? '', printed: stdout, code: status }
}

const passing = `test('passes', () => expect(1).toBe(1))\n`

test.each<[what: string, source: string, last: string, code: number]>([
  ['what passes', passing, '1 passed, 0 failed, 0 skipped', 0],
  ['a test that fails', `${passing}test('fails', () => expect(1).toBe(2))`, '1 passed, 1 failed, 0 skipped', 1],
  ['a module that cannot be loaded', `throw new Error('at import')`, '0 passed, 1 failed, 0 skipped', 1],
  [
    'a hook before the tests that throws: the tests it prevents are no skipped ones',
    `describe('outer', () => { beforeAll(() => { throw new Error() }); describe('inner', () => { ${passing} }) })`,
    '0 passed, 2 failed, 0 skipped',
    1,
  ],
  [
    'a hook after the tests that throws',
    `describe('outer', () => { afterAll(() => { throw new Error() }); ${passing} })`,
    '1 passed, 1 failed, 0 skipped',
    1,
  ],
  [
    'an error outside of all tests',
    `test('passes', async () => { setTimeout(() => { throw new Error() }); await new Promise((r) => setTimeout(r, 50)) })`,
    '1 passed, 1 failed, 0 skipped',
    1,
  ],
])('the last line counts %s', (_, source, last, code) => {
  const ran = run(source)
  expect({ last: ran.last, code: ran.code }).toEqual({ last, code })
})

test('what is skipped is named', () => {
  // skipped: this is the text of the test that is run, and what it is about
  const ran = run(`describe.skip('a server (skipped: not here)', () => { ${passing} })`)
  expect(ran.last).toBe('0 passed, 0 failed, 1 skipped')
  expect(ran.printed).toContain('\nskipped: one.test.mjs > a server (skipped: not here) > passes\n')
})
