import type { Random } from '../environment.ts'

export interface BackOff {
  readonly firstMs: number
  readonly longestMs: number
}

/** Full jitter: anything from nothing to the doubled wait, so that many clients do not knock at once. */
export function backOffMs(failures: number, { firstMs, longestMs }: BackOff, random: Random): number {
  const ceiling = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 30))
  const [high = 0, low = 0] = random(2)
  return Math.ceil(((high * 256 + low) / 65_535) * ceiling)
}
