import type { Spread } from './statistics.ts'

/** One question, answered with figures of both sides from the same run. */
export interface Suite {
  readonly name: string
  run(options: SuiteOptions): Promise<Section>
}

export interface SuiteOptions {
  /** A smoke run: everything is exercised, no figure means anything. */
  readonly quick: boolean
  /** Progress, for whoever waits. */
  readonly say: (line: string) => void
}

/** A suite's part of docs/benchmarks.md. */
export interface Section {
  readonly title: string
  /** What was done. */
  readonly intro: string
  /** How each side was set up. */
  readonly settings: readonly string[]
  readonly tables: readonly Table[]
  readonly notes: readonly string[]
}

export interface Table {
  readonly caption: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** Three digits that count. */
export function ratio(value: number): string {
  return value >= 100 ? count(value) : value.toPrecision(3)
}

export function ratioWithSpread({ median, min, max }: Spread): string {
  return `${ratio(median)} (${ratio(min)}–${ratio(max)})`
}
