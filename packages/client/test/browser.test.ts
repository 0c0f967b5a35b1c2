import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, request as send, type ServerResponse } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

import { expect, onTestFinished, test } from 'vitest'

import { start, token, type Running } from './harness.ts'

const chromium = ['chromium', 'chromium-browser', 'google-chrome'].find(
  (program) => spawnSync(program, ['--version']).error === undefined,
)

/** What the client stands on; in a page there is nobody who finds packages by their names. */
const packages = { 'openapi-fetch': 'index.mjs', 'eventsource-parser': 'index.js' } as const

async function moduleText(path: string): Promise<string> {
  const own = /^\/src\/[\w-]+\.ts$/.test(path)
  const [, name = '', file = ''] = /^\/packages\/([\w-]+)\/([\w.-]+)$/.exec(path) ?? []
  const url = own ? new URL(`..${path}`, import.meta.url) : new URL(file, import.meta.resolve(name))
  const source = await readFile(url, 'utf8')
  const code = own ? stripTypeScriptTypes(source) : source
  return code.replaceAll(
    /(?<= from ')(openapi-fetch|eventsource-parser)(?=')/g,
    (found) => `/packages/${found}/${packages[found as keyof typeof packages]}`,
  )
}

/** A site with the client's modules, and the daemon below `/api`: one origin, as CORS is off. */
async function serve(
  { url }: Running,
  pages: Readonly<Record<string, string>>,
  onResult: (result: string) => void,
): Promise<string> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? ''
    if (path.startsWith('/api/')) {
      const { method = 'GET', headers } = request
      const passed = send(`${url}${path.slice('/api'.length)}`, { method, headers }, (answered) => {
        response.writeHead(answered.statusCode ?? 500, answered.headers)
        answered.pipe(response)
      })
      response.on('close', () => passed.destroy())
      passed.on('error', () => response.destroy())
      request.pipe(passed)
    } else if (path === '/result') {
      onResult(await text(request))
      response.end()
    } else if (pages[path] !== undefined) {
      response.writeHead(200, { 'content-type': path.endsWith('.js') ? 'text/javascript' : 'text/html' })
      response.end(pages[path])
    } else if (path === '/favicon.ico') {
      response.writeHead(404).end()
    } else {
      const code = await moduleText(path)
      response.writeHead(200, { 'content-type': 'text/javascript' }).end(code)
    }
  }
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      onResult(JSON.stringify({ failed: `${request.url ?? ''}: ${String(error)}` }))
      response.destroy()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function openPage(program: string, url: string): Promise<void> {
  const profile = await mkdtemp(join(tmpdir(), 'everdraft-client-test-'))
  const quiet = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking']
  const alone = [
    '--disable-component-update',
    '--disable-sync',
    '--remote-debugging-port=0',
    `--user-data-dir=${profile}`,
  ]
  const browser = spawn(program, ['--headless', '--no-sandbox', ...quiet, ...alone, url], {
    stdio: 'ignore',
    // A group of its own: its helpers end with it.
    detached: true,
  })
  onTestFinished(async () => {
    if (browser.pid !== undefined && browser.exitCode === null) {
      process.kill(-browser.pid, 'SIGKILL')
      await once(browser, 'exit')
    }
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  })
}

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
test.skipIf(chromium === undefined)(
  'in a page and in a worker: uploads with progress, downloads, problems, aborts and events',
  async () => {
    const running = await start()
    const { accountId, addDraft } = running
    const draftId = await addDraft('In a browser')
    const { promise, resolve } = Promise.withResolvers<string>()
    const pages = { '/': page, '/script.js': script(accountId, draftId), '/worker.js': worker }
    await openPage(chromium ?? '', await serve(running, pages, resolve))
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
