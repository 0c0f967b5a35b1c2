import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request as send, type ServerResponse } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

import { onTestFinished } from 'vitest'

import type { Running } from './harness.ts'

/** What the client stands on; in a page there is nobody who finds packages by their names. */
const packages = { 'openapi-fetch': 'index.mjs', 'eventsource-parser': 'index.js' } as const

const texts = new Map<string, Promise<string>>()

/** Of a module, as a browser runs it; each is read once. */
function moduleText(path: string): Promise<string> {
  const found = texts.get(path) ?? readModule(path)
  texts.set(path, found)
  return found
}

async function readModule(path: string): Promise<string> {
  const own = /^\/src\/(?:[\w-]+\/)?[\w-]+\.ts$/.test(path)
  // A library that a page brings, such as pdf.js, is served from where its main file is.
  const [, name = '', file = ''] = /^\/packages\/([\w-]+)\/([\w.-]+)$/.exec(path) ?? []
  const url = own ? new URL(`..${path}`, import.meta.url) : new URL(file, import.meta.resolve(name))
  const source = await readFile(url, 'utf8')
  const code = own ? stripTypeScriptTypes(source) : source
  return code.replaceAll(
    /(?<= from ')(openapi-fetch|eventsource-parser)(?=')/g,
    (found) => `/packages/${found}/${packages[found as keyof typeof packages]}`,
  )
}

export interface SiteOptions {
  readonly pages: Readonly<Record<string, string>>
  /** What a page posts to `/result`, and what went wrong here. */
  readonly onResult?: (result: string) => void
  /** Whether a request to the daemon gets through; asked before it is passed on. */
  readonly passes?: (request: IncomingMessage) => Promise<boolean> | boolean
  /** Whether its answer gets lost: the daemon has carried it out. */
  readonly loses?: (request: IncomingMessage) => boolean
}

/** A site with the client's modules, and the daemon below `/api`: one origin, as CORS is off. */
export async function serveSite(
  { url }: Pick<Running, 'url'>,
  { pages, onResult, passes, loses }: SiteOptions,
): Promise<string> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? '').replace(/\?.*$/, '')
    if (path.startsWith('/api/')) {
      if ((await passes?.(request)) === false) {
        response.destroy()
        return
      }
      const isLost = loses?.(request) === true
      const { method = 'GET', headers } = request
      const passed = send(`${url}${(request.url ?? '').slice('/api'.length)}`, { method, headers }, (answered) => {
        if (isLost) {
          answered.resume().on('end', () => response.destroy())
          return
        }
        response.writeHead(answered.statusCode ?? 500, answered.headers)
        answered.pipe(response)
      })
      // A page that is gone has sent its request all the same.
      response.on('close', () => request.complete || passed.destroy())
      passed.on('error', () => response.destroy())
      request.pipe(passed)
    } else if (path === '/result') {
      onResult?.(await text(request))
      response.end()
    } else if (pages[path] !== undefined) {
      response.writeHead(200, { 'content-type': path.endsWith('.js') ? 'text/javascript' : 'text/html' })
      response.end(pages[path])
    } else if (path === '/favicon.ico') {
      response.writeHead(404).end()
    } else {
      const code = await moduleText(path)
      response.writeHead(200, { 'content-type': 'text/javascript', 'cache-control': 'max-age=600' }).end(code)
    }
  }
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      onResult?.(JSON.stringify({ failed: `${request.url ?? ''}: ${String(error)}` }))
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
