import { createHash } from 'node:crypto'

/** All that happened, in order: two runs of one seed must have the same digest. */
export interface Trace {
  /** A line that people may read. */
  add(line: string): void
  /** Goes into the digest alone. */
  mix(text: string): void
  readonly lines: readonly string[]
  digest(): string
}

export function createTrace(now: () => number, startMs: number): Trace {
  const hash = createHash('sha256')
  const lines: string[] = []
  return {
    add(line) {
      const timed = `${((now() - startMs) / 1000).toFixed(3).padStart(9)}  ${line}`
      lines.push(timed)
      hash.update(timed).update('\n')
    },
    mix: (text) => void hash.update(text).update('\n'),
    lines,
    digest: () => hash.copy().digest('hex'),
  }
}
