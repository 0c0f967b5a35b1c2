/** Aborted by the first SIGINT or SIGTERM; a second one ends the process at once. */
export interface StopSignal extends Disposable {
  readonly signal: AbortSignal
  /** Resolves when the signal comes. */
  stopped(): Promise<void>
}

export function listenForStop(): StopSignal {
  const controller = new AbortController()
  const { promise, resolve } = Promise.withResolvers<void>()
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(130)
    controller.abort()
    resolve()
  }
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const name of signals) process.on(name, onSignal)
  return {
    signal: controller.signal,
    stopped: async () => {
      // A pending promise alone does not keep a process running.
      const awake = setInterval(() => {}, 2 ** 30)
      await promise
      clearInterval(awake)
    },
    [Symbol.dispose]: () => {
      for (const name of signals) process.off(name, onSignal)
    },
  }
}
