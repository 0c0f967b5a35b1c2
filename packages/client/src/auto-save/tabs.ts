import { createIdempotencyKey } from '../idempotency.ts'
import type { Acknowledged } from './shadow.ts'

/** The other tabs of this browser that show the same draft. */
export interface Tabs {
  /** Of this tab; a lock is held under it until the tab ends, however it ends. */
  readonly id: string
  /** One tab saves at a time: what another has saved is known here before this one does. */
  exclusively<Result>(work: () => Promise<Result>): Promise<Result>
  tell(saved: Acknowledged): void
  /** Whether that tab has ended. One that is just ending is given a moment. */
  isGone(tab: string): Promise<boolean>
  close(): void
}

export interface TabsOptions {
  readonly tenantId: string
  readonly draftId: string
  readonly onSaved: (saved: Acknowledged) => void
}

const endingMs = 1_000

export async function joinTabs({ tenantId, draftId, onSaved }: TabsOptions): Promise<Tabs> {
  const { locks } = navigator
  const id = createIdempotencyKey()
  const held = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  void locks.request(lockOf(id), async () => {
    held.resolve()
    await ended.promise
  })
  await held.promise

  const channel = new BroadcastChannel(`everdraft draft ${JSON.stringify([tenantId, draftId])}`)
  channel.addEventListener('message', ({ data }: MessageEvent<Acknowledged>) => onSaved(data))
  return {
    id,
    exclusively: async (work) => await locks.request(`everdraft save ${JSON.stringify([tenantId, draftId])}`, work),
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel is of one origin, and takes none
    tell: (saved) => channel.postMessage(saved),
    async isGone(tab) {
      try {
        return await locks.request(lockOf(tab), { signal: AbortSignal.timeout(endingMs) }, () => true)
      } catch {
        return false
      }
    },
    close() {
      channel.close()
      ended.resolve()
    },
  }
}

function lockOf(tab: string): string {
  return `everdraft tab ${tab}`
}
