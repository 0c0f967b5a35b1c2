import { chmodSync, closeSync, openSync, statSync } from 'node:fs'

import { EverdraftError } from '@everdraft/core'

/**
 * Before SQLite makes the file: it, its log and its index take over these rights.
 *
 * A file that is there is never opened: closing it again would take away the locks that this process may hold on it
 * through another connection (POSIX: any close of a file ends all locks of the process), and another process would then
 * write into an open store.
 */
export function makePrivate(file: string): void {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found === undefined) closeSync(openSync(file, 'ax', 0o600))
  else if (found.isFile()) chmodSync(file, 0o600)
  else throw new EverdraftError('STORAGE_ERROR', `${file} is not a file`)
}
