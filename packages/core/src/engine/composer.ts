import type { Cancel } from '../environment.ts'
import type { DeviceId, Umid } from '../ids.ts'
import { getDraft } from '../storage/drafts.ts'
import { endLease, renewLease } from '../storage/leases.ts'
import { wakeTasks } from '../storage/tasks.ts'
import type { Composer } from './api.ts'
import type { EngineParts } from './parts.ts'

/** How often a lease is renewed, and how long it lives without. */
const renewMs = 60_000
const leaseMs = 2 * renewMs

export function openComposer(parts: EngineParts, draftId: Umid, options: { readonly device?: DeviceId }): Composer {
  const { store, environment, queue } = parts
  const device = options.device ?? parts.device
  let cancel: Cancel | null = null
  let closed = false

  async function renew(): Promise<void> {
    if (closed || parts.closing.aborted) return
    await store.write(async ({ db }) => {
      const { version } = await getDraft(db, draftId)
      await renewLease(db, { draftId, device, version, expiresAt: environment.now() + leaseMs })
    })
    cancel?.()
    cancel = environment.schedule(renewMs, () => {
      // A store that is closed, or a draft that is gone, ends the lease by itself.
      renew().catch(() => {})
    })
  }

  async function close(): Promise<void> {
    if (closed) return
    closed = true
    cancel?.()
    await opened.catch(() => {})
    await store.write(async ({ db }) => {
      const draft = await getDraft(db, draftId)
      await endLease(db, draftId, device)
      await wakeTasks(db, draft.accountId, environment.now(), draftId)
    })
    queue.wake()
  }

  parts.closing.addEventListener('abort', () => cancel?.())
  const opened = renew()
  // Who does not wait for it hears of a failure when closing.
  opened.catch(() => {})
  return { draftId, opened, renew, close, [Symbol.asyncDispose]: close }
}
