/** A seeded source of chance. The same seed and label give the same throws. */
export interface Dice {
  /** From 0 up to, but not including, 1. */
  next(): number
  /** A whole number from 0 up to, but not including, `count`. */
  below(count: number): number
  /** A whole number, both ends included. */
  between(low: number, high: number): number
  /** True this often: 0 is never, 1 is always. */
  chance(probability: number): boolean
  pick<Item>(items: readonly Item[]): Item
  bytes(length: number): Uint8Array
  /** Another source, so that what one part of the world throws shifts nothing for the others. */
  fork(label: string): Dice
}

export function createDice(seed: string): Dice {
  const next = sfc32(seed)
  const below = (count: number): number => Math.floor(next() * count)
  return {
    next,
    below,
    between: (low, high) => low + below(high - low + 1),
    chance: (probability) => next() < probability,
    pick: (items) => {
      if (items.length === 0) throw new RangeError('nothing to pick from')
      return items[below(items.length)] as (typeof items)[number]
    },
    bytes: (length) => Uint8Array.from({ length }, () => below(256)),
    fork: (label) => createDice(`${seed}/${label}`),
  }
}

/** PractRand-tested, four words of state, the same in every JavaScript engine. */
function sfc32(seed: string): () => number {
  let a = hash(seed, 1)
  let b = hash(seed, 2)
  let c = hash(seed, 3)
  let d = 1
  const step = (): number => {
    const sum = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + sum) | 0
    return (sum >>> 0) / 4_294_967_296
  }
  for (let round = 0; round < 12; round += 1) step()
  return step
}

/** FNV-1a. */
function hash(text: string, salt: number): number {
  let value = 0x811c9dc5 ^ salt
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return value | 0
}
