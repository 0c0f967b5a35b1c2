/**
 * One run of the engine, from its start to its crash. What a dead one asks of the world is never answered and has no
 * effect: its promises stay open for ever, as those of a killed process do.
 */
export interface SimProcess {
  readonly number: number
  /** `dying`: it was cut off from disk and network, and only what it has in hand still comes about. */
  readonly state: 'running' | 'dying' | 'dead'
  /** Nothing reaches disk, network or clock any more; what it knows it may still tell, until the end of the step. */
  cutOff(): void
  die(): void
  onDeath(listener: () => void): void
}

export function createProcess(number: number): SimProcess {
  let state: SimProcess['state'] = 'running'
  const listeners: (() => void)[] = []
  return {
    number,
    get state() {
      return state
    },
    cutOff() {
      if (state === 'running') state = 'dying'
    },
    die() {
      if (state === 'dead') return
      state = 'dead'
      for (const listener of listeners) listener()
    },
    onDeath: (listener) => void listeners.push(listener),
  }
}

export function never<Result>(): Promise<Result> {
  return new Promise(() => {})
}
