import type { Composer, DeviceId, Engine, Umid } from '@everdraft/core'

/** A client renews every minute; two minutes of silence mean that it is gone. */
const defaultLeaseMs = 120_000

/** Composers of clients: the engine would renew a lease by itself, and here it ends when its client falls silent. */
export interface ComposerLeases {
  /** Opens the draft on this device, or renews. @returns when it ends without another call */
  open(draftId: Umid, device: DeviceId): Promise<number>
  /** Ends the lease, if there is one, and uploads at once. */
  close(draftId: Umid, device: DeviceId): Promise<void>
}

interface Lease {
  readonly composer: Composer
  readonly timer: NodeJS.Timeout
}

/** When the daemon closes, leases stay: clients renew them with the next one. */
export function createComposerLeases(engine: Engine, leaseMs: number = defaultLeaseMs): ComposerLeases {
  const leases = new Map<string, Lease>()

  function take(key: string): Composer | undefined {
    const lease = leases.get(key)
    clearTimeout(lease?.timer)
    leases.delete(key)
    return lease?.composer
  }

  function expireLater(key: string, composer: Composer): void {
    const timer = setTimeout(() => {
      // The engine is closed, or the draft is gone: then nothing is left to end.
      take(key)
        ?.close()
        .catch(() => {})
    }, leaseMs)
    // A lease keeps no process alive.
    leases.set(key, { composer, timer: timer.unref() })
  }

  return {
    async open(draftId, device) {
      const key = keyOf(draftId, device)
      const known = take(key)
      const composer = known ?? engine.drafts.open(draftId, { device })
      const expiresAt = Date.now() + leaseMs
      expireLater(key, composer)
      try {
        await (known === undefined ? composer.opened : composer.renew())
      } catch (error) {
        take(key)
        throw error
      }
      return expiresAt
    },
    async close(draftId, device) {
      // Unknown here, it may be known to the store: from before a restart.
      await (take(keyOf(draftId, device)) ?? engine.drafts.open(draftId, { device })).close()
    },
  }
}

function keyOf(draftId: Umid, device: DeviceId): string {
  return `${draftId} ${device}`
}
