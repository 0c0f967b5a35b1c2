/** When words are kept in the browser, and when they are saved. */
export interface Rhythm {
  /** Something was written. */
  changed(): void
  /** Saves after a pause, and so long after the first change at the latest. */
  schedule(firstChangeAt: number | null): void
  saveIn(ms: number): void
  /** A save begins: none is waited for. */
  saves(): void
  /** The words are being kept. */
  keeps(): void
  close(): void
}

export interface RhythmOptions {
  readonly interval: number
  readonly longestInterval: number
  readonly save: () => void
  readonly keep: () => void
}

/** Words are in the shadow so soon after they were typed. */
const shadowMs = 200

export function createRhythm({ interval, longestInterval, save, keep }: RhythmOptions): Rhythm {
  let saveTimer: ReturnType<typeof setTimeout> | undefined
  let keepTimer: ReturnType<typeof setTimeout> | undefined
  let isClosed = false

  function saveIn(ms: number): void {
    clearTimeout(saveTimer)
    if (!isClosed) saveTimer = setTimeout(save, ms)
  }

  function keeps(): void {
    clearTimeout(keepTimer)
    keepTimer = undefined
  }

  return {
    changed: () => void (keepTimer ??= setTimeout(keep, shadowMs)),
    schedule(firstChangeAt) {
      const now = Date.now()
      saveIn(Math.max(0, Math.min(interval, (firstChangeAt ?? now) + longestInterval - now)))
    },
    saveIn,
    saves: () => clearTimeout(saveTimer),
    keeps,
    close() {
      isClosed = true
      clearTimeout(saveTimer)
      keeps()
    },
  }
}
