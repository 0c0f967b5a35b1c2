import { lookup } from 'node:dns/promises'
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP } from 'node:net'

import type { WebhookFailure } from '@everdraft/core'

import { isPublicAddress } from './public-address.ts'

export interface Address {
  readonly address: string
  readonly family: number
}

/** All addresses of a host. */
export type ResolveHost = (host: string) => Promise<readonly Address[]>

export const resolveHost: ResolveHost = (host) => lookup(host, { all: true, order: 'verbatim' })

interface WebhookRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly allowPrivate: boolean
  readonly resolve: ResolveHost
  /** From the first packet to the status. */
  readonly timeoutMs: number
  /** Aborted: nobody wants to know any more. */
  readonly signal: AbortSignal
}

export interface WebhookAnswer {
  readonly status: number | null
  readonly error: WebhookFailure | null
}

/** Whoever answers more is not listened to. */
const longestAnswerBytes = 64 * 1024

class ForbiddenAddress extends Error {}

/**
 * Posts, over a connection of its own, and says what came of it: no redirect is followed, and of the answer the status is
 * kept. Unless `allowPrivate`, the addresses that the name has at this moment must all be public, and to these it connects:
 * a name that leads elsewhere a moment later leads nobody astray (DNS rebinding).
 * @throws where `signal` was aborted
 */
export async function postWebhook(options: WebhookRequest): Promise<WebhookAnswer> {
  return await exchange(options, async (response) => {
    let received = 0
    response.on('error', () => {})
    response.on('data', (chunk: Uint8Array) => {
      received += chunk.length
      if (received > longestAnswerBytes) response.destroy()
    })
    return answerOf(response.statusCode ?? 0)
  })
}

export interface WebhookReply extends WebhookAnswer {
  /** Null: it was longer than that. Empty where there is none. */
  readonly body: Uint8Array | null
}

/** As `postWebhook`, and keeps what the answer says, up to so many bytes; `timeoutMs` is to its end. */
export async function askWebhook(options: WebhookRequest & { readonly longestBytes: number }): Promise<WebhookReply> {
  const reply = await exchange(options, async (response): Promise<WebhookReply> => {
    const pieces: Uint8Array[] = []
    let received = 0
    for await (const piece of response as AsyncIterable<Uint8Array>) {
      received += piece.length
      // What is left of it goes with the connection.
      if (received > options.longestBytes) return { ...answerOf(response.statusCode ?? 0), body: null }
      pieces.push(piece)
    }
    return { ...answerOf(response.statusCode ?? 0), body: Buffer.concat(pieces) }
  })
  return 'body' in reply ? reply : { ...reply, body: null }
}

async function exchange<Answer extends WebhookAnswer>(
  options: WebhookRequest,
  read: (response: IncomingMessage) => Promise<Answer>,
): Promise<Answer | WebhookAnswer> {
  const { signal } = options
  const late = AbortSignal.timeout(options.timeoutMs)
  const limit = AbortSignal.any([signal, late])
  try {
    limit.throwIfAborted()
    const addresses = await Promise.race([addressesOf(options), rejection(limit)])
    return await read(await post(options, addresses, limit))
  } catch (error) {
    signal.throwIfAborted()
    return { status: null, error: late.aborted ? 'TIMEOUT' : failureOf(error) }
  }
}

/** @throws {ForbiddenAddress} */
async function addressesOf({ url, allowPrivate, resolve }: WebhookRequest): Promise<readonly [Address, ...Address[]]> {
  const host = new URL(url).hostname.replace(/^\[(?<address>.*)\]$/, '$<address>')
  const family = isIP(host)
  const [first, ...others] = family === 0 ? await resolve(host) : [{ address: host, family }]
  if (first === undefined) throw new Error('the name has no address')
  // One good address does not make up for a bad one.
  if (!allowPrivate && ![first, ...others].every(({ address }) => isPublicAddress(address)))
    throw new ForbiddenAddress()
  return [first, ...others]
}

async function post(
  { url, headers, body }: WebhookRequest,
  addresses: readonly [Address, ...Address[]],
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const [first] = addresses
  const asked = (url.startsWith('https:') ? requestHttps : requestHttp)(url, {
    method: 'POST',
    agent: false,
    signal,
    headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
    // What was looked at is what is connected to.
    lookup: (_host, { all }, callback) =>
      all === true ? callback(null, [...addresses]) : callback(null, first.address, first.family),
  })
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  asked.on('error', reject)
  asked.once('response', resolve)
  asked.once('close', () => reject(new Error('the connection was closed without an answer')))
  asked.end(body)
  return await promise
}

async function rejection(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  return await promise
}

function answerOf(status: number): WebhookAnswer {
  if (status >= 200 && status < 300) return { status, error: null }
  return { status, error: status >= 300 && status < 400 ? 'REDIRECT' : 'REFUSED' }
}

function failureOf(error: unknown): WebhookFailure {
  if (error instanceof ForbiddenAddress) return 'FORBIDDEN_ADDRESS'
  const { code = '' } = error as NodeJS.ErrnoException
  return /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/.test(code) ? 'CERTIFICATE' : 'UNREACHABLE'
}
