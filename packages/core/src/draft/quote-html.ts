import { escapeHtml, type HtmlToken, htmlTokens } from './html-tokens.ts'

export interface KeepOptions {
  /** Signatures that programs mark as such stay out of a quote. */
  readonly withoutSignature: boolean
}

const voidElements: ReadonlySet<string> = new Set(['br', 'hr', 'img', 'wbr', 'col'])

const blockElements: ReadonlySet<string> = new Set(
  'address article aside blockquote center dd details div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table tbody tfoot thead tr ul'.split(
    ' ',
  ),
)

const inlineElements =
  'a abbr b bdi bdo big br caption cite code col colgroup del dfn em font i img ins kbd mark q s samp small span strike strong sub sup td th time tt u var wbr'

const keptElements: ReadonlySet<string> = new Set([...blockElements, ...inlineElements.split(' ')])

/** Gone with all that is in them. Of every other element that is not kept, the content stays. */
const droppedElements: ReadonlySet<string> = new Set(
  'applet audio button canvas datalist frameset head iframe math noembed noframes noscript object plaintext script select style svg template textarea title video xmp'.split(
    ' ',
  ),
)

const keptAttributes: ReadonlySet<string> = new Set(
  'align alt bgcolor border cellpadding cellspacing color colspan dir face height lang rowspan size span start style title type valign width'.split(
    ' ',
  ),
)

/** What opening one of these closes, up to the nearest of `within`: end tags that HTML lets authors leave out. */
const impliedEnds: Readonly<
  Record<string, { readonly closes: readonly string[]; readonly within: readonly string[] }>
> = {
  li: { closes: ['li'], within: ['ul', 'ol'] },
  dt: { closes: ['dt', 'dd'], within: ['dl'] },
  dd: { closes: ['dt', 'dd'], within: ['dl'] },
  tr: { closes: ['tr'], within: ['table', 'tbody', 'thead', 'tfoot'] },
  td: { closes: ['td', 'th'], within: ['tr', 'table'] },
  th: { closes: ['td', 'th'], within: ['tr', 'table'] },
}

/**
 * The body of an HTML message as a fragment that can stand inside another: every tag is written anew from a list of
 * those that are kept, closed where the original forgot to, with attributes that can run nothing and load nothing but
 * the pictures of the message. No script, style sheet, head, form or frame comes through.
 */
export function htmlFragment(html: string, options: KeepOptions): string {
  const open: string[] = []
  let written = ''
  const closeTo = (length: number): void => {
    while (open.length > length) written += `</${open.pop()}>`
  }
  for (const token of keptTokens(html, options)) {
    if (token.kind === 'text') {
      written += token.source.replaceAll('<', '&lt;').replaceAll('>', '&gt;')
    } else if (token.kind === 'close') {
      const at = open.lastIndexOf(token.name)
      if (at !== -1) closeTo(at)
    } else {
      closeTo(impliedEnd(open, token.name))
      written += `<${token.name}${attributesOf(token)}>`
      if (!voidElements.has(token.name)) open.push(token.name)
    }
  }
  closeTo(0)
  return written
}

/** Tags and texts without what is dropped. */
function* keptTokens(html: string, options: KeepOptions): Generator<HtmlToken, void, undefined> {
  let dropped: { readonly name: string; depth: number } | null = null
  for (const token of htmlTokens(html)) {
    if (dropped !== null) {
      // A head that is never closed ends where the body begins.
      const isOver: boolean = dropped.name === 'head' && token.kind === 'open' && token.name === 'body'
      if (token.kind !== 'text' && token.name === dropped.name) dropped.depth += token.kind === 'open' ? 1 : -1
      if (isOver || dropped.depth === 0) dropped = null
    } else if (token.kind === 'text') {
      yield token
    } else if (token.kind === 'open' && isDropped(token, options)) {
      dropped = { name: token.name, depth: 1 }
    } else if (keptElements.has(token.name)) {
      yield token
    }
  }
}

type OpenTag = Extract<HtmlToken, { kind: 'open' }>

function isDropped({ name, attributes }: OpenTag, { withoutSignature }: KeepOptions): boolean {
  if (droppedElements.has(name)) return true
  const classes = (attributes.get('class') ?? '').split(/\s+/)
  return withoutSignature && !voidElements.has(name) && classes.some((one) => /^(?:moz|gmail)[-_]signature$/i.test(one))
}

/** How many of the open elements stay open when this one begins. */
function impliedEnd(open: readonly string[], name: string): number {
  const rule = impliedEnds[name]
  // Most have no rule: then nothing is looked through, however deep a text is nested.
  if (rule !== undefined) {
    const scope = open.findLastIndex((one) => rule.within.includes(one))
    const found = open.findIndex((one, index) => index > scope && rule.closes.includes(one))
    if (found !== -1) return found
  }
  return blockElements.has(name) && open.at(-1) === 'p' ? open.length - 1 : open.length
}

function attributesOf({ name, attributes }: OpenTag): string {
  let written = ''
  for (const [attribute, value] of attributes) {
    const kept = attributeValue(name, attribute, value)
    if (kept !== null) written += ` ${attribute}="${escapeHtml(kept)}"`
  }
  return written
}

function attributeValue(element: string, attribute: string, value: string): string | null {
  if (attribute === 'style') return safeStyle(value)
  if (attribute === 'href') return element === 'a' ? safeUrl(value, /^(?:https?|mailto|tel|ftp):/i) : null
  if (attribute === 'src') {
    return element === 'img' ? safeUrl(value, /^(?:https?:|cid:|data:image\/(?:png|gif|jpeg|webp);base64,)/i) : null
  }
  if (attribute === 'cite')
    return element === 'blockquote' || element === 'q' ? safeUrl(value, /^(?:https?|mid):/i) : null
  return keptAttributes.has(attribute) ? value : null
}

function safeUrl(value: string, schemes: RegExp): string | null {
  // Browsers take out tabs, line ends and controls before they look for the scheme.
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  const url = value.replace(/[\x00-\x20\x7f]+/g, (blanks) => (/^ +$/.test(blanks) ? ' ' : '')).trim()
  // In lower case, as some readers look for `cid:` so.
  return schemes.test(url) ? url.replace(/^[a-z]+:/i, (scheme) => scheme.toLowerCase()) : null
}

/** Declarations that only say how something looks. */
function safeStyle(style: string): string | null {
  const kept = style
    .replace(/\/\*.*?(?:\*\/|$)/gs, '')
    .split(';')
    .map((declaration) => declaration.trim())
    .filter((declaration) => /^[a-z-]+\s*:[^\\@<>{}]+$/i.test(declaration))
    .filter(
      (declaration) =>
        !/url|image|expression|binding|behaviou?r|script:|^\s*(?:position|z-index|content|filter)\b/i.test(declaration),
    )
  return kept.length === 0 ? null : kept.join('; ')
}

const paragraphs: ReadonlySet<string> = new Set('h1 h2 h3 h4 h5 h6 ol p pre table ul blockquote'.split(' '))

/** HTML as people would write it as plain text: quotes with `> `, items with `- `, links with their address. */
export function htmlToText(html: string, options: KeepOptions): string {
  const writer = new TextWriter()
  const links: { readonly href: string; readonly from: number }[] = []
  for (const token of keptTokens(html, options)) {
    if (token.kind === 'text') writer.text(token.text)
    else if (token.kind === 'open') openInText(writer, token, links)
    else closeInText(writer, token.name, links)
  }
  return writer.finish()
}

function openInText(writer: TextWriter, { name, attributes }: OpenTag, links: { href: string; from: number }[]): void {
  if (blockElements.has(name)) writer.lineBreak(paragraphs.has(name))
  if (name === 'br') writer.newLine()
  else if (name === 'blockquote') writer.depth += 1
  else if (name === 'pre') writer.preformatted += 1
  else if (name === 'li') writer.text('- ')
  else if (name === 'hr') writer.text('---')
  else if (name === 'td' || name === 'th') writer.text(' ')
  else if (name === 'img' && attributes.get('alt')) writer.text(`[${attributes.get('alt')}]`)
  else if (name === 'a') links.push({ href: attributes.get('href') ?? '', from: writer.length })
}

function closeInText(writer: TextWriter, name: string, links: { href: string; from: number }[]): void {
  if (name === 'a') {
    const { href, from } = links.pop() ?? { href: '', from: 0 }
    const shown = writer.since(from)
    if (/^(?:https?|mailto):/i.test(href) && bareUrl(shown) !== bareUrl(href)) writer.text(` <${href}>`)
  }
  if (!blockElements.has(name)) return
  writer.lineBreak(paragraphs.has(name))
  if (name === 'blockquote') writer.depth = Math.max(0, writer.depth - 1)
  if (name === 'pre') writer.preformatted = Math.max(0, writer.preformatted - 1)
}

function bareUrl(text: string): string {
  return text
    .replace(/^(?:https?:\/\/|mailto:)/i, '')
    .replace(/\/$/, '')
    .trim()
}

class TextWriter {
  depth = 0
  preformatted = 0
  readonly #lines: string[] = []
  #line = ''
  #lineDepth = 0
  /** An empty line is owed before what comes next. */
  #isParagraphDue = false
  #written = ''

  get length(): number {
    return this.#written.length
  }

  since(from: number): string {
    return this.#written.slice(from)
  }

  text(text: string): void {
    if (this.preformatted > 0) {
      for (const [index, line] of text.split('\n').entries()) {
        if (index > 0) this.newLine()
        this.#append(line)
      }
      return
    }
    // A no-break space is no white space to HTML; in plain text nobody sees the difference.
    const words = text.replace(/[ \t\n\r\f]+/g, ' ').replaceAll('\u00a0', ' ')
    this.#append(/(?:^| )$/.test(this.#line) ? words.replace(/^ /, '') : words)
  }

  newLine(): void {
    this.#push()
  }

  lineBreak(isParagraph: boolean): void {
    if (this.#line.trim() !== '') this.#push()
    this.#line = ''
    if (isParagraph && this.#lines.length > 0) this.#isParagraphDue = true
  }

  finish(): string {
    this.lineBreak(false)
    return this.#lines
      .join('\n')
      .replace(/\n{3,}/g, '\n\n')
      .replace(/^\n+|\n+$/g, '')
  }

  #append(text: string): void {
    if (text.trim() !== '' && this.#line.trim() === '') {
      if (this.#isParagraphDue) this.#lines.push(quoteMark(Math.min(this.depth, this.#lineDepth)))
      this.#isParagraphDue = false
    }
    this.#line += text
    this.#written += text
  }

  #push(): void {
    const mark = quoteMark(this.depth)
    const line = this.#line.trimEnd()
    this.#lines.push(mark === '' ? line : line === '' ? mark : `${mark} ${line}`)
    this.#lineDepth = this.depth
    this.#line = ''
  }
}

function quoteMark(depth: number): string {
  return '>'.repeat(depth)
}

/** Plain text as HTML that looks like it: quotes become quotes. */
export function textToHtml(text: string): string {
  let written = ''
  let depth = 0
  let lines: string[] = []
  const flush = (): void => {
    if (lines.length > 0) written += lines.join('<br>\n')
    lines = []
  }
  for (const line of text.split('\n')) {
    const [, marks = '', content = ''] = /^((?:> ?)*)(.*)$/s.exec(line) ?? []
    const own = marks.replaceAll(' ', '').length
    if (own !== depth) flush()
    for (; depth < own; depth += 1) written += '<blockquote type="cite">'
    for (; depth > own; depth -= 1) written += '</blockquote>'
    // Blanks that HTML would run together.
    lines.push(escapeHtml(content).replace(/^ +| {2,}/g, (blanks) => '&nbsp;'.repeat(blanks.length)))
  }
  flush()
  for (; depth > 0; depth -= 1) written += '</blockquote>'
  return written
}
