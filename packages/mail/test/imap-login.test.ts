import { createServer as createHttpServer } from 'node:http'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { inspect } from 'node:util'

import { WireError, type FolderPath, type LoginSettings, type MailboxSession } from '@everdraft/core'
import { imap } from '@everdraft/mail'
import { afterEach, describe, expect, test } from 'vitest'

import { startScripted, type Script, type ScriptedServer, type ScriptedServerOptions } from './scripted-server.ts'

const secret = 'sEcReT-0815'
const sasl = 'SASL-IR AUTH=PLAIN'
const closers: (() => void)[] = []

afterEach(() => {
  for (const close of closers.splice(0)) close()
})

async function start(options: ScriptedServerOptions = {}, script: Script = okToAll): Promise<ScriptedServer> {
  const server = await startScripted(script, options)
  closers.push(() => server.close())
  return server
}

const okToAll: Script = (line, { write, answer }) => {
  if (line.startsWith('UID SEARCH')) write('* SEARCH 5\r\n')
  answer('OK done')
}

async function logIn(settings: LoginSettings, timeoutMs = 3000): Promise<MailboxSession> {
  const session = await imap().connect(settings, { signal: new AbortController().signal, timeoutMs })
  closers.push(() => void session.close())
  return session
}

async function failure(promise: Promise<unknown>): Promise<WireError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (!(error instanceof WireError)) throw new Error('It failed with something else', { cause: error })
  return error
}

function withToken(
  { settings: { password: _password, ...address } }: ScriptedServer,
  accessToken: (options: { readonly renew: boolean }) => Promise<string>,
): LoginSettings {
  return { ...address, auth: { type: 'oauth2', accessToken } }
}

/** What a SASL command says. */
function saslText(received: string): string {
  return Buffer.from(/AUTHENTICATE \S+ (\S+)/.exec(received)?.[1] ?? '', 'base64').toString()
}

describe('login by an access token', () => {
  test.each([
    {
      mechanisms: 'SASL-IR AUTH=OAUTHBEARER AUTH=XOAUTH2',
      says: `n,a=ann,\u0001host=127.0.0.1\u0001port=PORT\u0001auth=Bearer ${secret}\u0001\u0001`,
    },
    { mechanisms: 'SASL-IR AUTH=XOAUTH2', says: `user=ann\u0001auth=Bearer ${secret}\u0001\u0001` },
  ])('goes by $mechanisms', async ({ mechanisms, says }) => {
    const server = await start({ mechanisms })
    const session = await logIn(withToken(server, async () => secret))
    expect(await session.uids()).toEqual([5])
    expect(saslText(server.received)).toBe(says.replace('PORT', String(server.settings.port)))
  })

  test('is tried once more with a renewed token where the server refuses the first', async () => {
    const server = await start({
      mechanisms: 'SASL-IR AUTH=XOAUTH2',
      login: (command) => (saslText(command).includes('fresh') ? 'OK logged in' : 'NO [AUTHENTICATIONFAILED] expired'),
    })
    const asked: boolean[] = []
    const session = await logIn(
      withToken(server, async ({ renew }) => {
        asked.push(renew)
        return renew ? 'fresh' : 'stale'
      }),
    )
    expect(session.alive).toBe(true)
    expect(asked).toEqual([false, true])
  })

  test('is not tried a third time', async () => {
    const server = await start({ mechanisms: 'SASL-IR AUTH=XOAUTH2', login: 'NO [AUTHENTICATIONFAILED] no' })
    let asked = 0
    const failed = await failure(
      logIn(
        withToken(server, async () => {
          asked += 1
          return secret
        }),
      ),
    )
    expect(failed).toMatchObject({
      code: 'AUTH_FAILED',
      message: `127.0.0.1:${server.settings.port} refused the access token`,
    })
    expect(asked).toBe(2)
  })

  test('is not tried where the server has no way for it: nothing is sent', async () => {
    const server = await start({ mechanisms: sasl })
    const failed = await failure(logIn(withToken(server, async () => secret)))
    expect(failed.code).toBe('REFUSED')
    expect(failed.message).toContain('offers no login by an access token')
    expect(server.received).not.toMatch(/AUTHENTICATE|LOGIN/)
  })

  test('waits for no network of its own: a token that cannot be had is like a server that cannot be reached', async () => {
    const server = await start()
    const failed = await failure(logIn(withToken(server, () => Promise.reject(new Error(`bad ${secret}`)))))
    expect(failed).toMatchObject({ code: 'UNREACHABLE', isConnectivity: true })
    const refused = new WireError('AUTH_FAILED', 'the user has taken the permission back')
    expect(await failure(logIn(withToken(server, () => Promise.reject(refused))))).toBe(refused)
    expect(server.received).toBe('')
  })

  test('is given up at once when it is aborted while the token is fetched', async () => {
    const server = await start()
    const controller = new AbortController()
    const connecting = failure(
      imap().connect(
        withToken(server, () => new Promise(() => {})),
        { signal: controller.signal, timeoutMs: 3000 },
      ),
    )
    controller.abort()
    expect((await connecting).code).toBe('ABORTED')
  })
})

describe('login by a password', () => {
  test('is not tried where the server forbids it: nothing is sent', async () => {
    const server = await start({ capabilities: 'IMAP4rev1 LOGINDISABLED', mechanisms: '' })
    const failed = await failure(logIn({ ...server.settings, password: secret }))
    expect(failed.code).toBe('REFUSED')
    expect(failed.message).toContain('offers no login by a password')
    expect(server.received).not.toMatch(/AUTHENTICATE|LOGIN/)
  })
})

describe('STARTTLS', () => {
  const starttls = { security: 'starttls', allowUntrusted: true } as const

  test('that is not offered sends nothing but questions', async () => {
    const server = await start({ security: 'starttls' })
    const failed = await failure(logIn({ ...server.settings, ...starttls, password: secret }))
    expect(failed).toMatchObject({ code: 'REFUSED', message: expect.stringContaining('STARTTLS') })
    expect(server.received).not.toMatch(/AUTHENTICATE|LOGIN|STARTTLS/)
  })

  test('that the server says it needs no more, as it knows who we are, sends nothing (RFC 9051 §11.1)', async () => {
    const server = await start({
      security: 'starttls',
      greeting: 'PREAUTH',
      capabilities: 'IMAP4rev1 STARTTLS',
    })
    const failed = await failure(logIn({ ...server.settings, ...starttls, password: secret }))
    expect(failed.code).toBe('REFUSED')
    expect(server.received).not.toMatch(/AUTHENTICATE|LOGIN/)
  })

  test('takes nothing for true that came before TLS', async () => {
    const server = await start({
      security: 'starttls',
      capabilities: 'IMAP4rev1 STARTTLS',
      injected: '* CAPABILITY IMAP4rev1 AUTH=PLAIN LITERAL+ CATENATE\r\n',
    })
    const failed = await failure(logIn({ ...server.settings, ...starttls, password: secret }))
    expect(failed.message).toMatch(/between STARTTLS and TLS|closed the connection|TLS/)
    expect(server.received).not.toMatch(/AUTHENTICATE|LOGIN /)
  })
})

describe('no error holds a secret', () => {
  const paths: { readonly [name: string]: ScriptedServerOptions & { readonly proxy?: string } } = {
    'a refused login': { login: 'NO [AUTHENTICATIONFAILED] not with SECRET' },
    'a login that is bad': { login: 'BAD syntax near SECRET' },
    'a login that ends the connection': { login: 'BYE SECRET' },
    'a server that cannot at the moment': { login: 'NO [UNAVAILABLE] SECRET' },
    'a mechanism that is not there': { mechanisms: 'AUTH=GSSAPI', capabilities: 'IMAP4rev1 LOGINDISABLED' },
    'STARTTLS that is not there': { security: 'starttls' },
    'an untrusted certificate': { security: 'tls' },
    'a proxy that is none': { proxy: `socks5://ann:${secret}@127.0.0.1:1` },
    'a proxy that is no URL': { proxy: `socks5//ann:${secret}@` },
  }

  test.each(Object.keys(paths))('%s', async (name) => {
    const { login, proxy, ...options } = paths[name] ?? {}
    const base64 = Buffer.from(`\0ann\0${secret}`).toString('base64')
    const server = await start({
      ...options,
      ...(typeof login === 'string' ? { login: login.replace('SECRET', `${secret} ${base64}`) } : {}),
    })
    const address = { ...server.settings, ...(proxy === undefined ? {} : { proxy }) }
    for (const settings of [
      { ...address, password: secret },
      withToken({ ...server, settings: address }, async () => secret),
    ]) {
      const failed = await failure(logIn(settings, 1000))
      const shown = `${inspect(failed, { depth: 20, showHidden: true })} ${JSON.stringify(failed)} ${failed.stack}`
      expect(shown).not.toContain(secret)
      expect(shown).not.toContain(base64)
    }
  })

  test('of a session that lives on', async () => {
    const server = await start({}, (_line, { answer }) => answer('NO what a pity'))
    const session = await logIn({ ...server.settings, password: secret })
    const failed = await failure(session.uids())
    expect(inspect([failed, session], { depth: 20, showHidden: true })).not.toContain(secret)
  })
})

describe('names of hosts', () => {
  test('beyond ASCII are looked up as DNS has them', async () => {
    const server = await start()
    const session = await logIn({ ...server.settings, host: 'ＬＯＣＡＬＨＯＳＴ' })
    expect(await session.uids()).toEqual([5])
  })

  test('that no host can have are unknown', async () => {
    const server = await start()
    const failed = await failure(logIn({ ...server.settings, host: 'a b..example' }))
    expect(failed.code).toBe('UNREACHABLE')
  })
})

interface TestProxy {
  readonly port: number
  /** What was asked for. */
  readonly destinations: readonly string[]
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function join(client: Socket, port: number, before: () => void): void {
  const upstream = connect(port, '127.0.0.1', before)
  for (const socket of [client, upstream]) {
    socket.on('error', () => {})
    closers.push(() => socket.destroy())
  }
  client.pipe(upstream).pipe(client)
}

/** RFC 1928 with a login by RFC 1929; whatever is asked for, it leads to `port`. */
async function startSocks(port: number): Promise<TestProxy> {
  const destinations: string[] = []
  const serve = async (client: Socket): Promise<void> => {
    await once(client, 'readable')
    client.read()
    client.write(Buffer.from([5, 2]))
    await once(client, 'readable')
    const login = (client.read() as Buffer).toString('latin1')
    client.write(Buffer.from([1, login === `\u0001\u0003ann${String.fromCharCode(secret.length)}${secret}` ? 0 : 1]))
    await once(client, 'readable')
    const request = client.read() as Buffer | null
    if (request === null) return
    destinations.push(`${request.subarray(5, -2).toString('latin1')}:${request.readUInt16BE(request.length - 2)}`)
    join(client, port, () => client.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 0])))
  }
  const server = createServer((client) => {
    client.on('error', () => {})
    void serve(client)
  })
  closers.push(() => server.close())
  return { port: await listening(server), destinations }
}

async function startHttpProxy(port: number): Promise<TestProxy> {
  const destinations: string[] = []
  const server = createHttpServer()
  server.on('connect', (request, client) => {
    const authorization = `Basic ${Buffer.from(`ann:${secret}`).toString('base64')}`
    if (request.headers['proxy-authorization'] !== authorization) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
      return
    }
    destinations.push(request.url ?? '')
    join(client as Socket, port, () => client.write('HTTP/1.1 200 OK\r\n\r\n'))
  })
  closers.push(() => server.close())
  return { port: await listening(server), destinations }
}

describe.each([
  { scheme: 'socks5', startProxy: startSocks },
  { scheme: 'http', startProxy: startHttpProxy },
])('through a proxy by $scheme', ({ scheme, startProxy }) => {
  test.each(['none', 'tls', 'starttls'] as const)(
    'with security %s, the name is looked up by the proxy',
    async (security) => {
      const options = security === 'none' ? {} : { security, capabilities: 'IMAP4rev1 STARTTLS' }
      const server = await start(options)
      const proxy = await startProxy(server.settings.port)
      const session = await logIn({
        ...server.settings,
        allowUntrusted: true,
        host: 'mail.example.org',
        proxy: `${scheme}://ann:${secret}@127.0.0.1:${proxy.port}`,
      })
      expect(await session.uids()).toEqual([5])
      expect(await session.select('Drafts' as FolderPath).catch(() => null)).toBeNull()
      expect(proxy.destinations).toEqual([`mail.example.org:${server.settings.port}`])
    },
  )

  test('that refuses its password fails with UNREACHABLE and without a secret', async () => {
    const server = await start()
    const proxy = await startProxy(server.settings.port)
    const failed = await failure(
      logIn({ ...server.settings, proxy: `${scheme}://ann:${secret}wrong@127.0.0.1:${proxy.port}` }),
    )
    expect(failed).toMatchObject({ code: 'UNREACHABLE', isConnectivity: true })
    expect(failed.message).toContain(`through the proxy 127.0.0.1:${proxy.port}`)
    expect(inspect(failed, { depth: 20, showHidden: true })).not.toContain(secret)
    expect(proxy.destinations).toEqual([])
  })

  test('that stays silent is waited for no longer than for a server', async () => {
    const silent = createServer((socket) => socket.on('error', () => {}))
    closers.push(() => silent.close())
    const port = await listening(silent)
    const server = await start()
    const failed = await failure(logIn({ ...server.settings, proxy: `${scheme}://127.0.0.1:${port}` }, 200))
    expect(failed.code).toBe('TIMEOUT')
  })
})
