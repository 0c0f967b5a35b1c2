// RFC 2047 §2: an encoded word has at most 75 characters; 45 bytes are 60 in base64, and `=?UTF-8?B?` `?=` are 12 more.
const maxWordBytes = 45

const printable = /^[\x20-\x7e]*$/

/** Whether a header can hold the text as it is: printable ASCII that no reader takes for encoded words or trims. */
export function isPlainHeaderText(text: string): boolean {
  return printable.test(text) && !text.includes('=?') && !/^ | $| {2}/.test(text)
}

/** The text as encoded words, folded. A character is never split between two of them (RFC 2047 §5). */
export function encodedWords(text: string): string {
  const words: string[] = []
  let word = ''
  let wordBytes = 0
  for (const character of text.toWellFormed()) {
    const bytes = Buffer.byteLength(character)
    if (wordBytes + bytes > maxWordBytes) {
      words.push(word)
      word = ''
      wordBytes = 0
    }
    word += character
    wordBytes += bytes
  }
  words.push(word)
  return words.map((part) => `=?UTF-8?B?${Buffer.from(part).toString('base64')}?=`).join('\r\n ')
}
