import { expect, onTestFinished, test } from 'vitest'

import { isChromiumHere, startChromium } from './chromium.ts'
import { start, token } from './harness.ts'
import { serveSite } from './site.ts'

/** In the page and in the worker alike. */
const script = (accountId: string, draftId: string): string => `
  import { createClient } from '/src/index.ts'
  const where = { accountId: '${accountId}', draftId: '${draftId}' }
  const client = createClient({ url: location.origin + '/api', token: '${token}' })
  export async function tryOut(filename) {
    const told = []
    const content = new Blob([new Uint8Array(3_000_000).fill(7)], { type: 'image/png' })
    const { id, size, content_type: type } = await client.attach({ ...where, filename, content, onProgress: (at) => told.push(at) })
    const silent = await client.attach({ ...where, filename, content, idempotencyKey: id })
    const { content: back } = await client.download({ ...where, attachmentId: id })
    const bytes = await new Response(back).arrayBuffer()
    let refused, aborted
    try { await client.attach({ ...where, filename, content, version: 1, onProgress: () => {} }) } catch (error) { refused = error.code }
    const controller = new AbortController()
    try {
      const large = new Blob([new Uint8Array(50_000_000)])
      await client.attach({ ...where, filename, content: large, signal: controller.signal, onProgress: () => controller.abort() })
    } catch (error) { aborted = error.name }
    const heard = []
    for await (const event of client.events({ after: 0 })) {
      heard.push(event.type)
      if (event.type === 'draft-saved') break
    }
    return { size, type, isSame: silent.id === id, back: bytes.byteLength, refused, aborted, heard, first: told[0], last: told.at(-1) }
  }
`

const page = `<script type="module">
  import { tryOut } from '/script.js'
  const result = {}
  try {
    result.page = await tryOut('page.png')
    const worker = new Worker('/worker.js', { type: 'module' })
    result.worker = await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data)
      worker.onerror = ({ message }) => reject(new Error(message))
    })
  } catch (error) { result.failed = String(error.stack) }
  await fetch('/result', { method: 'POST', body: JSON.stringify(result) })
</script>`

const worker = `
  import { tryOut } from '/script.js'
  try { postMessage(await tryOut('worker.png')) } catch (error) { postMessage(String(error.stack)) }
`

// skipped: where there is no Chromium
test.skipIf(!isChromiumHere)(
  'in a page and in a worker: uploads with progress, downloads, problems, aborts and events',
  async () => {
    const running = await start()
    const { accountId, addDraft } = running
    const draftId = await addDraft('In a browser')
    const { promise, resolve } = Promise.withResolvers<string>()
    const pages = { '/': page, '/script.js': script(accountId, draftId), '/worker.js': worker }
    const browser = await startChromium()
    onTestFinished(async () => browser.close())
    const profile = await browser.newProfile()
    await profile.open(await serveSite(running, { pages, onResult: resolve }))
    const expected = {
      size: 3_000_000,
      type: 'image/png',
      isSame: true,
      back: 3_000_000,
      refused: 'VERSION_MISMATCH',
      aborted: 'AbortError',
      heard: expect.arrayContaining(['draft-created', 'draft-saved']),
      first: { sentBytes: expect.any(Number), totalBytes: 3_000_000 },
      last: { sentBytes: 3_000_000, totalBytes: 3_000_000 },
    }
    expect(JSON.parse(await promise)).toEqual({ page: expected, worker: expected })
  },
)
