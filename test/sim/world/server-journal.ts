import type { BlobId, StoreEntry, StoreJournal } from '@everdraft/mailserver'

/** What happened to a mailbox, from which it can be made again as it was at any time. */
export interface SimJournal extends StoreJournal {
  copy(): SimJournal
}

export function createSimJournal(
  entries: StoreEntry[] = [],
  blobs: Map<BlobId, Uint8Array> = new Map<BlobId, Uint8Array>(),
): SimJournal {
  return {
    replay: () => [...entries],
    readBlob(blob) {
      const bytes = blobs.get(blob)
      if (bytes === undefined) throw new Error(`the journal has no octets ${blob}`)
      return bytes
    },
    writeBlob: (blob, bytes) => void blobs.set(blob, bytes),
    append: (more) => void entries.push(...more),
    // All of it stays: lives here are short.
    compact: () => {},
    removeBlob: () => {},
    copy: () => createSimJournal([...entries], new Map(blobs)),
  }
}
