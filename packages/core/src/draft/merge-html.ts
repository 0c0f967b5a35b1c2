import { type BlockDocument, mergeBlocks } from './merge-blocks.ts'
import type { Sides } from './merge-value.ts'

/** Elements, and runs of text and inline elements, as offsets into the HTML. */
interface Node {
  /** Lower case; `#text` for a run; `#doctype` and `#comment`. */
  readonly name: string
  readonly start: number
  /** After the start tag. */
  readonly innerStart: number
  end: number
  readonly children: Node[]
}

const voidElements = new Set(
  'area base br col embed hr img input link meta param source track wbr'.split(' '), // HTML §13.1.2
)
/** Their content is not markup. */
const rawElements = new Set('iframe noembed noframes noscript script style textarea title xmp'.split(' '))
const blockElements = new Set(
  (
    'address article aside base blockquote body center details dialog dd dir div dl dt fieldset figcaption figure footer ' +
    'form h1 h2 h3 h4 h5 h6 head header hgroup hr html li link main menu meta nav ol p pre script search section style ' +
    'table title ul'
  ).split(' '),
)
/** Mail programs put the whole body into these. */
const wrapperElements = new Set(['html', 'body', 'div'])

/**
 * Three-way merge by block of HTML that both sides changed; null in case of doubt. The blocks are the children of the
 * innermost element that wraps everything in all three, such as body. HTML whose tags are not closed one by one is
 * never cut: where an element ends is then a matter of the browser's recovery.
 */
export function mergeHtml(texts: Sides<string>): string | null {
  const trees = new Map<string, Node | null>()
  const treeOf = (html: string): Node | null => {
    const tree = trees.has(html) ? trees.get(html)! : parse(html)
    trees.set(html, tree)
    return tree
  }
  const base = wrappersOf(texts.base, treeOf(texts.base))
  const local = wrappersOf(texts.local, treeOf(texts.local))
  const remote = wrappersOf(texts.remote, treeOf(texts.remote))
  let depth = 0
  while (depth < base.length && base[depth] === local[depth] && base[depth] === remote[depth]) depth += 1
  return mergeBlocks(texts, { parse: (html) => blocksOf(html, treeOf(html), depth), gap: '', settle: () => null })
}

function wrappersOf(html: string, root: Node | null): readonly string[] {
  const names: string[] = []
  for (let inner = root && wrapperIn(root, html); inner !== null; inner = wrapperIn(inner, html)) names.push(inner.name)
  return names
}

/** The one child that holds all the content. */
function wrapperIn(node: Node, html: string): Node | null {
  const content = node.children.filter((child) => {
    const { start, end } = contentOf(child, html)
    return child.name !== '#doctype' && child.name !== 'head' && start < end
  })
  const [only] = content
  return content.length === 1 && only !== undefined && wrapperElements.has(only.name) ? only : null
}

function blocksOf(html: string, root: Node | null, depth: number): BlockDocument | null {
  let container = root
  for (let level = 0; level < depth && container !== null; level += 1) container = wrapperIn(container, html)
  if (container === null) return null

  const content = container.children.map((child) => contentOf(child, html)).filter(({ start, end }) => start < end)
  const [first] = content
  if (first === undefined) {
    return { lead: html.slice(0, container.innerStart), blocks: [], gaps: [], end: html.slice(container.innerStart) }
  }
  return {
    lead: html.slice(0, first.start),
    blocks: content.map(({ start, end }) => html.slice(start, end)),
    gaps: content.slice(1).map(({ start }, index) => html.slice(content[index]!.end, start)),
    end: html.slice(content.at(-1)!.end),
  }
}

/** Without the white space around a run of text, which a browser does not show. */
function contentOf({ name, start, end }: Node, html: string): { readonly start: number; readonly end: number } {
  if (name !== '#text') return { start, end }
  let from = start
  let to = end
  while (from < to && isSpace(html[from])) from += 1
  while (from < to && isSpace(html[to - 1])) to -= 1
  return { start: from, end: to }
}

function isSpace(character: string | undefined): boolean {
  return character !== undefined && ' \t\n\f\r'.includes(character)
}

function parse(html: string): Node | null {
  const root = { name: '#root', start: 0, innerStart: 0, end: html.length, children: [] }
  const open: Node[] = [root]
  const text = (start: number, end: number): void => {
    const siblings = open.at(-1)!.children
    const previous = siblings.at(-1)
    if (previous?.name === '#text') previous.end = end
    else siblings.push({ name: '#text', start, innerStart: start, end, children: [] })
  }
  const element = (node: Node): void => {
    if (blockElements.has(node.name)) open.at(-1)!.children.push(node)
    else text(node.start, node.end)
  }

  let at = 0
  while (at < html.length) {
    const tag = html.indexOf('<', at)
    if (tag !== at) text(at, tag === -1 ? html.length : tag)
    if (tag === -1) break

    const next = html[tag + 1] ?? ''
    if (next === '!' || next === '?') {
      at = endOfComment(html, tag)
      if (at === -1) return null
      const kind = /^<!doctype/i.test(html.slice(tag, tag + 9)) ? '#doctype' : '#comment'
      open.at(-1)!.children.push({ name: kind, start: tag, innerStart: tag, end: at, children: [] })
      continue
    }
    const closing = next === '/'
    const name = /^[a-z][^\s/>]*/i.exec(html.slice(tag + (closing ? 2 : 1), tag + 66))?.[0].toLowerCase()
    if (name === undefined) {
      if (closing) return null
      at = tag + 1
      text(tag, at)
      continue
    }
    at = endOfTag(html, tag)
    if (at === -1) return null
    if (closing) {
      const node = open.pop()!
      if (node.name !== name) return null
      node.end = at
      element(node)
      continue
    }
    const node: Node = { name, start: tag, innerStart: at, end: at, children: [] }
    if (voidElements.has(name)) {
      element(node)
      continue
    }
    // In HTML `<div/>` opens a div, inside SVG it does not.
    if (html[at - 2] === '/') return null
    if (!rawElements.has(name)) {
      open.push(node)
      continue
    }
    at = endOfRaw(html, name, at)
    if (at === -1) return null
    node.end = at
    element(node)
  }
  return open.length === 1 ? root : null
}

function endOfComment(html: string, start: number): number {
  if (!html.startsWith('<!--', start)) return html.indexOf('>', start) + 1 || -1
  // From +2 on: `<!-->` is a whole comment (HTML §13.2.5.43).
  const dashes = html.indexOf('-->', start + 2)
  return dashes === -1 ? -1 : dashes + 3
}

function endOfTag(html: string, start: number): number {
  let at = start
  while (at < html.length) {
    const character = html[at]
    if (character === '>') return at + 1
    if (character === '"' || character === "'") {
      at = html.indexOf(character, at + 1)
      if (at === -1) return -1
    }
    at += 1
  }
  return -1
}

function endOfRaw(html: string, name: string, from: number): number {
  const close = new RegExp(`</${name}[ \\t\\n\\f\\r]*>`, 'gi')
  close.lastIndex = from
  return close.test(html) ? close.lastIndex : -1
}
