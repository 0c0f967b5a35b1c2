import type { EngineParts } from '../engine/parts.ts'
import { EverdraftError, validationError } from '../errors.ts'
import type { AccountId, Sha256 } from '../ids.ts'
import { type Blob, deleteBlob, storeBlob } from '../storage/blobs.ts'
import { fromBase64 } from './bundle-base64.ts'
import { hash, object, oneOf, text, whole } from './bundle-fields.ts'
import type { ImportedFile } from './import-entry.ts'

/** A file of a bundle, in the store; nothing holds it yet. */
export type StagedFile = Blob & { readonly id: number }

/** Where the drafts of a bundle, its manifest and its files meet. */
export interface ImportFiles {
  /** What a draft names. `path` says where. */
  name(files: readonly ImportedFile[], path: string): void
  /** A line of the manifest. @throws {EverdraftError} VALIDATION_ERROR */
  list(value: unknown, index: number): void
  /** The next piece of a file. @throws {EverdraftError} VALIDATION_ERROR */
  add(value: unknown, index: number): Promise<void>
  /** Of a message that was read: in the store already. */
  keep(file: StagedFile): void
  /**
   * All was read: what the bundle says of its files is so.
   * @throws {EverdraftError} VALIDATION_ERROR naming the file's line
   */
  end(): Promise<ReadonlyMap<Sha256, StagedFile>>
  /** Of what is held by nothing, nothing is left. */
  drop(used: ReadonlySet<Sha256>): Promise<void>
}

interface Options {
  readonly accountId: AccountId
  /** False: they are looked at, and not stored. */
  readonly isStored: boolean
}

/** Base64 of one piece is text in memory. */
const longestPiece = 16 * 1024 * 1024

export function createImportFiles({ store, environment }: EngineParts, { accountId, isStored }: Options): ImportFiles {
  const named = new Map<Sha256, ImportedFile & { readonly path: string }>()
  const manifest = new Map<Sha256, { readonly size: number; readonly state: string; readonly path: string }>()
  const stored = new Map<Sha256, StagedFile>()
  /** Looked at, or stored: with the size. */
  const seen = new Map<Sha256, number>()
  const all: StagedFile[] = []
  let current: Incoming | null = null

  async function begin(sha256: Sha256, path: string): Promise<Incoming> {
    if (seen.has(sha256))
      throw validationError(`${path}.sha256`, 'is of a file that has ended: its pieces follow one another')
    return isStored ? storing(sha256, path) : hashing(sha256, path)
  }

  function storing(sha256: Sha256, path: string): Incoming {
    const pieces = new TransformStream<Uint8Array, Uint8Array>()
    const writer = pieces.writable.getWriter()
    const now = Math.min(named.get(sha256)?.since ?? environment.now(), environment.now())
    const written = storeBlob(store, accountId, bytesOf(pieces.readable), { hasher: environment.createSha256(), now })
    // Heard where it is waited for.
    written.catch(() => {})
    writer.closed.catch(() => {})
    return {
      sha256,
      path,
      size: 0,
      write: async (bytes) => {
        await Promise.race([writer.write(bytes), written])
      },
      close: async () => {
        await Promise.race([writer.close(), written])
        const blob = await written
        all.push(blob)
        return blob
      },
      abort: async () => {
        await writer.abort(new EverdraftError('CANCELLED', 'the bundle was not taken in')).catch(() => {})
        await written.then(
          (blob) => void all.push(blob),
          () => {},
        )
      },
    }
  }

  function hashing(sha256: Sha256, path: string): Incoming {
    const hasher = environment.createSha256()
    return {
      sha256,
      path,
      size: 0,
      write: async (bytes) => hasher.update(bytes),
      close: async () => ({ sha256: hasher.digest() as Sha256, size: 0, id: 0 }),
      abort: async () => {},
    }
  }

  async function endCurrent(): Promise<void> {
    if (current === null) return
    const { sha256, path, size, close } = current
    current = null
    const blob = await close()
    if (blob.sha256 !== sha256) throw validationError(`${path}.data`, 'has another SHA-256 than it is said to have')
    seen.set(sha256, size)
    if (isStored) stored.set(sha256, blob)
  }

  return {
    name(files, path) {
      for (const file of files) {
        const known = named.get(file.sha256)
        if (known === undefined) named.set(file.sha256, { ...file, path })
        else if (known.size !== file.size) {
          throw validationError(path, `names a file with another size than ${known.path} does`)
        }
      }
    },
    list(value, index) {
      const path = `manifest[${index}]`
      const { sha256, size, state } = object(value, path)
      const entry = {
        size: whole(size, `${path}.size`, 0, Number.MAX_SAFE_INTEGER),
        state: oneOf(['included', 'omitted', 'missing'])(state ?? 'included', `${path}.state`),
        path,
      }
      const key = hash(sha256, `${path}.sha256`)
      if (manifest.has(key)) throw validationError(`${path}.sha256`, 'stands twice in the manifest')
      manifest.set(key, entry)
    },
    async add(value, index) {
      const path = `files[${index}]`
      const piece = object(value, path)
      const sha256 = hash(piece['sha256'], `${path}.sha256`)
      const at = whole(piece['at'] ?? 0, `${path}.at`, 0, Number.MAX_SAFE_INTEGER)
      const data = text(piece['data'], `${path}.data`)
      if (data.length > longestPiece) throw validationError(`${path}.data`, `is longer than ${longestPiece} characters`)
      const bytes = fromBase64(data, `${path}.data`)
      if (current?.sha256 !== sha256) {
        await endCurrent()
        current = await begin(sha256, path)
      }
      if (at !== current.size) throw validationError(`${path}.at`, `must be ${current.size}`)
      await current.write(bytes)
      current = { ...current, size: at + bytes.length }
    },
    keep(file) {
      all.push(file)
      seen.set(file.sha256, file.size)
      stored.set(file.sha256, file)
    },
    async end() {
      await endCurrent()
      for (const [sha256, { size, state, path }] of manifest) {
        const found = seen.get(sha256)
        if (state === 'included' && found === undefined)
          throw validationError(path, 'is of a file that is not in the bundle')
        if (found !== undefined && found !== size) throw validationError(`${path}.size`, `must be ${found}`)
      }
      for (const [sha256, { size, path }] of named) {
        const found = seen.get(sha256)
        if (found !== undefined && found !== size)
          throw validationError(path, 'names a file with another size than it has')
        if (manifest.size > 0 && !manifest.has(sha256)) {
          throw validationError(path, 'names a file that is not in the manifest')
        }
      }
      if (manifest.size > 0) {
        for (const sha256 of seen.keys()) {
          if (!manifest.has(sha256)) throw validationError('manifest', 'lacks a file that is in the bundle')
        }
      }
      return stored
    },
    async drop(used) {
      await current?.abort()
      current = null
      const left = all.filter(({ sha256, id }) => !(used.has(sha256) && stored.get(sha256)?.id === id))
      if (left.length === 0) return
      await store.write(async ({ db }) => {
        for (const { id } of left) await deleteBlob(db, id)
      })
    },
  }
}

interface Incoming {
  readonly sha256: Sha256
  /** Of its first piece. */
  readonly path: string
  readonly size: number
  readonly write: (bytes: Uint8Array) => Promise<void>
  readonly close: () => Promise<StagedFile>
  readonly abort: () => Promise<void>
}

async function* bytesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader()
  for (;;) {
    const next = await reader.read()
    if (next.done) return
    yield next.value
  }
}
