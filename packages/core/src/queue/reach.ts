import type { Connectivity, Environment } from '../environment.ts'
import { WireError } from '../wire/mailbox.ts'
import { type BackOff, backOffMs } from './backoff.ts'

/**
 * Whether a server of an account can be reached now. All tasks that need it share one back-off, so that they do not each knock
 * (docs/adr/0005-one-back-off-per-account.md).
 */
export interface Reach {
  /** @throws {WireError} why there is no use in trying now; the same is told without knocking again */
  check(): void
  /** When the next try is due; 0 where the last one went well. */
  retryAt(): number
  reached(): void
  failed(error: WireError): void
  /** Somebody asks for it, or the network is back: the next try is now. */
  allow(): void
}

/** A wrong password tried every second locks accounts. */
const refusedBackOff: BackOff = { firstMs: 60_000, longestMs: 3_600_000 }

export function createReach(options: {
  readonly environment: Environment
  readonly offlineBackOff: BackOff
  readonly connectivity: Connectivity | null
}): Reach {
  const { environment } = options
  /** Tries in a row that failed. */
  let failures = 0
  let retryAt = 0
  let lastFailure: WireError | null = null

  function waitAfter(error: WireError): number {
    if (error.isConnectivity) return backOffMs(failures, options.offlineBackOff, environment.random)
    return Math.min(refusedBackOff.longestMs, refusedBackOff.firstMs * 2 ** Math.min(failures - 1, 10))
  }

  return {
    check() {
      if (options.connectivity?.isOnline() === false) throw new WireError('UNREACHABLE', 'this device is offline')
      if (lastFailure !== null && environment.now() < retryAt) throw lastFailure
    },
    retryAt: () => retryAt,
    reached() {
      failures = 0
      retryAt = 0
      lastFailure = null
    },
    failed(error) {
      failures += 1
      lastFailure = error
      retryAt = environment.now() + waitAfter(error)
    },
    allow() {
      retryAt = 0
    },
  }
}
