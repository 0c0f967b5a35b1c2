/** By now: what stood before an `await` need not hold after it. */
export function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}

/** Resolves after the time, or at once when the signal comes. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (isAborted(signal)) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  const wake = (): void => resolve()
  signal?.addEventListener('abort', wake, { once: true })
  await promise
  clearTimeout(timer)
  signal?.removeEventListener('abort', wake)
}

const longestDelayMs = 30_000

/** Doubles with each failure, up to half a minute; half of it by chance, so that many clients do not come back at once. */
export function delayAfter(failures: number, firstMs: number): number {
  const full = Math.min(firstMs * 2 ** Math.min(failures - 1, 16), longestDelayMs)
  return full / 2 + (Math.random() * full) / 2
}
