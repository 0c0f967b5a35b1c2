import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

import type { EpochFile } from '@everdraft/core'

import { isCode, named } from './sqlite-errors.ts'
import { synchronise } from './synchronise.ts'

/** `FILE.epoch`, beside the database and readable by its owner alone. */
export function epochFile(database: string): EpochFile {
  const file = `${database}.epoch`
  return {
    read: () => named(file, () => readText(file)),
    write: (text) => named(file, () => replaceText(file, text)),
  }
}

async function readText(file: string): Promise<string | null> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null
    throw error
  }
}

/** Under another name first: a rename is all or nothing. */
async function replaceText(file: string, text: string): Promise<void> {
  const next = `${file}.new`
  await rm(next, { force: true })
  const handle = await open(next, 'wx', 0o600)
  try {
    await handle.writeFile(`${text}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(next, file)
  await synchronise(dirname(file))
}
