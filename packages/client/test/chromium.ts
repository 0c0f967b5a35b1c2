import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const program = ['chromium', 'chromium-browser', 'google-chrome'].find(
  (name) => spawnSync(name, ['--version']).error === undefined,
)

export const isChromiumHere: boolean = program !== undefined

/** What a profile keeps (IndexedDB, locks) its pages share, and no others. */
export interface Profile {
  open(url: string): Promise<Page>
}

export interface Page {
  /** In the page; a promise is waited for. */
  evaluate<Result>(expression: string): Promise<Result>
  goto(url: string): Promise<void>
  /** Into what has the focus, as a keyboard does. */
  type(text: string): Promise<void>
  setOffline(isOffline: boolean): Promise<void>
  /** How many bytes the browser keeps for the site at most; to be said before anything is kept. */
  setRoom(bytes: number): Promise<void>
  /** Kills its renderer: nothing of the page runs any more, not even `pagehide`. */
  crash(): Promise<void>
  /** As a user closes a tab. */
  close(): Promise<void>
}

export interface Browser {
  newProfile(): Promise<Profile>
  close(): Promise<void>
}

interface Answer {
  readonly id?: number
  readonly method?: string
  readonly sessionId?: string
  readonly params?: Record<string, unknown>
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string }
}

/** By the DevTools protocol (https://chromedevtools.github.io/devtools-protocol/). */
export async function startChromium(): Promise<Browser> {
  const folder = await mkdtemp(join(tmpdir(), 'everdraft-client-test-'))
  const quiet = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking']
  const alone = [
    '--disable-component-update',
    '--disable-sync',
    '--remote-debugging-port=0',
    `--user-data-dir=${folder}`,
  ]
  const browser = spawn(program ?? 'chromium', ['--headless', '--no-sandbox', ...quiet, ...alone, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // A group of its own: its helpers end with it.
    detached: true,
  })
  const close = async (): Promise<void> => {
    if (browser.pid !== undefined && browser.exitCode === null) {
      process.kill(-browser.pid, 'SIGKILL')
      await once(browser, 'exit')
    }
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    return { ...(await connect(await debuggerUrl(createInterface(browser.stderr)))), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function debuggerUrl(lines: AsyncIterable<string>): Promise<string> {
  for await (const line of lines) {
    const url = /^DevTools listening on (ws:\S+)/.exec(line)?.[1]
    if (url !== undefined) return url
  }
  throw new Error('Chromium ended before it listened')
}

async function connect(url: string): Promise<Pick<Browser, 'newProfile'>> {
  const socket = new WebSocket(url)
  const waiting = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>()
  const listeners = new Set<(told: Answer) => void>()
  let last = 0
  socket.addEventListener('message', ({ data }) => {
    const told = JSON.parse(String(data)) as Answer
    const asked = told.id === undefined ? undefined : waiting.get(told.id)
    if (told.id !== undefined) waiting.delete(told.id)
    if (told.error === undefined) asked?.resolve((told.result ?? {}) as never)
    else asked?.reject(new Error(told.error.message))
    for (const listener of listeners) listener(told)
  })
  await once(socket as unknown as EventTarget, 'open')

  const send = async <Result>(method: string, params: object = {}, sessionId?: string): Promise<Result> => {
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    last += 1
    waiting.set(last, { resolve, reject })
    socket.send(JSON.stringify({ id: last, method, params, ...(sessionId === undefined ? {} : { sessionId }) }))
    return await promise
  }
  const heard = async (sessionId: string | undefined, method: string, is: (told: Answer) => boolean): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const listener = (told: Answer): void => {
      if (told.method === method && told.sessionId === sessionId && is(told)) resolve()
    }
    listeners.add(listener)
    await promise
    listeners.delete(listener)
  }

  const openPage = async (browserContextId: string, address: string): Promise<Page> => {
    const { targetId } = await send<{ targetId: string }>('Target.createTarget', {
      url: 'about:blank',
      browserContextId,
    })
    const { sessionId } = await send<{ sessionId: string }>('Target.attachToTarget', { targetId, flatten: true })
    await Promise.all([
      send('Page.enable', {}, sessionId),
      send('Runtime.enable', {}, sessionId),
      send('Inspector.enable', {}, sessionId),
      send('Network.enable', {}, sessionId),
      // Of several tabs one has the focus, and which one may still be changing as something is typed.
      send('Emulation.setFocusEmulationEnabled', { enabled: true }, sessionId),
    ])
    const page: Page = {
      async evaluate<Result>(expression: string) {
        const { result, exceptionDetails } = await send<{
          result: { value: Result }
          exceptionDetails?: { exception?: { description?: string }; text: string }
        }>('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }, sessionId)
        if (exceptionDetails === undefined) return result.value
        throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
      },
      async goto(target) {
        const loaded = heard(sessionId, 'Page.loadEventFired', () => true)
        await send('Page.navigate', { url: target }, sessionId)
        await loaded
      },
      async type(text) {
        await send('Input.insertText', { text }, sessionId)
      },
      async setOffline(isOffline) {
        const throughput = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 }
        await send('Network.emulateNetworkConditions', { offline: isOffline, ...throughput }, sessionId)
      },
      async setRoom(bytes) {
        const { result } = await send<{ result: { value: string } }>(
          'Runtime.evaluate',
          { expression: 'location.origin', returnByValue: true },
          sessionId,
        )
        await send('Storage.overrideQuotaForOrigin', { origin: result.value, quotaSize: bytes }, sessionId)
      },
      async crash() {
        const crashed = heard(sessionId, 'Inspector.targetCrashed', () => true)
        // It is never answered: who would?
        void send('Page.crash', {}, sessionId).catch(() => {})
        await crashed
      },
      async close() {
        const closed = heard(
          undefined,
          'Target.detachedFromTarget',
          ({ params }) => params?.['sessionId'] === sessionId,
        )
        await send('Page.close', {}, sessionId)
        await closed
      },
    }
    await page.goto(address)
    return page
  }

  return {
    async newProfile() {
      const { browserContextId } = await send<{ browserContextId: string }>('Target.createBrowserContext')
      return { open: async (address) => await openPage(browserContextId, address) }
    },
  }
}
