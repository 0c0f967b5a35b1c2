/** A file as it comes: its beginning first, and no more of it than is asked for. */
export interface OpenFile {
  /** So many bytes, or all that there are. */
  read(mostBytes: number): Promise<Uint8Array<ArrayBuffer>>
  /** Nobody wants the rest. */
  close(): Promise<void>
}

export function openFile(stream: ReadableStream<Uint8Array<ArrayBuffer>>): OpenFile {
  const reader = stream.getReader()
  const chunks: Uint8Array<ArrayBuffer>[] = []
  let size = 0
  return {
    async read(mostBytes) {
      while (size < mostBytes) {
        const { done, value } = await reader.read()
        if (done) break
        chunks.push(value)
        size += value.length
      }
      const bytes = new Uint8Array(await new Blob(chunks).arrayBuffer())
      return bytes.subarray(0, mostBytes)
    },
    close: async () => await reader.cancel(),
  }
}
