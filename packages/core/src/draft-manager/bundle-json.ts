import { EverdraftError, validationError } from '../errors.ts'

/** One thing of a JSON text, as soon as it is read. */
export type JsonPart =
  /** An entry of a list that was asked for. `index` counts over all lists of that name. */
  | { readonly kind: 'item'; readonly list: string; readonly index: number; readonly value: unknown }
  /** An object of the outermost level has ended: its other members. */
  | { readonly kind: 'object'; readonly members: Readonly<Record<string, unknown>>; readonly hasLists: boolean }

interface JsonOptions {
  /** Members of the outermost objects whose entries are given one by one. */
  readonly lists: ReadonlySet<string>
  /** The most that one entry, or the rest of an object, may take. */
  readonly entryBytes: number
  /** Names what is being read, for errors: `drafts[3]`; null: of a list, that entry of it. */
  readonly nameObject: () => string
}

/** A draft is five levels deep. What goes through it level by level must not run out of stack. */
const deepest = 64

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const openList = 0x5b
const backslash = 0x5c
const closeList = 0x5d
const openObject = 0x7b
const closeObject = 0x7d

/**
 * Reads JSON objects, one after another: a document is one, JSON Lines (one to a line) are many. Of a long document never
 * more than one entry is in memory.
 * @throws {EverdraftError} VALIDATION_ERROR naming what is wrong; TOO_LARGE
 */
export async function* readJson(
  source: AsyncIterable<Uint8Array>,
  { lists, entryBytes, nameObject }: JsonOptions,
): AsyncGenerator<JsonPart, void, undefined> {
  const text = createScanner(source, entryBytes)
  const counts = new Map<string, number>()

  async function* items(list: string): AsyncGenerator<JsonPart, void, undefined> {
    await text.take(openList, list)
    if (await text.takeIf(closeList)) return
    do {
      const index = counts.get(list) ?? 0
      const value = await text.value(`${list}[${index}]`)
      counts.set(list, index + 1)
      yield { kind: 'item', list, index, value }
    } while (await text.takeIf(comma))
    await text.take(closeList, list)
  }

  await text.skipMark()
  while ((await text.peek()) !== null) {
    const name = nameObject()
    await text.take(openObject, name)
    const members: [string, unknown][] = []
    let hasLists = false
    let size = 0
    if (!(await text.takeIf(closeObject))) {
      do {
        const key = await text.value(name)
        if (typeof key !== 'string') throw validationError(name, 'is not JSON')
        await text.take(colon, name)
        if (lists.has(key) && (await text.peek()) === openList) {
          hasLists = true
          yield* items(key)
          continue
        }
        members.push([key, await text.value(`${name}.${shortened(key)}`)])
        size += text.lastSize()
        if (size > entryBytes) throw tooLarge(name, entryBytes)
      } while (await text.takeIf(comma))
      await text.take(closeObject, name)
    }
    yield { kind: 'object', members: Object.fromEntries(members), hasLists }
  }
}

/** What somebody else wrote is not repeated at length in an error. */
function shortened(key: string): string {
  return /^[\w-]{1,40}$/.test(key) ? key : '…'
}

function tooLarge(name: string, bytes: number): EverdraftError {
  const message = `is larger than ${bytes} bytes`
  return new EverdraftError('TOO_LARGE', `${name}: ${message}`, { errors: [{ path: name, message }] })
}

interface Scanner {
  /** The next byte that is no blank, left where it is; null at the end. */
  peek(): Promise<number | null>
  take(byte: number, name: string): Promise<void>
  takeIf(byte: number): Promise<boolean>
  /** A whole value, parsed. */
  value(name: string): Promise<unknown>
  /** Of the value that was taken last, in bytes. */
  lastSize(): number
  /** The mark that some programs write before UTF-8. */
  skipMark(): Promise<void>
}

function createScanner(source: AsyncIterable<Uint8Array>, longest: number): Scanner {
  const pieces = source[Symbol.asyncIterator]()
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let buffer: Uint8Array = new Uint8Array(0)
  /** False: it is the memory of a piece. */
  let isOwn = false
  /** What is after it in `buffer` means nothing. */
  let end = 0
  let at = 0
  /** Null: nothing before `at` is needed any more. */
  let valueStart: number | null = null
  let size = 0

  /** Drops what is not needed any more; a buffer that is made for it has as much room again. */
  function makeRoom(bytes: number): void {
    const kept = valueStart ?? at
    const left = end - kept
    if ((left + bytes) * 2 <= buffer.length && isOwn) {
      buffer.copyWithin(0, kept, end)
    } else {
      const larger = new Uint8Array((left + bytes) * 2)
      larger.set(buffer.subarray(kept, end))
      buffer = larger
      isOwn = true
    }
    at -= kept
    if (valueStart !== null) valueStart = 0
    end = left
  }

  async function more(): Promise<boolean> {
    // Who gives the pieces may use their memory for the next one.
    if (!isOwn && (valueStart ?? at) < end) makeRoom(0)
    const next = await pieces.next()
    if (next.done === true) return false
    const piece = next.value
    if (at === end && valueStart === null) {
      buffer = piece
      isOwn = false
      at = 0
      end = piece.length
      return true
    }
    if (!isOwn || end + piece.length > buffer.length) makeRoom(piece.length)
    buffer.set(piece, end)
    end += piece.length
    return true
  }

  async function peek(): Promise<number | null> {
    for (;;) {
      while (at < end) {
        const byte = buffer[at] as number
        if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte
        at += 1
      }
      if (!(await more())) return null
    }
  }

  async function takeIf(byte: number): Promise<boolean> {
    if ((await peek()) !== byte) return false
    at += 1
    return true
  }

  /** Moves past the value that begins at `at`, as far as it is here. @returns whether that is all of it */
  function createSkipper(name: string): () => boolean {
    let depth = 0
    let inString = false
    let stringStart = 0
    return () => {
      // What is behind `end` was of another piece.
      const view = buffer.length === end ? buffer : buffer.subarray(0, end)
      while (at < end) {
        if (inString) {
          const found = view.indexOf(quote, at)
          at = found === -1 ? end : found + 1
          if (found === -1) break
          if (isEscaped(view, found, (valueStart ?? 0) + stringStart)) continue
          inString = false
          if (depth === 0) return true
          continue
        }
        const byte = view[at] as number
        if (byte === quote) {
          inString = true
          stringStart = at - (valueStart ?? 0)
        } else if (byte === openObject || byte === openList) {
          depth += 1
          if (depth > deepest) throw validationError(name, `is nested deeper than ${deepest} levels`)
        } else if (byte === closeObject || byte === closeList) {
          depth -= 1
          // Of the object or list around a number, a word, or nothing.
          if (depth < 0) return true
          if (depth === 0) {
            at += 1
            return true
          }
        } else if (depth === 0 && (byte === comma || byte === colon || byte <= 0x20)) {
          return true
        }
        at += 1
      }
      return false
    }
  }

  return {
    peek,
    takeIf,
    async take(byte, name) {
      const next = await peek()
      if (next === byte) at += 1
      else throw validationError(name, next === null ? 'ends in the middle' : 'is not JSON')
    },
    async value(name) {
      if ((await peek()) === null) throw validationError(name, 'ends in the middle')
      valueStart = at
      const skip = createSkipper(name)
      while (!skip()) {
        if (end - valueStart > longest) throw tooLarge(name, longest)
        // Only a number or a word may end with the text, and then what is around it does not.
        if (!(await more())) throw validationError(name, 'ends in the middle')
      }
      const bytes = buffer.subarray(valueStart, at)
      valueStart = null
      size = bytes.length
      if (size > longest) throw tooLarge(name, longest)
      try {
        return JSON.parse(decoder.decode(bytes)) as unknown
      } catch {
        throw validationError(name, 'is not JSON in UTF-8')
      }
    },
    lastSize: () => size,
    async skipMark() {
      const mark = [0xef, 0xbb, 0xbf]
      while (end - at < mark.length && (await more()));
      if (mark.every((byte, index) => buffer[at + index] === byte)) at += mark.length
    },
  }
}

/** An odd number of backslashes stands before it. */
function isEscaped(bytes: Uint8Array, at: number, start: number): boolean {
  let slashes = 0
  while (at - 1 - slashes > start && bytes[at - 1 - slashes] === backslash) slashes += 1
  return slashes % 2 === 1
}
