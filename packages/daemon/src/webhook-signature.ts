import { createHmac, timingSafeEqual } from 'node:crypto'

/** The names of the headers of a delivery. */
export const webhookHeaders = {
  /** The type of the event, or `ping`. */
  event: 'everdraft-event',
  /** The same at each attempt: what was delivered twice is known by it. */
  delivery: 'everdraft-delivery',
  /** Seconds since the epoch, of this attempt. */
  timestamp: 'everdraft-timestamp',
  /** `v1=` and the hexadecimal HMAC-SHA-256 of the timestamp, a dot and the body; two with a comma while the secret changes. */
  signature: 'everdraft-signature',
} as const

export interface SignedDelivery {
  readonly secret: string
  /** As in the header. */
  readonly timestamp: string
  /** As it came, before it is parsed. */
  readonly body: string | Uint8Array
}

/** By one secret. */
export function signWebhook({ secret, timestamp, body }: SignedDelivery): string {
  return `v1=${createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex')}`
}

/** All headers of a JSON body that is posted at that time, signed by each of the secrets. */
export function signedHeaders(
  body: string,
  {
    version,
    event,
    delivery,
    secrets,
    at,
  }: {
    /** What `User-Agent` says of the program. */
    readonly version: string
    readonly event: string
    readonly delivery: string
    readonly secrets: readonly string[]
    /** Epoch milliseconds. */
    readonly at: number
  },
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(at / 1000))
  return {
    'content-type': 'application/json',
    'user-agent': `everdraft/${version}`,
    [webhookHeaders.event]: event,
    [webhookHeaders.delivery]: delivery,
    [webhookHeaders.timestamp]: timestamp,
    [webhookHeaders.signature]: secrets.map((secret) => signWebhook({ secret, timestamp, body })).join(','),
  }
}

const replayWindowSeconds = 300
/** More are never sent. */
const mostSignatures = 2

/**
 * For receivers: whether the delivery comes from who knows the secret, and now. What is older than five minutes, or as much ahead, is
 * refused: somebody may have kept it to send it again. Within these the header `everdraft-delivery` tells what came before. While
 * the secret changes there are two signatures: the one by the secret that the receiver knows counts.
 */
export function verifyWebhook({
  signature,
  now = Date.now(),
  ...delivery
}: SignedDelivery & { readonly signature: string; readonly now?: number }): boolean {
  if (!/^\d{1,12}$/.test(delivery.timestamp)) return false
  if (Math.abs(now / 1000 - Number(delivery.timestamp)) > replayWindowSeconds) return false
  const expected = Buffer.from(signWebhook(delivery))
  const signatures = signature.split(',', mostSignatures).map((one) => Buffer.from(one.trim()))
  return signatures.some((given) => given.length === expected.length && timingSafeEqual(given, expected))
}
