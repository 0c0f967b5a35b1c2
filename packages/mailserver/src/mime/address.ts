/** An address as ENVELOPE wants it (RFC 3501 §7.4.2). A group is its start, its members, and an end. */
export type Address =
  | {
      readonly kind: 'mailbox'
      readonly name: string | undefined
      readonly route: string | undefined
      readonly local: string
      readonly host: string
    }
  | { readonly kind: 'group-start'; readonly name: string }
  | { readonly kind: 'group-end' }

type Token = {
  readonly kind: 'word' | 'special' | 'comment'
  readonly text: string
  /** White space stands before it. */
  readonly spaced: boolean
}

function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    const char = text.charAt(at)
    const spaced = /\s/u.test(text.charAt(at - 1))
    if (/\s/u.test(char)) at++
    else if (char === '"') {
      let value = ''
      for (at++; at < text.length && text[at] !== '"'; at++) {
        if (text[at] === '\\') at++
        value += text[at] ?? ''
      }
      at++
      tokens.push({ kind: 'word', text: value, spaced })
    } else if (char === '(') {
      let depth = 1
      let value = ''
      for (at++; at < text.length; at++) {
        const inner = text.charAt(at)
        if (inner === '\\') value += text.charAt(++at)
        else {
          if (inner === '(') depth++
          if (inner === ')' && --depth === 0) break
          value += inner
        }
      }
      at++
      tokens.push({ kind: 'comment', text: value.trim(), spaced })
    } else if (char === '[') {
      const close = text.indexOf(']', at)
      const end = close === -1 ? text.length : close + 1
      tokens.push({ kind: 'word', text: text.slice(at, end), spaced })
      at = end
    } else if ('<>@,;:.'.includes(char)) {
      tokens.push({ kind: 'special', text: char, spaced })
      at++
    } else {
      const word = /^[^\s"()<>@,;:.[\]]+/u.exec(text.slice(at))?.[0] ?? char
      tokens.push({ kind: 'word', text: word, spaced })
      at += word.length
    }
  }
  return tokens
}

/** Parses a `From`-like value (RFC 5322 §3.4), forgivingly: what is no address yields one without a host. */
export function parseAddresses(value: string): readonly Address[] {
  const tokens = tokenize(value)
  const addresses: Address[] = []
  let at = 0
  let inGroup = false

  const special = (text: string): boolean => tokens[at]?.kind === 'special' && tokens[at]?.text === text
  /** Words and dots up to another special; a display name keeps its spaces, an address has none. */
  const phrase = (space: string): string => {
    let text = ''
    for (; at < tokens.length; at++) {
      const token = tokens[at]
      if (token === undefined || token.kind === 'comment') continue
      if (token.kind === 'special' && token.text !== '.') break
      text += text !== '' && token.spaced ? space + token.text : token.text
    }
    return text
  }
  const angle = (name: string): void => {
    at++
    let route: string | undefined
    if (special('@')) {
      route = ''
      while (at < tokens.length && !special(':') && !special('>')) route += tokens[at++]?.text ?? ''
      if (special(':')) at++
    }
    const local = phrase('')
    const host = special('@') ? (at++, phrase('')) : ''
    while (at < tokens.length && !special('>')) at++
    at++
    addresses.push({ kind: 'mailbox', name: name === '' ? undefined : name, route, local, host })
  }

  while (at < tokens.length) {
    if (special(',')) {
      at++
      continue
    }
    if (special(';')) {
      at++
      if (inGroup) addresses.push({ kind: 'group-end' })
      inGroup = false
      continue
    }
    const start = at
    const words = phrase(' ')
    if (special('<')) {
      angle(words)
      continue
    }
    if (special(':') && !inGroup) {
      at++
      inGroup = true
      addresses.push({ kind: 'group-start', name: words })
      continue
    }
    const host = special('@') ? (at++, phrase('')) : ''
    // The old form of a display name: a comment behind the address.
    const last = tokens[at - 1]
    const comment = last?.kind === 'comment' ? last.text : undefined
    const name = comment === '' ? undefined : comment
    if (host === '' && words.includes(' ')) {
      // Several words and no address: a name.
      addresses.push({ kind: 'mailbox', name: words, route: undefined, local: '', host })
    } else if (words !== '' || host !== '') {
      addresses.push({ kind: 'mailbox', name, route: undefined, local: words.replaceAll(' ', ''), host })
    } else if (at === start) at++
  }
  if (inGroup) addresses.push({ kind: 'group-end' })
  return addresses
}
