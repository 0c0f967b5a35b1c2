import type { IncomingMessage } from 'node:http'
import { deflateSync } from 'node:zlib'

import type * as pdfjs from 'pdfjs-dist'
import { describe, expect, expectTypeOf, test } from 'vitest'

import type { PdfLibrary } from '../src/index.ts'
import { isChromiumHere, type Page } from './chromium.ts'
import { inChromium } from './in-chromium.ts'
import { token } from './harness.ts'
import { serveSite } from './site.ts'

const page = `<!doctype html><meta charset="utf-8"><div id="here"></div>
<script type="module">
  import { createClient, previewAttachment } from '/src/index.ts'
  const client = createClient({ url: location.origin + '/api', token: '${token}' })
  const pdf = async () => {
    const library = await import('/packages/pdfjs-dist/pdf.min.mjs')
    library.GlobalWorkerOptions.workerSrc = '/packages/pdfjs-dist/pdf.worker.min.mjs'
    return library
  }
  const asked = Object.fromEntries(new URLSearchParams(location.search))
  const urls = new Set()
  const { createObjectURL, revokeObjectURL } = URL
  URL.createObjectURL = (blob) => { const url = createObjectURL(blob); urls.add(url); return url }
  URL.revokeObjectURL = (url) => { urls.delete(url); revokeObjectURL(url) }
  window.ran = 0
  window.show = async (attachment, into = here, more = {}) => {
    try {
      const preview = await previewAttachment({ client, ...asked, attachment, into, pdf, width: 100, height: 100, ...more })
      const { kind, truncated, element } = preview
      const pixel = (() => {
        // Of what has HTML in it nobody may read the pixels.
        try { return element.getContext?.('2d').getImageData(element.width / 2, element.height / 2, 1, 1).data } catch { return [] }
      })()
      const shown = { kind, truncated, tag: element.localName, text: element.textContent, children: element.childElementCount }
      const size = element.localName === 'canvas' ? { size: [element.width, element.height], pixel: [...pixel] } : {}
      preview[Symbol.dispose]()
      return { ...shown, ...size, left: into.childElementCount + urls.size, ran }
    } catch ({ name, code }) {
      return { name, code, left: into.childElementCount + urls.size, ran }
    }
  }
  window.drawn = async (type) => {
    const canvas = new OffscreenCanvas(300, 200)
    const context = canvas.getContext('2d')
    context.fillStyle = 'red'
    context.fillRect(0, 0, 300, 200)
    return [...new Uint8Array(await (await canvas.convertToBlob({ type })).arrayBuffer())]
  }
</script>`

/** A chunk of a PNG (W3C PNG §5.3); of those here nobody checks the sum before the size. */
function chunk(type: string, data: Uint8Array): Uint8Array {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, data.length)
  return Buffer.concat([length, Buffer.from(type), data, new Uint8Array(4)])
}

/** One bit for each pixel, all of them black: it shrinks to nearly nothing. */
function bomb(width: number, height: number): Uint8Array {
  const header = new Uint8Array(13)
  const view = new DataView(header.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  header[8] = 1
  const rows = deflateSync(new Uint8Array((width / 8 + 1) * height))
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', rows),
    chunk('IEND', new Uint8Array()),
  ])
}

/** One page with a blue square, and a script that a reader is to run when it opens the file. */
const pdf = `%PDF-1.4
1 0 obj <</Type /Catalog /Pages 2 0 R /OpenAction <</S /JavaScript /JS (app.alert\\(1\\); window.ran = 1)>>>> endobj
2 0 obj <</Type /Pages /Kids [3 0 R] /Count 1>> endobj
3 0 obj <</Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Contents 4 0 R>> endobj
4 0 obj <</Length 25>> stream
0 0 1 rg 0 0 200 100 re f
endstream endobj
trailer <</Root 1 0 R>>
`

const svg = (inner: string, attributes = ''): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="40" height="20" ${attributes}>${inner}</svg>`

test('pdf.js is what shows PDFs', () => {
  expectTypeOf<typeof pdfjs>().toExtend<PdfLibrary>()
})

// skipped: where there is no Chromium
describe.skipIf(!isChromiumHere)('previews in Chromium', () => {
  const both = inChromium()

  interface Showing {
    readonly page: Page
    /** Paths that the page asked for. */
    readonly asked: string[]
    readonly show: (content: string | Uint8Array, type: string, filename?: string) => Promise<unknown>
    readonly attach: (content: string | Uint8Array, type: string, filename?: string) => Promise<string>
  }

  async function startShowing(): Promise<Showing> {
    const { client, accountId } = both.running
    const draftId = await both.running.addDraft('Files')
    const asked: string[] = []
    const passes = ({ url = '' }: IncomingMessage): boolean => asked.push(url) > 0
    const site = await serveSite(both.running, { pages: { '/': page }, passes })
    const opened = await (
      await both.browser.newProfile()
    ).open(`${site}/?${String(new URLSearchParams({ accountId, draftId }))}`)
    const attach = async (content: string | Uint8Array, contentType: string, filename = 'file'): Promise<string> => {
      const attached = await client.attach({
        accountId,
        draftId,
        filename,
        contentType,
        content: new Blob([Buffer.from(content)]),
      })
      return JSON.stringify(attached)
    }
    return {
      page: opened,
      asked,
      attach,
      show: async (...file) => await opened.evaluate(`show(${await attach(...file)})`),
    }
  }

  const nothingLeft = { left: 0, ran: 0 }

  test('pictures are shown by what they are, whatever they are called, and no larger than asked for', async () => {
    const { page: opened, show } = await startShowing()
    for (const type of ['image/png', 'image/jpeg', 'image/webp']) {
      const bytes = Uint8Array.from(await opened.evaluate<number[]>(`drawn("${type}")`))
      const shown = await show(bytes, 'application/octet-stream', 'picture.exe')
      expect(shown, type).toMatchObject({ kind: 'picture', tag: 'canvas', size: [100, 67], ...nothingLeft })
      expect((shown as { readonly pixel: readonly number[] }).pixel[0], type).toBeGreaterThan(250)
    }
    const gif = Buffer.from('R0lGODlhAQABAPAAAP8AAAAAACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==', 'base64')
    expect(await show(gif, 'image/gif')).toMatchObject({ size: [1, 1], pixel: [255, 0, 0, 255], ...nothingLeft })
  })

  test('a picture that unfolds to gigabytes is refused before it is decoded, and a broken one is an error', async () => {
    const { show } = await startShowing()
    const small = bomb(16_000, 16_000)
    expect(small.length).toBeLessThan(50_000)
    const refused = { name: 'PreviewError', code: 'TOO_LARGE', ...nothingLeft }
    expect(await show(small, 'image/png')).toEqual(refused)
    const wide = Buffer.concat([
      Buffer.from('GIF89a'),
      Uint8Array.of(1, 0, 1, 0, 0, 0, 0, 0x2c, 0, 0, 0, 0, 255, 255, 255, 255, 0),
    ])
    expect(await show(wide, 'image/gif')).toEqual(refused)
    const broken = { ...refused, code: 'BROKEN' }
    expect(await show(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), 'image/png')).toEqual(broken)
    expect(
      await show(
        Buffer.concat([small.subarray(0, 16), Uint8Array.of(0, 0, 0, 9, 0, 0, 0, 9), Buffer.alloc(99)]),
        'image/png',
      ),
    ).toEqual(broken)
    expect(await show(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 2, 0xff, 0xd9), 'image/jpeg')).toEqual(broken)
  })

  test('an SVG is drawn, and nothing in it runs or loads', async () => {
    const { show, asked } = await startShowing()
    const hostile = svg(
      `<script>top.ran = 1; fetch('/api/stolen')</script><rect width="40" height="20" fill="lime" onclick="top.ran = 1"/>
       <image href="/api/image" width="1" height="1"/><image href="x" onerror="parent.ran = 1"/>
       <foreignObject width="1" height="1"><iframe xmlns="http://www.w3.org/1999/xhtml" src="/api/frame"/></foreignObject>`,
      'onload="top.ran = 1"',
    )
    const before = asked.length
    expect(await show(hostile, 'image/svg+xml')).toMatchObject({
      kind: 'picture',
      tag: 'canvas',
      size: [40, 20],
      ...nothingLeft,
    })
    expect(asked.slice(before)).toHaveLength(1)
    expect(await show(svg('<rect width="40" height="20" fill="lime"/>'), 'image/svg+xml')).toMatchObject({
      pixel: [0, 255, 0, 255],
    })
  })

  test('an SVG that unfolds to more than can be drawn is refused, and so is one that is broken or has entities', async () => {
    const { show } = await startShowing()
    const uses = Array.from(
      { length: 9 },
      (_, index) => `<g id="g${index + 1}">${`<use xlink:href="#g${index}"/>`.repeat(10)}</g>`,
    )
    const refused = { name: 'PreviewError', code: 'TOO_LARGE', ...nothingLeft }
    expect(await show(svg(`<rect id="g0"/>${uses.join('')}`), 'image/svg+xml')).toEqual(refused)
    const patterns = uses
      .join('')
      .replaceAll('<g ', '<pattern ')
      .replaceAll('</g>', '</pattern>')
      .replaceAll('xlink:href="#', 'class="c')
      .replaceAll('use', 'rect')
    const styles = Array.from({ length: 9 }, (_, index) => `.cg${index} { fill: url(#g${index}) }`).join('\n')
    expect(await show(svg(`<style>${styles}</style><rect id="g0"/>${patterns}`), 'image/svg+xml')).toEqual(refused)
    expect(await show(svg('<style>* { fill: url(#a) }</style>'), 'image/svg+xml')).toEqual({
      ...refused,
      code: 'UNSUPPORTED',
    })
    const entities = `<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;">]>${svg('&b;')}`
    expect(await show(entities, 'image/svg+xml')).toEqual({ ...refused, code: 'UNSUPPORTED' })
    expect(await show('<svg><', 'image/svg+xml')).toEqual({ ...refused, code: 'BROKEN' })
  })

  test('text is text: HTML shows its source, the charset is found out, and of a long one the beginning comes', async () => {
    const { page: opened, show, attach } = await startShowing()
    const html = '<!doctype html><script>top.ran = 1</script><img src=x onerror="ran = 1">'
    const asText = { kind: 'text', tag: 'pre', children: 0, truncated: false, ...nothingLeft }
    expect(await show(html, 'text/plain', 'readme.txt')).toEqual({ ...asText, text: html })
    expect(await show(html, 'text/html', 'page.html')).toEqual({ ...asText, text: html })
    expect(await show('Grüße', 'text/plain')).toEqual({ ...asText, text: 'Grüße' })
    expect(await show(Buffer.from('Grüße', 'latin1'), 'text/plain')).toEqual({ ...asText, text: 'Grüße' })
    expect(await show(Buffer.from('\ufeffGrüße', 'utf16le'), 'text/plain')).toEqual({ ...asText, text: 'Grüße' })
    const cyrillic = await attach(Uint8Array.of(0xf0, 0xd2, 0xc9), 'text/plain')
    expect(await opened.evaluate(`show(${cyrillic}, here, { charset: 'koi8-r' })`)).toEqual({ ...asText, text: 'При' })
    const long = (await show('ä'.repeat(1_000_000), 'text/plain')) as {
      readonly text: string
      readonly truncated: boolean
    }
    expect([long.text, long.truncated]).toEqual(['ä'.repeat(32_768), true])
    const refused = { name: 'PreviewError', code: 'UNSUPPORTED', ...nothingLeft }
    expect(await show(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0, 1), 'text/plain')).toEqual(refused)
    expect(await show(Uint8Array.of(0x50, 0x4b, 3, 4), 'application/zip')).toEqual(refused)
  })

  test('of a PDF the first page is drawn, and its script does not run; a broken one is an error', async () => {
    const { page: opened, show, attach } = await startShowing()
    expect(await show(pdf, 'application/pdf')).toMatchObject({
      kind: 'pdf',
      tag: 'canvas',
      size: [100, 50],
      pixel: [0, 0, 255, 255],
      ...nothingLeft,
    })
    const broken = { name: 'PreviewError', code: 'BROKEN', ...nothingLeft }
    expect(await show('%PDF-1.7\nnothing else', 'application/pdf')).toEqual(broken)
    expect(await show(pdf.replace('/Kids [3 0 R]', '/Kids [2 0 R]'), 'application/pdf')).toEqual(broken)
    const unasked = await opened.evaluate(`show(${await attach(pdf, 'application/pdf')}, here, { pdf: undefined })`)
    expect(unasked).toEqual({ ...broken, code: 'UNSUPPORTED' })
  })

  test('nothing is fetched before its place is on the screen', async () => {
    const { page: opened, asked, attach } = await startShowing()
    await opened.evaluate(
      `window.far = document.createElement('div'), far.style = 'position: absolute; top: 10000px; width: 9px; height: 9px', document.body.append(far)`,
    )
    const before = asked.length
    await opened.evaluate(
      `window.shown = show(${await attach('far away', 'text/plain')}, far), show(${await attach('near', 'text/plain')})`,
    )
    expect(asked.slice(before)).toHaveLength(1)
    expect(await opened.evaluate('far.scrollIntoView(), shown')).toMatchObject({ text: 'far away' })
  })
})
