/** Where the local part is ASCII, the domain can be, too (RFC 5890), and the mail goes through any server. */
export function wireAddress(address: string): string {
  const at = address.lastIndexOf('@')
  const [local, domain] = [address.slice(0, at), address.slice(at + 1)]
  if (at === -1 || !isAscii(local) || isAscii(domain)) return address
  const ascii = asciiDomain(domain)
  return ascii === null ? address : `${local}@${ascii}`
}

/** A domain in ASCII, by the platform; null: it has no such form. */
export function asciiDomain(domain: string): string | null {
  if (/^[!-~]+$/.test(domain)) return domain
  const url = `https://${domain}`
  const host = URL.canParse(url) ? new URL(url).hostname : ''
  // What looks like numbers is taken for an IPv4 address there.
  return host === '' || /^[\d.]+$/.test(host) ? null : host
}

function isAscii(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text)
}
