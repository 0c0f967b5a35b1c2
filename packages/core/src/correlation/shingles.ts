/** Runs of three words, each as a number; of a text with fewer words, the words. */
export type Shingles = ReadonlySet<number>

const wordsPerShingle = 3

export function shinglesOf(words: readonly string[]): Shingles {
  const hashes = words.map(hashOf)
  if (hashes.length < wordsPerShingle) return new Set(hashes)
  const found = new Set<number>()
  for (let end = wordsPerShingle - 1; end < hashes.length; end += 1) {
    found.add(mixed(mixed(hashes[end - 2] as number, hashes[end - 1] as number), hashes[end] as number))
  }
  return found
}

/** Of the smaller, what is in the larger: an edit mostly adds or takes away. Null where one of them is empty. */
export function containment(a: Shingles, b: Shingles): number | null {
  const [smaller, larger] = a.size <= b.size ? [a, b] : [b, a]
  if (smaller.size === 0) return null
  let both = 0
  for (const one of smaller) if (larger.has(one)) both += 1
  return both / smaller.size
}

/** FNV-1a. */
function hashOf(word: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < word.length; at += 1) value = Math.imul(value ^ word.charCodeAt(at), 0x01000193)
  return value >>> 0
}

function mixed(a: number, b: number): number {
  const value = Math.imul(a ^ (a >>> 15), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
