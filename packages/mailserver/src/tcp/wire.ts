import type { Socket } from 'node:net'
import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw, type InflateRaw } from 'node:zlib'

import type { CutBy } from '../faults/rules.ts'

/** A socket whose octets may be compressed from some moment on (RFC 4978). */
export type Wire = {
  write(bytes: Uint8Array): void
  end(by: CutBy): void
  /** Both directions, from the next octet on. */
  startCompression(): void
}

export type WireEvents = {
  onBytes(bytes: Uint8Array): void
  /** No octets come any more. */
  onEnd(): void
}

/** How long a peer has to close its half after we have ended ours. */
const LINGER_MS = 2000

/**
 * 64 KiB for each connection, not the 256 that zlib takes by itself: a server has many that are idle. What we read may need
 * the largest window.
 */
const DEFLATE = { windowBits: 13, memLevel: 6 } as const

export function createWire(socket: Socket, events: WireEvents): Wire {
  let deflate: DeflateRaw | undefined
  let inflate: InflateRaw | undefined
  let flushing = false

  socket.on('data', (chunk: Buffer) => {
    if (inflate === undefined) events.onBytes(chunk)
    else inflate.write(chunk)
  })
  // A command that came right before the FIN is still in the inflater.
  socket.on('end', () => inflate?.end())
  socket.on('close', () => {
    if (inflate === undefined || !inflate.writableEnded || inflate.closed) events.onEnd()
    else inflate.once('close', () => events.onEnd())
    deflate?.destroy()
  })

  function flushOnce(stream: DeflateRaw): void {
    if (flushing) return
    flushing = true
    // One flush for all that is said in one turn: each costs octets.
    process.nextTick(() => {
      flushing = false
      if (!stream.writableEnded) stream.flush(constants.Z_SYNC_FLUSH)
    })
  }

  return {
    write: (bytes) => {
      if (deflate === undefined) socket.write(bytes)
      else {
        deflate.write(bytes)
        flushOnce(deflate)
      }
    },
    startCompression: () => {
      deflate = createDeflateRaw(DEFLATE)
      deflate.pipe(socket)
      inflate = createInflateRaw()
      inflate.on('data', (chunk: Buffer) => events.onBytes(chunk))
      // Not what we agreed upon, or cut in the middle.
      inflate.on('error', () => socket.destroy())
    },
    end: (by) => {
      if (by === 'rst') {
        socket.resetAndDestroy()
        return
      }
      // A FIN must not turn into a reset because of unread octets: they are read and dropped until the peer has closed too.
      if (deflate === undefined) socket.end()
      else deflate.end()
      socket.resume()
      const linger = setTimeout(() => socket.destroy(), LINGER_MS)
      socket.once('close', () => clearTimeout(linger))
    },
  }
}
