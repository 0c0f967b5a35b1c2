import { escapeHtml } from './html-tokens.ts'
import { htmlFragment, htmlToText, textToHtml } from './quote-html.ts'

/** What a quote is made from. */
export interface Quotable {
  readonly text: string
  readonly html: string | null
}

/** Where the attribution is folded (RFC 3676 §4.2 has 78 for what is quoted once more). */
const widestLine = 72

/** The signature: all from the last line that is `-- ` (RFC 3676 §4.3), also with its blank lost on the way. */
function withoutSignature(text: string): string {
  const lines = text.split('\n')
  const at = lines.findLastIndex((line) => line === '-- ' || line === '--')
  return at === -1 ? text : lines.slice(0, at).join('\n')
}

/** `> ` before each line; quotes within get one more mark, as RFC 3676 §4.5 counts them. */
function quoteText(text: string): string {
  // Blanks at line ends would keep the quote from flowing, and nobody sees them.
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd())
  return lines.map((line) => (line === '' ? '>' : line.startsWith('>') ? `>${line}` : `> ${line}`)).join('\n')
}

/** At blanks, in lines of at most 72; a longer word has a line of its own. */
function wrapWords(text: string): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/).filter(Boolean)) {
    if (line !== '' && line.length + 1 + word.length > widestLine) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line].join('\n')
}

/** The original's words, whichever way it says them. */
export function textOf({ text, html }: Quotable, options = { withoutSignature: false }): string {
  const plain = text.trim() === '' && html !== null ? htmlToText(html, options) : text
  return options.withoutSignature ? withoutSignature(plain) : plain
}

/** The original as a fragment of HTML, whichever way it says it. */
export function htmlOf({ text, html }: Quotable, options = { withoutSignature: false }): string {
  if (html !== null) return htmlFragment(html, options)
  return textToHtml(options.withoutSignature ? withoutSignature(text).trimEnd() : text)
}

/** The quote below an attribution, as plain text. */
export function quotedText(original: Quotable, attribution: string): string {
  const text = textOf(original, { withoutSignature: true })
  return `${wrapWords(attribution)}\n${text.trim() === '' ? '' : `${quoteText(text)}\n`}`
}

/** The quote below an attribution, as HTML; `cite` is the original's Message-ID (RFC 2392). */
export function quotedHtml(original: Quotable, attribution: string, messageId: string | null): string {
  const id = /^<([^<>\s]+)>$/.exec(messageId ?? '')?.[1]
  const cite = id === undefined ? '' : ` cite="mid:${escapeHtml(encodeURI(id.toWellFormed()))}"`
  const body = htmlOf(original, { withoutSignature: true })
  return `<p>${escapeHtml(attribution)}</p>\n<blockquote type="cite"${cite}>${body}</blockquote>\n`
}
