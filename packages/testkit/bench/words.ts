import { randomInt } from 'node:crypto'

/** Random words in short lines, `bytes` long: text that no compression makes much smaller. */
export function randomWords(bytes: number): string {
  let text = ''
  let line = 0
  while (text.length < bytes) {
    const word = Array.from({ length: randomInt(2, 9) }, () => String.fromCodePoint(randomInt(97, 123))).join('')
    const ends = line + word.length > 66
    text += word + (ends ? '\n' : ' ')
    line = ends ? 0 : line + word.length + 1
  }
  // A blank at a line's end would change how the text is encoded.
  return `${text
    .slice(0, bytes - 1)
    .replaceAll(' \n', 'x\n')
    .replace(/\s$/, 'x')}x`
}
