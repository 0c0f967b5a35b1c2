import { sha256 } from '@noble/hashes/sha2.js'

import type { Cancel, Environment, Hasher } from '../environment.ts'
import { toHex } from '../ids.ts'

export function platformNow(): number {
  return Date.now()
}

/** Not in every platform; without it a timer of nothing takes a millisecond. */
const { setImmediate } = globalThis as { readonly setImmediate?: (action: () => void) => unknown }

export function platformSchedule(delayMs: number, action: () => void): Cancel {
  if (delayMs > 0 || setImmediate === undefined) {
    const timer = setTimeout(action, delayMs)
    return () => clearTimeout(timer)
  }
  let cancelled = false
  setImmediate(() => {
    if (!cancelled) action()
  })
  return () => {
    cancelled = true
  }
}

/** What every platform with the web's globals has. Only here are they read; all else gets an `Environment`. */
export function platformEnvironment(createSha256: (() => Hasher) | undefined): Environment {
  return {
    now: platformNow,
    random: createRandom(),
    schedule: platformSchedule,
    createSha256: createSha256 ?? portableSha256,
  }
}

/** A call of the platform costs more than what is asked for, some bytes at a time. */
const randomStock = 4_096

function createRandom(): Environment['random'] {
  let stock = new Uint8Array(0)
  return (length) => {
    if (length > randomStock) return crypto.getRandomValues(new Uint8Array(length))
    if (stock.length < length) stock = crypto.getRandomValues(new Uint8Array(randomStock))
    const bytes = stock.slice(0, length)
    // Each is given once.
    stock = stock.subarray(length)
    return bytes
  }
}

function portableSha256(): Hasher {
  const hash = sha256.create()
  return {
    update: (bytes) => void hash.update(bytes),
    digest: () => toHex(hash.digest()),
  }
}
