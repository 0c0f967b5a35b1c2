import { randomUUID } from 'node:crypto'
import {
  chmod,
  copyFile,
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'

import {
  type AccountId,
  type BlobName,
  type BlobStore,
  type BlobWriter,
  type ByteRange,
  EverdraftError,
  type OpenBlobStore,
  type Sha256,
} from '@everdraft/core'

import { isCode, named } from './sqlite-errors.ts'
import { synchronise } from './synchronise.ts'

/** What is read at once. */
const pieceBytes = 256 * 1024

/**
 * Attachments in a folder, one file each: `ACCOUNT/SHA256.ID`, made durable before the database names it. The folder is
 * readable by its owner alone, and belongs to one store.
 */
export function blobFolder(path: string): BlobStore {
  const folder = resolve(path)
  return { open: (owner) => named(folder, () => openFolder(folder, owner)) }
}

async function openFolder(folder: string, owner: string): Promise<OpenBlobStore> {
  const incoming = join(folder, 'incoming')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
  await claim(folder, owner)
  // What a crash left half written: nobody was told that it is stored.
  await rm(incoming, { recursive: true, force: true })
  await mkdir(incoming, { mode: 0o700 })
  const fileOf = ({ accountId, sha256, id }: BlobName): string => join(folder, accountId, `${sha256}.${id}`)
  return {
    create: () => named(incoming, () => createWriter(join(incoming, randomUUID()), fileOf)),
    read: (name, size, range) => readFrom(fileOf(name), size, range),
    link: (from, to) => named(fileOf(to), () => linkFile(fileOf(from), fileOf(to))),
    remove: (name) => named(fileOf(name), () => rm(fileOf(name), { force: true })),
    list: () => list(folder),
  }
}

/** Two stores in one folder would take each other's files for leftovers. */
async function claim(folder: string, owner: string): Promise<void> {
  const file = join(folder, 'owner')
  try {
    await writeFile(file, `${owner}\n`, { flag: 'wx', mode: 0o600, flush: true })
    await synchronise(folder)
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
    const found = (await readFile(file, 'utf8')).trim()
    if (found !== owner) throw new EverdraftError('STORAGE_ERROR', `${folder}: this folder belongs to another store`)
  }
}

async function createWriter(file: string, fileOf: (name: BlobName) => string): Promise<BlobWriter> {
  const handle = await open(file, 'wx', 0o600)
  let isOpen = true
  const close = async (): Promise<void> => {
    if (!isOpen) return
    isOpen = false
    await handle.close()
  }
  return {
    write: (bytes) => named(file, () => writeAll(handle, bytes)),
    keep: (name) =>
      named(file, async () => {
        await handle.sync()
        await close()
        const kept = fileOf(name)
        await makeFolderOf(kept)
        await rename(file, kept)
        await synchronise(dirname(kept))
      }),
    async discard() {
      await close()
      await rm(file, { force: true })
    },
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written)
    written += bytesWritten
  }
}

async function linkFile(from: string, to: string): Promise<void> {
  await makeFolderOf(to)
  try {
    await link(from, to)
  } catch (error) {
    // File systems without links, or with too many of one file.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS'].some((code) => isCode(error, code))) throw error
    await copyDurably(from, to)
  }
  await synchronise(dirname(to))
}

async function copyDurably(from: string, to: string): Promise<void> {
  await copyFile(from, to)
  await synchronise(to)
}

async function makeFolderOf(file: string): Promise<void> {
  const folder = dirname(file)
  const made = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (made !== undefined) await synchronise(dirname(folder))
}

/** Never a short file for the whole one: who reads it may be about to send it (hazard 14). */
async function* readFrom(
  file: string,
  size: number,
  { start, end }: ByteRange,
): AsyncGenerator<Uint8Array, void, undefined> {
  const handle = await named(file, () => open(file, 'r'))
  try {
    const found = await named(file, () => handle.stat())
    if (found.size !== size) {
      throw new EverdraftError('STORAGE_ERROR', `${file} has ${found.size} bytes, and had ${size}`)
    }
    for (let position = start; position < end;) {
      const piece = new Uint8Array(Math.min(pieceBytes, end - position))
      const at = position
      const { bytesRead } = await named(file, () => handle.read(piece, 0, piece.length, at))
      if (bytesRead === 0) throw new EverdraftError('STORAGE_ERROR', `${file} ends at byte ${position} of ${size}`)
      position += bytesRead
      yield piece.subarray(0, bytesRead)
    }
  } finally {
    await handle.close()
  }
}

async function* list(folder: string): AsyncGenerator<BlobName, void, undefined> {
  const accounts = await named(folder, () => readdir(folder, { withFileTypes: true }))
  for (const account of accounts) {
    if (!account.isDirectory() || account.name === 'incoming') continue
    for (const file of await named(folder, () => readdir(join(folder, account.name)))) {
      const parts = /^([0-9a-f]{64})\.([0-9]+)$/.exec(file)
      // A file that somebody else put there is not ours to take away.
      if (parts === null) continue
      yield { accountId: account.name as AccountId, sha256: parts[1] as Sha256, id: Number(parts[2]) }
    }
  }
}
