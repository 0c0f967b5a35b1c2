import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { assign, type Edge } from '../src/correlation/assignment.ts'

const weightOf = (edges: readonly Edge[]): number => edges.reduce((sum, { weight }) => sum + weight, 0)

/** Every way, tried. */
function best(edges: readonly Edge[]): number {
  const [edge, ...others] = edges
  if (edge === undefined) return 0
  const compatible = others.filter(({ row, column }) => row !== edge.row && column !== edge.column)
  return Math.max(best(others), edge.weight + best(compatible))
}

const edges = fc.uniqueArray(
  fc.record({ row: fc.nat(5), column: fc.nat(5), weight: fc.integer({ min: 1, max: 1_000 }) }),
  { maxLength: 14, selector: ({ row, column }) => row * 100 + column },
)

test('what goes together is worth the most that it can be, and nothing goes twice', () => {
  fc.assert(
    fc.property(edges, (given) => {
      const chosen = assign(given)
      expect(new Set(chosen.map(({ row }) => row)).size).toBe(chosen.length)
      expect(new Set(chosen.map(({ column }) => column)).size).toBe(chosen.length)
      expect(weightOf(chosen)).toBe(best(given))
    }),
    { numRuns: 300 },
  )
})

test('the best single pair gives way where all together gain by it', () => {
  const chosen = assign([
    { row: 0, column: 0, weight: 10 },
    { row: 0, column: 1, weight: 9 },
    { row: 1, column: 0, weight: 8 },
  ])
  expect(weightOf(chosen)).toBe(17)
})

test('hundreds that all hang together are paired, each once', () => {
  const size = 300
  const all = Array.from({ length: size }).flatMap((_, row) =>
    [0, 1, 2].map((step): Edge => ({ row, column: (row + step) % size, weight: 1 + step })),
  )
  const chosen = assign(all)
  expect(new Set(chosen.map(({ column }) => column)).size).toBe(chosen.length)
  expect(chosen).toHaveLength(size)
})
