import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { expect, test } from 'vitest'

import { availability } from '../src/index.ts'

const main = fileURLToPath(new URL('../bench/main.ts', import.meta.url))

test('every benchmark still runs and gives figures of both sides', { timeout: 240_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [main, '--quick'], { timeout: 230_000 })
  const rows = stdout
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
  const withFigures = (...start: readonly string[]): boolean =>
    rows.some((row) => start.every((cell, index) => row[index + 1] === cell) && /^[\d,]+$/.test(row.at(-3) ?? ''))
  const named = (name: string): readonly (readonly string[])[] => rows.filter((row) => row[1] === name)

  // One, ten and a hundred at a time.
  for (const name of ['engine.drafts.save()', 'by hand, a commit each', 'raw append + fdatasync']) {
    expect(named(name)).toHaveLength(3)
  }
  expect(withFigures('engine.drafts.save()')).toBe(true)
  for (const place of ['folder', 'database']) expect(named(`engine.drafts.attach(), ${place}`)).toHaveLength(1)
  expect(withFigures('`get(id)`')).toBe(true)
  expect(named('ids dropped, edited, thread kept')).toHaveLength(1)
  for (const [server, title] of [
    ['dovecot24', 'Dovecot 2.4'],
    ['cyrus310', 'Cyrus 3.10'],
    ['dovecot23', 'Dovecot 2.3'],
    ['greenmail', 'GreenMail'],
  ] as const) {
    const sides = named(title).flatMap((row) => (row[3] === 'engine' || row[3] === 'bare' ? [row[3]] : []))
    if (availability(server).available) expect(sides).toEqual(['engine', 'bare'])
    else expect(stdout).toContain(`${title} was not measured`)
  }
})
