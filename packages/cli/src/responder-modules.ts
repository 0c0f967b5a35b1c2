import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

import type { Responder } from '@everdraft/core'

import { CommandFailure } from './failure.ts'

const moduleFile = /^(?<name>[A-Za-z0-9][A-Za-z0-9_-]{0,99})\.(?:m?js|m?ts)$/

/** The functions that the modules of a folder export as `respond`, by the names of their files. */
export async function loadResponders(folder: string): Promise<Readonly<Record<string, Responder>>> {
  let files: readonly string[]
  try {
    files = await readdir(folder)
  } catch (error) {
    throw new CommandFailure(`the folder of responders ${folder} cannot be read: ${(error as Error).message}`)
  }
  const responders: Record<string, Responder> = {}
  for (const file of files.toSorted()) {
    const name = moduleFile.exec(file)?.groups?.['name']
    if (name === undefined || file.endsWith('.d.ts')) continue
    const path = join(folder, file)
    if (Object.hasOwn(responders, name)) throw new CommandFailure(`${path}: there is another responder ${name}`)
    responders[name] = await respondOf(path)
  }
  return responders
}

async function respondOf(path: string): Promise<Responder> {
  let exported: { readonly respond?: unknown }
  try {
    exported = (await import(pathToFileURL(resolve(path)).href)) as { readonly respond?: unknown }
  } catch (error) {
    throw new CommandFailure(`${path} cannot be loaded: ${(error as Error).message}`)
  }
  const { respond } = exported
  if (typeof respond !== 'function') throw new CommandFailure(`${path}: exports no function respond`)
  return respond as Responder
}
