import { distance } from 'fastest-levenshtein'

/** It takes time with the square of this. */
const longest = 20_000

/** How many characters were put in, taken out or exchanged to make the one of the other. Of long texts the beginning counts. */
export function editDistance(before: string, after: string): number {
  return distance(before.slice(0, longest), after.slice(0, longest))
}
