/** RFC 3676 §4.2 asks for at most 78; the stuffing and a reply's quote mark have to fit, too. */
const widest = 76
/** Lines up to here are left alone: they look the same in every reader. */
const longestUnwrapped = 78

/**
 * The text as `format=flowed` with DelSp=no, LF line ends; null where it gains nothing or would not come back exactly:
 * flowed gives a meaning to blanks at line ends, so a text that has any goes as fixed.
 */
export function toFlowed(text: string): string | null {
  const lines = text.split('\n')
  // Most texts: nothing of them is looked at twice.
  if (lines.every((line) => line.length <= longestUnwrapped)) return null
  const wrapped = lines.flatMap(wrap)
  if (wrapped.length === lines.length) return null
  const flowed = wrapped.join('\n')
  return fromFlowed(flowed, false) === text ? flowed : null
}

/** RFC 3676 §4.4 and §4.5: quote marks stand before the content as `>> content`. */
export function fromFlowed(flowed: string, delSp: boolean): string {
  const lines: string[] = []
  let open: { readonly depth: number; readonly content: string } | null = null
  for (const line of flowed.split('\n')) {
    const { depth, content } = unquoted(line)
    // §4.3: the line before a signature is never part of a paragraph, and that line never flows.
    const isSignature = content === signature
    // §4.5: a paragraph that changes its depth is not one.
    if (open !== null && (open.depth !== depth || isSignature)) {
      lines.push(quoted(open.depth, open.content))
      open = null
    }
    const flows: boolean = content.endsWith(' ') && !isSignature
    const whole: string = (open?.content ?? '') + (flows && delSp ? content.slice(0, -1) : content)
    if (flows) {
      open = { depth, content: whole }
    } else {
      lines.push(quoted(depth, whole))
      open = null
    }
  }
  if (open !== null) lines.push(quoted(open.depth, open.content))
  return lines.join('\n')
}

const signature = '-- '

function unquoted(line: string): { readonly depth: number; readonly content: string } {
  const depth = /^>*/.exec(line)?.[0].length ?? 0
  const content = line.slice(depth)
  return { depth, content: content.startsWith(' ') ? content.slice(1) : content }
}

function quoted(depth: number, content: string): string {
  if (depth === 0) return content
  return '>'.repeat(depth) + (content === '' ? '' : ` ${content}`)
}

function wrap(line: string): readonly string[] {
  const { depth, content } = depthOf(line)
  if (line.length <= longestUnwrapped) return [stuffed(depth, content)]
  const pieces: string[] = []
  let rest = content
  const room = Math.max(30, widest - depth - 1)
  while (rest.length > room) {
    const at = rest.lastIndexOf(' ', room - 1)
    const end = at > 0 ? at : rest.indexOf(' ', room)
    // A piece that looks like the line before a signature would be taken for it.
    if (end === -1 || end === rest.length - 1 || rest.slice(0, end + 1) === signature) break
    pieces.push(rest.slice(0, end + 1))
    rest = rest.slice(end + 1)
  }
  return [...pieces, rest].map((piece) => stuffed(depth, piece))
}

/** In the model, one blank between the marks and the content belongs to neither. */
function depthOf(line: string): { readonly depth: number; readonly content: string } {
  return line.startsWith('>') ? unquoted(line) : { depth: 0, content: line }
}

/** RFC 3676 §4.4; also before a dot, which SMTP doubles. Only the transfer sees it. */
function stuffed(depth: number, content: string): string {
  if (depth > 0) return quoted(depth, content)
  return /^(?: |>|\.|From )/.test(content) ? ` ${content}` : content
}
