import { diffArrays } from 'diff'

import { mergeValue, type Sides } from './merge-value.ts'

/** A document cut into blocks; `lead`, each block and the gap after it, and `end` give it back to the byte. */
export interface BlockDocument {
  readonly lead: string
  readonly blocks: readonly string[]
  /** What stands between block i and the next: one fewer than there are blocks. */
  readonly gaps: readonly string[]
  readonly end: string
}

export interface BlockFormat {
  /** null where the text does not have the structure that is needed to merge it. */
  readonly parse: (text: string) => BlockDocument | null
  /** Between two blocks that were never next to each other. */
  readonly gap: string
  /** What stands between blocks, where both sides changed it; null where that cannot be decided. */
  readonly settle: (local: string, remote: string) => string | null
}

/** Replaces the blocks from `start` up to `end` of the base by `blocks`, which stand from `at` on in the side. */
interface Hunk {
  readonly start: number
  readonly end: number
  readonly at: number
  readonly blocks: readonly string[]
  readonly side: BlockDocument
  /** The same, as the other side made it: only what stands between the blocks may differ. */
  readonly twin?: Hunk
}

// Myers' algorithm takes time with the square of this. What differs more is one hunk from the first to the last change.
const longestEdit = 1000

/**
 * Three-way merge of texts that both sides changed; null in case of doubt.
 *
 * The hunks of both sides are applied to the base. Hunks that overlap are in conflict, unless they are equal. Those that
 * touch (edits of neighbouring blocks) are applied, unless both add blocks: whose come first is not ours to decide.
 * At last the result is read again and its blocks are counted, so that nothing is lost or doubled whatever the diff made
 * of a move.
 */
export function mergeBlocks(texts: Sides<string>, format: BlockFormat): string | null {
  const base = format.parse(texts.base)
  const local = format.parse(texts.local)
  const remote = format.parse(texts.remote)
  if (base === null || local === null || remote === null) return null

  const localHunks = hunksOf(base, local)
  const remoteHunks = hunksOf(base, remote)
  const hunks = combine(localHunks, remoteHunks)
  if (hunks === null) return null
  const merged = assemble({ base, local, remote }, hunks, localHunks, remoteHunks, format)
  if (merged === null) return null

  const read = format.parse(merged.text)
  if (read === null || read.blocks.length !== merged.blocks.length) return null
  if (read.blocks.some((block, index) => block !== merged.blocks[index])) return null
  return countsAgree({ base: base.blocks, local: local.blocks, remote: remote.blocks }, merged.blocks)
    ? merged.text
    : null
}

function hunksOf(base: BlockDocument, side: BlockDocument): readonly Hunk[] {
  const before = base.blocks
  const after = side.blocks
  let prefix = 0
  while (prefix < before.length && prefix < after.length && before[prefix] === after[prefix]) prefix += 1
  let suffix = 0
  const room = Math.min(before.length, after.length) - prefix
  while (suffix < room && before[before.length - 1 - suffix] === after[after.length - 1 - suffix]) suffix += 1

  const hunk = (start: number, end: number, at: number, to: number): Hunk => ({
    start,
    end,
    at,
    blocks: after.slice(at, to),
    side,
  })
  const baseEnd = before.length - suffix
  const sideEnd = after.length - suffix
  if (prefix === baseEnd && prefix === sideEnd) return []

  // Numbers for blocks: comparing two long blocks that differ at their end only is then as quick as any other.
  const numbers = new Map<string, number>()
  const number = (block: string): number => {
    const known = numbers.get(block)
    if (known !== undefined) return known
    numbers.set(block, numbers.size)
    return numbers.size - 1
  }
  const changes = diffArrays(before.slice(prefix, baseEnd).map(number), after.slice(prefix, sideEnd).map(number), {
    maxEditLength: longestEdit,
  })
  if (changes === undefined) return [hunk(prefix, baseEnd, prefix, sideEnd)]

  const hunks: Hunk[] = []
  let start = prefix
  let at = prefix
  let end = start
  let to = at
  const close = (): void => {
    if (start !== end || at !== to) hunks.push(hunk(start, end, at, to))
  }
  for (const change of changes) {
    if (change.removed) end += change.count
    else if (change.added) to += change.count
    else {
      close()
      start = end + change.count
      at = to + change.count
      end = start
      to = at
    }
  }
  close()
  return hunks
}

function combine(local: readonly Hunk[], remote: readonly Hunk[]): readonly Hunk[] | null {
  const sorted = [...local, ...remote].toSorted((a, b) => a.start - b.start || a.end - b.end)
  const hunks: Hunk[] = []
  for (const hunk of sorted) {
    const previous = hunks.at(-1)
    if (previous === undefined || previous.side === hunk.side) {
      hunks.push(hunk)
      continue
    }
    if (sameHunk(previous, hunk)) {
      hunks[hunks.length - 1] = { ...previous, twin: hunk }
      continue
    }
    if (hunk.start < previous.end) return null
    if (hunk.start === previous.end && addsBlocks(previous) && addsBlocks(hunk)) return null
    hunks.push(hunk)
  }
  return hunks
}

function sameHunk(a: Hunk, b: Hunk): boolean {
  if (a.start !== b.start || a.end !== b.end || a.blocks.length !== b.blocks.length) return false
  return a.blocks.every((block, index) => block === b.blocks[index])
}

function addsBlocks(hunk: Hunk): boolean {
  return hunk.blocks.length > hunk.end - hunk.start
}

/** Where each block of the base stands in the side; -1 where it does not. */
function positionsIn(length: number, hunks: readonly Hunk[]): Int32Array {
  const positions = new Int32Array(length).fill(-1)
  let index = 0
  let shift = 0
  for (const hunk of hunks) {
    for (; index < hunk.start; index += 1) positions[index] = index + shift
    index = hunk.end
    shift = hunk.at + hunk.blocks.length - hunk.end
  }
  for (; index < length; index += 1) positions[index] = index + shift
  return positions
}

function assemble(
  documents: Sides<BlockDocument>,
  hunks: readonly Hunk[],
  localHunks: readonly Hunk[],
  remoteHunks: readonly Hunk[],
  format: BlockFormat,
): { readonly text: string; readonly blocks: readonly string[] } | null {
  const { base, local, remote } = documents
  const inLocal = positionsIn(base.blocks.length, localHunks)
  const inRemote = positionsIn(base.blocks.length, remoteHunks)
  const blocks: string[] = []
  const gaps: (string | null)[] = []

  const keep = (from: number, to: number): void => {
    for (let index = from; index < to; index += 1) {
      blocks.push(base.blocks[index]!)
      gaps.push(
        mergeSpace(
          {
            base: base.gaps[index] ?? format.gap,
            local: local.gaps[inLocal[index]!] ?? format.gap,
            remote: remote.gaps[inRemote[index]!] ?? format.gap,
          },
          format,
        ),
      )
    }
  }
  let index = 0
  for (const hunk of hunks) {
    keep(index, hunk.start)
    for (const [offset, block] of hunk.blocks.entries()) {
      blocks.push(block)
      const gap = gapIn(hunk, offset, format)
      const other = hunk.twin === undefined ? gap : gapIn(hunk.twin, offset, format)
      gaps.push(gap === other ? gap : format.settle(gap, other))
    }
    index = hunk.end
  }
  keep(index, base.blocks.length)

  const lead = mergeSpace({ base: base.lead, local: local.lead, remote: remote.lead }, format)
  const end = mergeSpace({ base: base.end, local: local.end, remote: remote.end }, format)
  gaps.pop()
  if (lead === null || end === null || gaps.includes(null)) return null
  return { text: lead + blocks.map((block, at) => block + (gaps[at] ?? '')).join('') + end, blocks }
}

function gapIn({ side, at }: Hunk, offset: number, { gap }: BlockFormat): string {
  return side.gaps[at + offset] ?? gap
}

function mergeSpace({ base, local, remote }: Sides<string>, format: BlockFormat): string | null {
  if (local === base || local === remote) return remote
  return remote === base ? local : format.settle(local, remote)
}

/**
 * Every block stands in the result as often as in the side that changed how often it does. Where both sides did (one
 * moved a block that the other removed or moved elsewhere) it is a conflict.
 */
function countsAgree(sides: Sides<readonly string[]>, merged: readonly string[]): boolean {
  const inBase = countOf(sides.base)
  const inLocal = countOf(sides.local)
  const inRemote = countOf(sides.remote)
  const inMerged = countOf(merged)
  for (const block of new Set([...sides.base, ...sides.local, ...sides.remote, ...merged])) {
    const count = mergeValue(
      { base: inBase.get(block) ?? 0, local: inLocal.get(block) ?? 0, remote: inRemote.get(block) ?? 0 },
      'local',
    )
    if (count.conflict || (inMerged.get(block) ?? 0) !== count.value) return false
  }
  return true
}

function countOf(blocks: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const block of blocks) counts.set(block, (counts.get(block) ?? 0) + 1)
  return counts
}
