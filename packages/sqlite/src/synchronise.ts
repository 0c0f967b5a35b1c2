import { open } from 'node:fs/promises'

import { isCode } from './sqlite-errors.ts'

/** A file's bytes, or the names in a folder. */
export async function synchronise(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } catch (error) {
    // Windows synchronises no folders; its file systems log what happens to names.
    if (process.platform !== 'win32' || !isCode(error, 'EPERM')) throw error
  } finally {
    await handle.close()
  }
}
