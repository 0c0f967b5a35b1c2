/** A structured MIME header value: `text/plain; charset="utf-8"` (RFC 2045 §5.1). Comments are skipped. */
export type ParameterisedValue = {
  readonly value: string
  readonly parameters: readonly (readonly [name: string, value: string])[]
}

const TOKEN = /[^\s()<>@,;:\\"/[\]?=]/u

export function parseParameterised(text: string): ParameterisedValue {
  let at = 0
  const skipSpace = (): void => {
    for (;;) {
      while (/\s/u.test(text[at] ?? '')) at++
      if (text[at] !== '(') return
      let depth = 0
      do {
        if (text[at] === '\\') at++
        else if (text[at] === '(') depth++
        else if (text[at] === ')') depth--
        at++
      } while (depth > 0 && at < text.length)
    }
  }
  const token = (chars: RegExp): string => {
    const from = at
    while (at < text.length && chars.test(text[at] ?? '')) at++
    return text.slice(from, at)
  }
  const quoted = (): string => {
    let value = ''
    for (at++; at < text.length && text[at] !== '"'; at++) {
      if (text[at] === '\\') at++
      value += text[at] ?? ''
    }
    at++
    return value
  }

  skipSpace()
  let value = token(TOKEN)
  skipSpace()
  if (text[at] === '/') {
    at++
    skipSpace()
    value += `/${token(TOKEN)}`
  }
  const parameters: (readonly [string, string])[] = []
  for (;;) {
    skipSpace()
    if (at >= text.length) break
    if (text[at] !== ';') {
      at++
      continue
    }
    at++
    skipSpace()
    const name = token(TOKEN)
    skipSpace()
    if (name === '' || text[at] !== '=') continue
    at++
    skipSpace()
    // Senders leave characters unquoted that should not be: up to the next semicolon or space.
    parameters.push([name, text[at] === '"' ? quoted() : token(/[^;\s]/u)])
  }
  return { value, parameters }
}

export const parameter = ({ parameters }: ParameterisedValue, name: string): string | undefined =>
  parameters.find(([each]) => each.toLowerCase() === name)?.[1]
