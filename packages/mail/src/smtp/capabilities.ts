import type { FutureReleaseLimits, SubmissionCapabilities } from '@everdraft/core'

/** What an EHLO reply offers (RFC 5321 §4.1.1.1): keywords in upper case, each with its arguments. */
export type Offers = ReadonlyMap<string, readonly string[]>

/** `lines` are those of the reply without codes; the first is the greeting. */
export function readOffers(lines: readonly string[]): Offers {
  const offers = new Map<string, readonly string[]>()
  for (const line of lines.slice(1)) {
    // `AUTH=PLAIN` is how servers spoke to clients of the last century, and some say only that.
    const [keyword = '', ...words] = line
      .trim()
      .replace(/^AUTH=/i, 'AUTH ')
      .split(/\s+/)
    const name = keyword.toUpperCase()
    if (name !== '') offers.set(name, [...(offers.get(name) ?? []), ...words])
  }
  return offers
}

/** What `login` said of mechanisms is kept: after it many servers offer none. */
export function readCapabilities(offers: Offers, authMechanisms: readonly string[]): SubmissionCapabilities {
  const sizeLimit = Number(offers.get('SIZE')?.[0] ?? 0)
  return {
    size: offers.has('SIZE'),
    // RFC 1870 §4: zero, or none, is no limit.
    sizeLimit: Number.isSafeInteger(sizeLimit) && sizeLimit > 0 ? sizeLimit : null,
    eightBitMime: offers.has('8BITMIME'),
    smtpUtf8: offers.has('SMTPUTF8'),
    pipelining: offers.has('PIPELINING'),
    dsn: offers.has('DSN'),
    enhancedStatusCodes: offers.has('ENHANCEDSTATUSCODES'),
    chunking: offers.has('CHUNKING'),
    requireTls: offers.has('REQUIRETLS'),
    burl: offers.get('BURL')?.some((word) => /^imaps?(?::|$)/i.test(word)) ?? false,
    burlServers: readServers(offers.get('BURL') ?? []),
    futureRelease: readFutureRelease(offers.get('FUTURERELEASE')),
    authMechanisms,
  }
}

export function readMechanisms(offers: Offers): readonly string[] {
  return [...new Set((offers.get('AUTH') ?? []).map((word) => word.toUpperCase()))]
}

/** RFC 4468 §3.1: `imap://host:port`. What could be anything else in a URL is left out. */
function readServers(words: readonly string[]): readonly string[] {
  return words.flatMap((word) => /^imap:\/\/([\w.-]+(?::\d+)?|\[[\da-f:.]+\](?::\d+)?)\/?$/i.exec(word)?.[1] ?? [])
}

/** RFC 4865 §4: the longest interval in seconds, then the latest time. */
function readFutureRelease(words: readonly string[] | undefined): FutureReleaseLimits | null {
  if (words === undefined) return null
  const longestSeconds = Number(words[0])
  if (!Number.isSafeInteger(longestSeconds) || longestSeconds <= 0) return null
  const latest = Date.parse(words[1] ?? '')
  return { longestSeconds, latest: Number.isNaN(latest) ? null : latest }
}
