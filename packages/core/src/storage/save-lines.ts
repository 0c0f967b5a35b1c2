import { backOf, type Change, type Delta, forwardOf } from '../draft/delta.ts'
import type { Author, ContentField, DraftContent } from '../draft/draft.ts'
import type { DeviceId, Version } from '../ids.ts'

/**
 * Saves as lines of JSON, the oldest first: in `draft.recent` while they are new, and in a row of the history after that, as they
 * stand. A line tells the way from the version before it and back.
 */
type Line = readonly [version: Version, savedAt: number, device: DeviceId, by: Author, change: Change]

/** Of the version after that of the line before it, by the same author on the same device: the row is to be short. */
type NextLine = readonly [msSince: number, change: Change]

/** What ends a run in the history tells the way back alone, however long the way there was. */
type LastLine = readonly [
  version: Version,
  savedAt: number,
  device: DeviceId,
  by: Author,
  fieldsChanged: readonly ContentField[],
  back: Delta,
  bytes: number,
]

export interface SaveFacts {
  readonly version: Version
  readonly savedAt: number
  readonly device: DeviceId
  readonly by: Author
}

/** As it is read; what it tells is looked into by those who want it. */
interface SaveLine extends SaveFacts {
  readonly fieldsChanged: readonly ContentField[]
  /** Makes this version of the one before; null: only the way back is told. */
  readonly forward: () => Delta | null
  /** Makes the version before of this one. */
  readonly back: () => Delta
  /** Of what it changed, as JSON. */
  readonly bytes: () => number
}

/** `before`: what the line before it tells, of the version before; null: there is none, or it is not known. */
export function lineOf(save: SaveFacts, change: Change, before: SaveFacts | null): string {
  const { version, savedAt, device, by } = save
  const line: Line | NextLine =
    before !== null && before.device === device && before.by === by
      ? [savedAt - before.savedAt, change]
      : [version, savedAt, device, by, change]
  return `${JSON.stringify(line)}\n`
}

export function lastLineOf(
  { version, savedAt, device, by, fieldsChanged }: SaveFacts & { readonly fieldsChanged: readonly ContentField[] },
  change: Change,
): string {
  const line: LastLine = [version, savedAt, device, by, fieldsChanged, backOf(change), bytesOf(change)]
  return `${JSON.stringify(line)}\n`
}

/** After the last line: all of what that version says, so that a reader need not come from the head. */
export function wholeLineOf(content: DraftContent): string {
  return `${JSON.stringify(content)}\n`
}

export function bytesOf(change: Change): number {
  return JSON.stringify(forwardOf(change)).length
}

export interface Lines {
  /** Oldest first. */
  readonly saves: readonly SaveLine[]
  /** What the last of them says; null: that is not told here. */
  readonly whole: DraftContent | null
}

/** @throws {SyntaxError} */
export function readLines(text: string): Lines {
  const saves: SaveLine[] = []
  let whole: DraftContent | null = null
  // The last line has an end, too.
  if (!text.endsWith('\n')) throw new SyntaxError('a line without an end')
  for (const line of text.split('\n').slice(0, -1)) {
    const told = JSON.parse(line) as Line | NextLine | LastLine | DraftContent
    if (isLine(told)) saves.push(readLine(told, saves.at(-1)))
    else whole = told
  }
  return { saves, whole }
}

function isLine(told: Line | NextLine | LastLine | DraftContent): told is Line | NextLine | LastLine {
  return Array.isArray(told)
}

function readLine(line: Line | NextLine | LastLine, before: SaveFacts | undefined): SaveLine {
  if (line.length === 2) {
    if (before === undefined) throw new SyntaxError('a line that tells of the one before it, and is the first')
    const [msSince, change] = line
    const { version, savedAt, device, by } = before
    return readChange({ version: (version + 1) as Version, savedAt: savedAt + msSince, device, by }, change)
  }
  const [version, savedAt, device, by] = line
  if (line.length === 7) {
    const [, , , , fieldsChanged, back, bytes] = line
    return { version, savedAt, device, by, fieldsChanged, forward: () => null, back: () => back, bytes: () => bytes }
  }
  return readChange({ version, savedAt, device, by }, line[4])
}

function readChange(facts: SaveFacts, change: Change): SaveLine {
  return {
    ...facts,
    fieldsChanged: Object.keys(change) as ContentField[],
    forward: () => forwardOf(change),
    back: () => backOf(change),
    bytes: () => bytesOf(change),
  }
}
