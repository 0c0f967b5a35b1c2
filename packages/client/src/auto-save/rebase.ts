import { type ContentField, contentFields, type EditorContent, isList, isSameValue, type Recipient } from './content.ts'

interface Sides<Value> {
  readonly base: Value
  readonly mine: Value
  readonly theirs: Value
}

export type Rebased =
  | { readonly kind: 'merged'; readonly content: EditorContent }
  /** Both wrote at the same place. */
  | { readonly kind: 'conflict'; readonly fields: readonly ContentField[] }

/**
 * Puts what was typed since `base` onto `theirs`: what the daemon answered while somebody wrote on. Pure and total; where
 * both wrote at the same place it decides nothing.
 */
export function rebase(sides: Sides<EditorContent>): Rebased {
  const conflicts: ContentField[] = []
  const merged: Record<string, EditorContent[ContentField]> = {}
  for (const field of contentFields) {
    const value = mergeField({ base: sides.base[field], mine: sides.mine[field], theirs: sides.theirs[field] })
    if (value === undefined) conflicts.push(field)
    else merged[field] = value
  }
  if (conflicts.length > 0) return { kind: 'conflict', fields: conflicts }
  return { kind: 'merged', content: merged as unknown as EditorContent }
}

/**
 * Whether what was changed from `base` to `mine` is in `theirs` already, whatever else is: line by line, as a save whose answer
 * was lost may have been merged with what others wrote.
 */
export function carries(sides: Sides<EditorContent>): boolean {
  return contentFields.every((field) => {
    const [base, mine, theirs] = [sides.base[field], sides.mine[field], sides.theirs[field]]
    if (isList(base) && isList(mine) && isList(theirs)) {
      return isSameValue(mergeRecipients({ base, mine, theirs }), theirs)
    }
    if (mine === base || mine === theirs) return true
    if (typeof base !== 'string' || typeof mine !== 'string' || typeof theirs !== 'string') return false
    return carriesLines({ base, mine, theirs })
  })
}

function carriesLines({ base, mine, theirs }: Sides<string>): boolean {
  const [before, after, there] = [countLines(base), countLines(mine), countLines(theirs)]
  return [...new Set([...before.keys(), ...after.keys()])].every((line) => {
    const [had, wanted, found] = [before, after, there].map((lines) => lines.get(line) ?? 0) as [number, number, number]
    return wanted === had || (wanted > had ? found >= wanted : found <= wanted)
  })
}

function countLines(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const line of text.split('\n')) counts.set(line, (counts.get(line) ?? 0) + 1)
  return counts
}

/** Undefined: it cannot be merged. */
function mergeField({
  base,
  mine,
  theirs,
}: Sides<EditorContent[ContentField]>): EditorContent[ContentField] | undefined {
  if (isList(base) && isList(mine) && isList(theirs)) return mergeRecipients({ base, mine, theirs })
  if (mine === base || mine === theirs) return theirs
  if (theirs === base) return mine
  if (typeof base !== 'string' || typeof mine !== 'string' || typeof theirs !== 'string') return undefined
  return mergeTyping({ base, mine, theirs })
}

interface Edit {
  /** Of the base, in UTF-16 units. */
  readonly start: number
  readonly end: number
  readonly text: string
}

/** Both edits at their places, if these are apart. */
function mergeTyping({ base, mine, theirs }: Sides<string>): string | undefined {
  const [first, second] = [editOf(base, mine), editOf(base, theirs)].toSorted(
    (a, b) => a.start - b.start || a.end - b.end,
  )
  if (first === undefined || second === undefined) return undefined
  // Where one ends and the other begins nobody knows whose words come first.
  if (first.end >= second.start) return undefined
  return (
    base.slice(0, first.start) + first.text + base.slice(first.end, second.start) + second.text + base.slice(second.end)
  )
}

/** The one stretch that changed. */
function editOf(base: string, text: string): Edit {
  const longest = Math.min(base.length, text.length)
  let start = 0
  while (start < longest && base[start] === text[start]) start += 1
  let tail = 0
  while (tail < longest - start && base[base.length - 1 - tail] === text[text.length - 1 - tail]) tail += 1
  return { start, end: base.length - tail, text: text.slice(start, text.length - tail) }
}

/** Lists of recipients are sets: what one side added is there, what one took away is not. */
function mergeRecipients({ base, mine, theirs }: Sides<readonly Recipient[]>): readonly Recipient[] {
  const kept = theirs.filter((recipient) => has(mine, recipient) || !has(base, recipient))
  const added = mine.filter((recipient) => !has(base, recipient) && !has(theirs, recipient))
  return [...kept, ...added]
}

function has(list: readonly Recipient[], { address }: Recipient): boolean {
  return list.some((recipient) => recipient.address === address)
}
