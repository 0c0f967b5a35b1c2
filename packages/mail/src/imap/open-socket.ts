import { once } from 'node:events'
import net from 'node:net'
import { domainToASCII } from 'node:url'

import { WireError, type ConnectOptions, type ServerAddress } from '@everdraft/core'
import { SocksClient } from 'socks'

import { aborted, peerName, silence } from './wire-failure.ts'

/**
 * A TCP connection to the server, without TLS yet; by way of a proxy where the settings name one. Whoever gets it reads
 * the server's first byte.
 * @throws {WireError} UNREACHABLE, TIMEOUT, ABORTED; and what Node says of a server that cannot be reached
 */
export async function openSocket(settings: ServerAddress, { signal, timeoutMs }: ConnectOptions): Promise<net.Socket> {
  const peer = peerName(settings)
  const proxy = settings.proxy === undefined ? null : readProxy(settings.proxy)
  const server = { host: asciiHost(settings), port: settings.port }
  const socket = net.connect({ ...(proxy ?? server), noDelay: true })
  // Whoever uses the socket reports its errors; a late one, when nobody uses it any more, must not end the process.
  socket.on('error', () => {})
  const given = new AbortController()
  const timer = setTimeout(() => given.abort(silence(peer, timeoutMs)), timeoutMs)
  const onAbort = (): void => given.abort(aborted(peer))
  signal.addEventListener('abort', onAbort, { once: true })
  given.signal.addEventListener('abort', () => socket.destroy(), { once: true })
  try {
    if (signal.aborted) throw aborted(peer)
    await once(socket, 'connect', { signal: given.signal })
    if (proxy?.protocol === 'socks5:') await throughSocks(socket, proxy, server)
    if (proxy?.protocol === 'http:') await throughHttp(socket, proxy, server)
    return socket
  } catch (error) {
    socket.destroy()
    if (given.signal.aborted) throw given.signal.reason
    // What a proxy's failure holds may be the password for it.
    if (proxy) throw new WireError('UNREACHABLE', `${peer} cannot be reached through the proxy ${proxyName(proxy)}`)
    throw error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

/** As DNS and certificates know it (RFC 5890 §2.3.2.1). @throws {WireError} UNREACHABLE */
export function asciiHost(settings: ServerAddress): string {
  if (net.isIP(settings.host) !== 0) return settings.host
  const host = domainToASCII(settings.host)
  if (host === '') throw new WireError('UNREACHABLE', `${peerName(settings)} is not known (no host has such a name)`)
  return host
}

interface Server {
  readonly host: string
  readonly port: number
}

interface ProxyServer extends Server {
  readonly protocol: 'socks5:' | 'http:'
  readonly user: string
  readonly password: string
}

/** What a URL without a port means. */
const proxyPorts = { 'socks5:': 1080, 'http:': 80 } as const

function readProxy(text: string): ProxyServer {
  const url = URL.canParse(text) ? new URL(text) : null
  const protocol = url?.protocol
  // The text may hold a password, so no part of it is repeated.
  if (url === null || url.hostname === '' || (protocol !== 'socks5:' && protocol !== 'http:')) {
    throw new WireError('UNREACHABLE', 'The setting proxy must be socks5://host:port or http://host:port')
  }
  return {
    protocol,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port) || proxyPorts[protocol],
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  }
}

function proxyName({ host, port }: Server): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** RFC 1928, and RFC 1929 for the login. The proxy looks up the name: here it may not be known. */
async function throughSocks(socket: net.Socket, proxy: ProxyServer, destination: Server): Promise<void> {
  await SocksClient.createConnection({
    command: 'connect',
    existing_socket: socket,
    destination,
    proxy: {
      type: 5,
      host: proxy.host,
      port: proxy.port,
      ...(proxy.user === '' ? {} : { userId: proxy.user, password: proxy.password }),
    },
  })
}

// More than any answer to CONNECT has.
const maxAnswerBytes = 16 * 1024

/** CONNECT (RFC 9110 §9.3.6). */
async function throughHttp(socket: net.Socket, proxy: ProxyServer, destination: Server): Promise<void> {
  const authority = proxyName(destination)
  const credentials = Buffer.from(`${proxy.user}:${proxy.password}`).toString('base64')
  const authorization = proxy.user === '' ? '' : `Proxy-Authorization: Basic ${credentials}\r\n`
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization}\r\n`)
  let answer = Buffer.alloc(0)
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    answer = Buffer.concat([answer, chunk])
    const end = answer.indexOf('\r\n\r\n')
    if (end < 0 && answer.length < maxAnswerBytes) continue
    if (!/^HTTP\/1\.[01] 2\d\d[ \r]/.test(answer.toString('latin1'))) break
    // The server's greeting may have come with it.
    socket.unshift(answer.subarray(end + 4))
    return
  }
  throw new Error('The proxy refused to connect')
}
