import type { PartUrls, PartUrlsRequest } from '@everdraft/core'

import type { ImapConnection } from './connection.ts'
import { outcomeOf } from './outcome.ts'
import { partUrl } from './part-url.ts'
import { textOf } from './response.ts'
import { quoted } from './syntax.ts'

/** GENURLAUTH (RFC 4467 §7): URLs that only a server which takes mail can use, and only for that user (§5.1, `submit+`). */
export async function generateUrls(
  connection: ImapConnection,
  user: string,
  request: PartUrlsRequest,
): Promise<PartUrls> {
  const { server, submitter, expiresAt, sections } = request
  // RFC 3339 without fractions (RFC 4467 §3).
  const expires = new Date(expiresAt).toISOString().replace(/\.\d+Z$/, 'Z')
  const rumps = sections.map((section) => {
    const place = partUrl({ ...request, section })
    const access = `;EXPIRE=${expires};URLAUTH=submit+${encodeURIComponent(submitter)}`
    return `imap://${encodeURIComponent(user)}@${server}${place}${access}`
  })
  const urls: string[] = []
  const completion = await connection.run([`GENURLAUTH ${rumps.map((rump) => `${quoted(rump)} INTERNAL`).join(' ')}`], {
    onData: ({ keyword, attributes }) => {
      if (keyword !== 'GENURLAUTH') return
      urls.push(...attributes.map((url) => textOf(url)).filter((url) => url !== null))
    },
  })
  const outcome = outcomeOf(completion)
  if (outcome.kind === 'refused') return outcome
  // Each is what was asked for, and a token: any other would be one for another part.
  if (urls.length === rumps.length && urls.every((url, index) => url.startsWith(`${rumps[index]}:`))) {
    return { kind: 'urls', urls }
  }
  return { kind: 'refused', status: 'BAD', responseCode: null, text: 'the URLs are not those that were asked for' }
}
