import { chmodSync } from 'node:fs'

import { EverdraftError } from '@everdraft/core'

/**
 * Locks the folder for this process; the operating system takes the lock away when the process ends, however it ends.
 * Node has no lock of files, its SQLite has: an empty database beside the folder is held.
 * @throws {EverdraftError} STORAGE_IN_USE, STORAGE_ERROR
 */
export async function lockFolder(folder: string): Promise<() => void> {
  // Not loaded for those who have no folder: it is experimental, and says so.
  const { DatabaseSync } = await import('node:sqlite')
  const file = `${folder}.lock`
  try {
    const lock = new DatabaseSync(file, { timeout: 0 })
    try {
      chmodSync(file, 0o600)
      lock.exec('pragma locking_mode = exclusive; begin exclusive; commit')
    } catch (error) {
      lock.close()
      throw error
    }
    return () => {
      if (lock.isOpen) lock.close()
    }
  } catch (error) {
    const busy = error instanceof Error && 'errcode' in error && error.errcode === 5
    if (busy) throw new EverdraftError('STORAGE_IN_USE', `${folder} is in use by another process`, { cause: error })
    throw new EverdraftError('STORAGE_ERROR', `${folder}: the folder cannot be locked`, { cause: error })
  }
}
