import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** Of IPv4 all that is not for the public network (RFC 6890 and what came after it). */
const notPublic4: readonly (readonly [network: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // Link-local, and where clouds tell their machines about themselves.
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  // One cloud tells its machines about themselves at an address that looks public.
  ['168.63.129.16', 32],
]

/** IPv6 is the other way round: global unicast (RFC 4291 §2.4), without what leads elsewhere or stands in documents. */
const notPublic6: readonly (readonly [network: string, prefix: number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]

const forbidden4 = new BlockList()
for (const [network, prefix] of notPublic4) forbidden4.addSubnet(network, prefix, 'ipv4')
const forbidden6 = new BlockList()
for (const [network, prefix] of notPublic6) forbidden6.addSubnet(network, prefix, 'ipv6')
const globalUnicast = new BlockList()
globalUnicast.addSubnet('2000::', 3, 'ipv6')

/** Whether it is an address of the public network: what is within this machine or the network around it is none. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !forbidden4.check(address, 'ipv4')
  // With a zone it is link-local.
  if (!isIPv6(address) || address.includes('%')) return false
  return globalUnicast.check(address, 'ipv6') && !forbidden6.check(address, 'ipv6')
}
