import { Resolver } from 'node:dns/promises'

import type { SrvRecord } from './srv.ts'

const timeoutMs = 3_000

/** Asks the resolvers of this machine. No such name, and nobody answering, is no record. */
export async function resolveSrv(name: string, signal: AbortSignal): Promise<readonly SrvRecord[]> {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 2 })
  const cancel = (): void => resolver.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    const records = await resolver.resolveSrv(name)
    return records.map(({ priority, weight, port, name: target }) => ({ priority, weight, port, target }))
  } catch {
    return []
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}
