import { domainToASCII } from 'node:url'

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
// The last label has a letter in it, so that no IP address is one.
const hostName = new RegExp(`^(?=.{4,253}$)(?:${label}\\.)+(?=[^.]*[a-z])${label}$`)

/** A name of a host below a top-level domain, in ASCII (RFC 5890) and lower case; null for anything else. */
export function hostNameOf(text: string): string | null {
  // The platform reads it as part of a URL: what comes after the name it leaves out, and %41 it makes an A.
  if (!/^[\p{L}\p{M}\p{N}.-]+$/u.test(text)) return null
  const name = domainToASCII(text.replace(/\.$/, '')).toLowerCase()
  return hostName.test(name) ? name : null
}

/** The same, or below it. */
export function isWithin(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`)
}
