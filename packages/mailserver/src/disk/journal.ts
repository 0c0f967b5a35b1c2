import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'

import { JournalError, type StoreEntry, type StoreJournal } from '../store/journal.ts'
import { asBlobId, type BlobId } from '../store/message.ts'

/**
 * A store in a folder:
 *
 * - `journal.jsonl`: one transaction per line, a JSON array of entries, appended and fsynced before it counts;
 * - `blobs/<id>.eml`: the octets of a message, written beside, fsynced and renamed before the journal names them.
 *
 * A process that is killed leaves at worst a line without its newline, which never counted and is cut off at the next
 * start, and files that nothing names, which are removed then. The journal is rewritten at each start, through a
 * temporary file and a rename.
 *
 * One process at a time: nothing here guards against a second one.
 */
export function createDiskJournal(folder: string): StoreJournal {
  const blobs = join(folder, 'blobs')
  const path = join(folder, 'journal.jsonl')
  mkdirSync(blobs, { recursive: true })
  const blobPath = (blob: BlobId): string => join(blobs, `${blob}.eml`)

  const entries = readEntries(path)
  let file: number | undefined

  return {
    replay: () => entries,
    readBlob: (blob) => new Uint8Array(readFileSync(blobPath(blob))),
    writeBlob: (blob, bytes) => {
      try {
        writeDurably(blobPath(blob), bytes)
        syncFolder(blobs)
      } catch (error) {
        throw new JournalError(blobPath(blob), error)
      }
    },
    append: (transaction) => {
      if (file === undefined) throw new Error(`${path}: the journal has not been replayed and compacted yet`)
      const length = fstatSync(file).size
      try {
        writeFully(file, new TextEncoder().encode(`${JSON.stringify(transaction)}\n`))
        fsyncSync(file)
      } catch (error) {
        // Half a line would join with the next one.
        ftruncateSync(file, length)
        throw new JournalError(path, error)
      }
    },
    compact: (snapshot, living) => {
      writeDurably(path, new TextEncoder().encode(`${JSON.stringify(snapshot)}\n`))
      syncFolder(folder)
      for (const name of readdirSync(blobs)) {
        if (!living.has(asBlobId(name.replace(/\.eml$/u, '')))) rmSync(join(blobs, name))
      }
      file = openSync(path, 'a')
    },
    removeBlob: (blob) => rmSync(blobPath(blob), { force: true }),
  }
}

function readEntries(path: string): readonly StoreEntry[] {
  if (!existsSync(path)) return []
  const text = readFileSync(path, 'utf8')
  const lines = text.split('\n')
  // What stands behind the last newline was being written when its process died: it was never answered for.
  lines.pop()
  return lines.flatMap((line, index): readonly StoreEntry[] => {
    try {
      return JSON.parse(line) as readonly StoreEntry[]
    } catch (error) {
      throw new Error(`${path}: line ${index + 1} is no transaction`, { cause: error })
    }
  })
}

function writeFully(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at)
}

function writeDurably(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.tmp`
  const file = openSync(temporary, 'w')
  try {
    writeFully(file, bytes)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(temporary, path)
}

/** A rename is durable only with its folder. */
function syncFolder(folder: string): void {
  const file = openSync(folder, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
