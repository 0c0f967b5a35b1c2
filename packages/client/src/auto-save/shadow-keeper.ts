import type { ShadowState } from './editor.ts'
import { openShadow, type Shadow, ShadowError, type ShadowOwner } from './shadow.ts'

/** The shadow, as far as it works. What goes wrong there is told, and keeps nobody from saving. */
export interface ShadowKeeper {
  readonly state: ShadowState
  /** Empty where nothing can be read. */
  read<Row>(work: (shadow: Shadow) => Promise<readonly Row[]>): Promise<readonly Row[]>
  /** One after the other, so that no older words overtake. */
  write(work: (shadow: Shadow) => Promise<void>): Promise<void>
  /** Before all that waits: there is no time any more. */
  writeAtOnce(work: (shadow: Shadow) => Promise<void>): Promise<void>
  /** When all that was begun has ended. */
  close(): Promise<void>
}

export async function createShadowKeeper(owner: ShadowOwner, onState: () => void): Promise<ShadowKeeper> {
  let state: ShadowState = 'kept'
  let last: Promise<void> = Promise.resolve()
  const shadow = await openShadow(owner).catch((error: unknown) => {
    state = stateAfter(error)
    return null
  })

  async function attempt(work: (shadow: Shadow) => Promise<void>): Promise<void> {
    if (shadow === null) return
    try {
      await work(shadow)
      state = 'kept'
    } catch (error) {
      state = stateAfter(error)
    }
    onState()
  }

  return {
    get state() {
      return state
    },
    async read(work) {
      if (shadow === null) return []
      try {
        return await work(shadow)
      } catch (error) {
        state = stateAfter(error)
        return []
      }
    },
    write(work) {
      last = last.then(async () => await attempt(work))
      return last
    },
    writeAtOnce: attempt,
    async close() {
      await last
      shadow?.close()
    },
  }
}

/** @throws what is no error of the shadow */
function stateAfter(error: unknown): ShadowState {
  if (!(error instanceof ShadowError)) throw error
  return error.code === 'FULL' ? 'full' : 'unavailable'
}
