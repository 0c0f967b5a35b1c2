/** Text as people write it: a few words often, most of them seldom, lines of some 70 characters. The same for each seed. */
export function prose(bytes: number, seed: number): string {
  let state = (seed * 2_654_435_761 + 1) >>> 0
  // xorshift32
  const next = (): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 2 ** 32
  }
  let text = ''
  let line = 0
  while (text.length < bytes) {
    // By Zipf's law: the word of rank r comes with a frequency of 1/r.
    const word = wordOf(Math.floor(vocabulary ** next()))
    const ends = line + word.length > 68
    text += word + (ends ? '\n' : ' ')
    line = ends ? 0 : line + word.length + 1
  }
  return text
    .slice(0, bytes - 1)
    .trimEnd()
    .padEnd(bytes - 1, '.')
    .concat('\n')
}

const vocabulary = 20_000

const syllables = ['an', 'ber', 'co', 'den', 'el', 'fi', 'gor', 'hu', 'in', 'ka', 'lo', 'mer', 'no', 'ra', 'sti', 'ta']

/** The more seldom, the longer. */
function wordOf(rank: number): string {
  let word = ''
  for (let left = rank; word === '' || left > 0; left = Math.floor(left / syllables.length)) {
    word += syllables[left % syllables.length]
  }
  return word
}
