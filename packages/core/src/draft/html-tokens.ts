/** A piece of HTML. Names are in lower case, values and texts decoded. */
export type HtmlToken =
  /** `source` is the text as it stands, its character references untouched; no markup is in it, but `<` may be. */
  | { readonly kind: 'text'; readonly text: string; readonly source: string }
  | {
      readonly kind: 'open'
      readonly name: string
      readonly attributes: ReadonlyMap<string, string>
    }
  | { readonly kind: 'close'; readonly name: string }

/** Elements whose content is no markup: all up to their end tag is theirs. */
const rawText: ReadonlySet<string> = new Set([
  'script',
  'style',
  'title',
  'textarea',
  'xmp',
  'iframe',
  'noembed',
  'noframes',
  'noscript',
  'plaintext',
])

/**
 * Cuts HTML of any quality into tags and texts; nothing is executed or fetched, and comments, declarations and the
 * content of scripts and styles are gone. It is for what writes every token anew: what this takes for text must be
 * escaped by who writes it, so that no other reader can take it for a tag.
 */
export function* htmlTokens(html: string): Generator<HtmlToken, void, undefined> {
  let at = 0
  while (at < html.length) {
    const open = html.indexOf('<', at)
    if (open === -1) break
    const markup = readMarkup(html, open)
    const before = html.slice(at, markup === null ? open + 1 : open)
    if (before !== '') yield textToken(before)
    at = open + 1
    if (markup === null) continue
    at = markup.end
    if (markup.token === null) continue
    yield markup.token
    if (markup.token.kind !== 'open' || !rawText.has(markup.token.name)) continue
    const { name } = markup.token
    at = endOfRawText(html, at, name)
    yield { kind: 'close', name }
  }
  if (at < html.length) yield textToken(html.slice(at))
}

function textToken(source: string): HtmlToken {
  return { kind: 'text', text: decodeReferences(source), source }
}

interface Markup {
  readonly token: HtmlToken | null
  readonly end: number
}

/** Null: the `<` is a text's. */
function readMarkup(html: string, open: number): Markup | null {
  const next = html[open + 1] ?? ''
  if (html.startsWith('<!--', open)) {
    // `<!-->` and `<!--->` are comments, too.
    const end = /^-?>/.test(html.slice(open + 4, open + 6)) ? html.indexOf('>', open + 4) : commentEnd(html, open + 4)
    return { token: null, end: end + 1 }
  }
  if (next === '!' || next === '?') return { token: null, end: after(html, '>', open) }
  if (next === '/') {
    const name = /[a-z][^\s/>]*/iy
    name.lastIndex = open + 2
    const match = name.exec(html)
    return { token: match ? { kind: 'close', name: match[0].toLowerCase() } : null, end: tagEnd(html, open + 2).end }
  }
  if (!/[a-z]/i.test(next)) return null
  const name = /[^\s/>]+/y
  name.lastIndex = open + 1
  const tag = name.exec(html)?.[0] ?? ''
  const { attributes, end } = tagEnd(html, open + 1 + tag.length)
  return { token: { kind: 'open', name: tag.toLowerCase(), attributes }, end }
}

function commentEnd(html: string, from: number): number {
  const end = /--!?>/g
  end.lastIndex = from
  const match = end.exec(html)
  // One that is never closed takes the rest, as in browsers.
  return match ? match.index + match[0].length - 1 : html.length
}

function after(html: string, text: string, from: number): number {
  const at = html.indexOf(text, from)
  return at === -1 ? html.length : at + text.length
}

const attribute = /[\s/]*(?:([^\s/>=][^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"'][^\s>]*)?))?)?/y

function tagEnd(
  html: string,
  from: number,
): { readonly attributes: ReadonlyMap<string, string>; readonly end: number } {
  const attributes = new Map<string, string>()
  let at = from
  for (;;) {
    attribute.lastIndex = at
    const match = attribute.exec(html)
    const [whole = '', name, double, single, bare] = match ?? []
    at += whole.length
    if (name !== undefined && !attributes.has(name.toLowerCase())) {
      attributes.set(name.toLowerCase(), decodeReferences(double ?? single ?? bare ?? ''))
    }
    if (html[at] === '>') return { attributes, end: at + 1 }
    if (at >= html.length) return { attributes, end: html.length }
    // A quote that is never closed, or a lone `=`.
    if (whole === '') at += 1
  }
}

function endOfRawText(html: string, from: number, name: string): number {
  const close = new RegExp(String.raw`</${name}(?=[\s/>])`, 'gi')
  close.lastIndex = from
  const match = close.exec(html)
  return match ? tagEnd(html, match.index + match[0].length).end : html.length
}

const named: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
  shy: '\u00ad',
  copy: '©',
  reg: '®',
  trade: '™',
  euro: '€',
  pound: '£',
  hellip: '…',
  ndash: '–',
  mdash: '—',
  lsquo: '‘',
  rsquo: '’',
  sbquo: '‚',
  ldquo: '“',
  rdquo: '”',
  bdquo: '„',
  laquo: '«',
  raquo: '»',
  bull: '•',
  middot: '·',
  sect: '§',
  deg: '°',
  times: '×',
  rarr: '→',
  larr: '←',
  zwnj: '\u200c',
  zwj: '\u200d',
  ensp: '\u2002',
  emsp: '\u2003',
  thinsp: '\u2009',
  auml: 'ä',
  ouml: 'ö',
  uuml: 'ü',
  Auml: 'Ä',
  Ouml: 'Ö',
  Uuml: 'Ü',
  szlig: 'ß',
  eacute: 'é',
  egrave: 'è',
  ecirc: 'ê',
  agrave: 'à',
  acirc: 'â',
  aacute: 'á',
  iacute: 'í',
  oacute: 'ó',
  uacute: 'ú',
  ntilde: 'ñ',
  ccedil: 'ç',
  aring: 'å',
  Aring: 'Å',
  oslash: 'ø',
  Oslash: 'Ø',
  aelig: 'æ',
  AElig: 'Æ',
}

/** Character references; those not known here stay as they are, and show as they are. */
function decodeReferences(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]{2,8}\d?));?/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return whole.endsWith(';') ? (named[name as string] ?? whole) : whole
    const code = decimal === undefined ? Number.parseInt(hex as string, 16) : Number(decimal)
    const isCharacter = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
    return isCharacter ? String.fromCodePoint(code) : '\u{fffd}'
  })
}

export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
