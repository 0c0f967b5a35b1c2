import type { Storage } from '@everdraft/core'

const never = new Int32Array(new SharedArrayBuffer(4))

/** Blocks the thread, as fsync does on a slower disk. */
export function oneMillisecond(): void {
  Atomics.wait(never, 0, 0, 1)
}

/** A storage whose COMMIT takes longer: it answers only after `wait`, and is durable before. */
export function withSlowCommit(storage: Storage, wait: () => void): Storage {
  return {
    async open() {
      const open = await storage.open()
      const { answer } = open
      if (answer === undefined) throw new TypeError('this storage does not answer at once')
      return {
        ...open,
        answer(statement, parameters) {
          const rows = answer(statement, parameters)
          if (statement === 'commit') wait()
          return rows
        },
      }
    },
  }
}
