import type { PictureSize } from './picture-size.ts'
import { inTime, PreviewError } from './preview-error.ts'
import { onCanvas } from './show-picture.ts'

/** Elements that are drawn, each as often as something refers to it. */
const mostElements = 20_000

/**
 * An SVG is a program. As the source of an `img` it runs no script and loads nothing
 * (https://www.w3.org/TR/SVG2/conform.html#secure-static-mode); and only its pixels come into the page, so that nobody opens
 * it in a tab of its own, where it would run.
 * @throws {PreviewError} BROKEN; TOO_LARGE where its references unfold to more than can be drawn; UNSUPPORTED with entities
 */
export async function showSvg(bytes: Uint8Array<ArrayBuffer>, box: PictureSize): Promise<HTMLCanvasElement> {
  const text = new TextDecoder().decode(bytes)
  if (/<!ENTITY|<!DOCTYPE[^>]*\[/i.test(text)) throw new PreviewError('UNSUPPORTED', 'the picture has entities')
  // A document without a window: nothing in it runs or loads.
  const parsed = new DOMParser().parseFromString(text, 'image/svg+xml')
  const root = parsed.documentElement
  if (root.localName !== 'svg' || parsed.querySelector('parsererror') !== null) {
    throw new PreviewError('BROKEN', 'the picture is broken')
  }
  if (unfolded(root) > mostElements)
    throw new PreviewError('TOO_LARGE', 'the picture unfolds to more than can be shown')

  const image = new Image()
  // What was looked at, and not the bytes: these may say that they are written otherwise.
  const url = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(parsed)], { type: 'image/svg+xml' }))
  try {
    image.src = url
    await inTime(
      image.decode().catch((error: unknown) => {
        throw new PreviewError('BROKEN', 'the picture cannot be drawn', { cause: error })
      }),
    )
    const { naturalWidth, naturalHeight } = image
    // One that says no size fills what it is given.
    const size = naturalWidth > 0 && naturalHeight > 0 ? { width: naturalWidth, height: naturalHeight } : box
    return onCanvas(image, size, box)
  } finally {
    URL.revokeObjectURL(url)
  }
}

/** How many elements it becomes when each reference (`use`, patterns, markers, masks, filters) is followed. */
function unfolded(root: Element): number {
  const byId = new Map([...root.querySelectorAll('[id]')].map((element) => [element.id, element]))
  const byClass = classReferences(root)
  const known = new Map<Element, number>()
  const underWay = new Set<Element>()
  const count = (element: Element): number => {
    const before = known.get(element)
    if (before !== undefined) return before
    // A circle of references is drawn by nobody.
    if (underWay.has(element)) return 0
    underWay.add(element)
    const ids = [...references(element), ...[...element.classList].flatMap((name) => byClass.get(name) ?? [])]
    let sum = 1
    for (const next of [...element.children, ...ids.flatMap((id) => byId.get(id) ?? [])]) sum += count(next)
    underWay.delete(element)
    known.set(element, sum)
    return sum
  }
  try {
    return count(root)
  } catch (error) {
    // Nested deeper than the stack: so would be whoever draws it.
    if (error instanceof RangeError) return Infinity
    throw error
  }
}

function references(element: Element): readonly string[] {
  return [...element.attributes].flatMap(({ localName, value }) =>
    localName === 'href' && value.startsWith('#') ? [value.slice(1)] : idsIn(value),
  )
}

function idsIn(text: string): readonly string[] {
  return [...text.matchAll(/url\(\s*['"]?#([^'")\s]+)/g)].map(([, id = '']) => id)
}

/** What style sheets refer to, by class, as drawing programs write it. @throws {PreviewError} UNSUPPORTED for other selectors */
function classReferences(root: Element): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>()
  for (const style of root.querySelectorAll('style')) {
    const text = (style.textContent ?? '').replaceAll(/\/\*[^]*?\*\//g, '')
    if (text.includes('\\')) throw new PreviewError('UNSUPPORTED', 'the styles of the picture are not understood')
    for (const [, selectors = '', body = ''] of text.matchAll(/([^{}]*)\{([^{}]*)\}/g)) {
      const ids = idsIn(body)
      for (const selector of ids.length === 0 ? [] : selectors.split(',')) {
        const name = /^\s*\.([\w-]+)\s*$/.exec(selector)?.[1]
        if (name === undefined) throw new PreviewError('UNSUPPORTED', 'the styles of the picture are not understood')
        found.set(name, [...(found.get(name) ?? []), ...ids])
      }
    }
  }
  return found
}
