/** The middle one, and the lowest and highest: what is told of a figure that was measured in several rounds. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

export function spread(values: readonly number[]): Spread {
  return { median: quantile(values, 0.5), min: Math.min(...values), max: Math.max(...values) }
}

/** The smallest value that the share `q` of all values does not exceed. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const value = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]
  if (value === undefined) throw new RangeError('no values')
  return value
}

/** Round by round, so that what slows a whole round down does not count. */
export function ratios(ours: readonly number[], theirs: readonly number[]): Spread {
  return spread(
    ours.map((value, round) => {
      const other = theirs[round]
      if (other === undefined) throw new RangeError(`round ${round} is missing`)
      return value / other
    }),
  )
}
