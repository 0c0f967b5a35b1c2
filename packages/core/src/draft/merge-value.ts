export type Side = 'local' | 'remote'

/** One thing as the merge base had it, and as the two sides have it now. */
export interface Sides<Value> {
  readonly base: Value
  readonly local: Value
  readonly remote: Value
}

export interface Merged<Value> {
  readonly value: Value
  /** Both sides changed it, and differently: `value` is the winner's. */
  readonly conflict: boolean
}

/** Who changed it. `neither`: nobody did, or both made the same change, so that nothing is left to decide. */
export function changedBy<Value>({ base, local, remote }: Sides<Value>): 'neither' | Side | 'both' {
  if (equal(local, remote)) return 'neither'
  if (equal(local, base)) return 'remote'
  return equal(remote, base) ? 'local' : 'both'
}

/** Merges what is either the one or the other. */
export function mergeValue<Value>(sides: Sides<Value>, winner: Side): Merged<Value> {
  const by = changedBy(sides)
  if (by === 'both') return { value: sides[winner], conflict: true }
  return { value: by === 'remote' ? sides.remote : sides.local, conflict: false }
}

/**
 * JSON values, whatever the order of their keys. Without recursion: metadata may be nested more deeply than the stack is.
 */
export function equal(a: unknown, b: unknown): boolean {
  const pairs: [unknown, unknown][] = [[a, b]]
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [left, right] = pair
    if (Object.is(left, right)) continue
    if (!isObject(left) || !isObject(right) || Array.isArray(left) !== Array.isArray(right)) return false
    const keys = Object.keys(left)
    if (keys.length !== Object.keys(right).length) return false
    for (const key of keys) {
      if (!Object.hasOwn(right, key)) return false
      pairs.push([left[key], right[key]])
    }
  }
  return true
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** What each key stands for, the first where one stands twice. */
export function byKey<Value>(values: readonly Value[], keyOf: (value: Value) => string): ReadonlyMap<string, Value> {
  const map = new Map<string, Value>()
  for (const value of values) if (!map.has(keyOf(value))) map.set(keyOf(value), value)
  return map
}

/**
 * The order of a merged list: the base's, then local's additions, then remote's; but where one side left the list alone,
 * the other side's order, which may be what it changed.
 */
export function orderOfKeys(keys: Sides<readonly string[]>): readonly string[] {
  const { base, local, remote } = keys
  const by = changedBy(keys)
  if (by === 'both') return [...new Set([...base, ...local, ...remote])]
  return [...new Set(by === 'remote' ? [...remote, ...local] : [...local, ...remote])]
}
