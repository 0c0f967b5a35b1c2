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
    random: (length) => crypto.getRandomValues(new Uint8Array(length)),
    schedule: platformSchedule,
    createSha256: createSha256 ?? portableSha256,
  }
}

function portableSha256(): Hasher {
  const hash = sha256.create()
  return {
    update: (bytes) => void hash.update(bytes),
    digest: () => toHex(hash.digest()),
  }
}
