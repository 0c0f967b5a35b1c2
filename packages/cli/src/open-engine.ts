import { createEngine, EverdraftError, type Engine, type EngineOptions } from '@everdraft/core'
import { imap, refreshTokens, smtp } from '@everdraft/mail'
import { sqlite } from '@everdraft/sqlite'

import type { DataFolder } from './data-folder.ts'
import { CommandFailure } from './failure.ts'
import { secretsOf } from './keys.ts'

/** Null while another process is on the folder. */
export async function openEngine(
  folder: DataFolder,
  options: Pick<EngineOptions, 'watch' | 'timing' | 'housekeeping' | 'responders' | 'draftOnly'> = {},
): Promise<Engine | null> {
  try {
    return await createEngine({
      storage: sqlite(folder.database),
      mailbox: imap(),
      submission: smtp(),
      secrets: secretsOf(folder),
      tokens: refreshTokens(),
      ...options,
    })
  } catch (error) {
    if (!(error instanceof EverdraftError)) throw error
    if (error.code === 'STORAGE_IN_USE') return null
    throw new CommandFailure(error.message)
  }
}
