/** Larger than any such file, and small enough to be read by anybody who asks. */
const longestBytes = 64 * 1024

/** As the platform's `fetch`. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** The text at an https: URL; null where there is none, where it is too long or no UTF-8, and where it is said to be elsewhere. */
export async function fetchText(fetch: Fetch, url: string, signal: AbortSignal): Promise<string | null> {
  try {
    const response = await fetch(url, {
      // Wherever that leads, it would no longer be what the domain says.
      redirect: 'error',
      credentials: 'omit',
      headers: { accept: 'text/xml, application/xml' },
      signal,
    })
    if (!response.ok || response.body === null) {
      await response.body?.cancel()
      return null
    }
    const pieces: Uint8Array[] = []
    let length = 0
    for await (const piece of response.body) {
      length += piece.length
      // Leaving the loop cancels the rest.
      if (length > longestBytes) return null
      pieces.push(piece)
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces))
  } catch {
    return null
  }
}
