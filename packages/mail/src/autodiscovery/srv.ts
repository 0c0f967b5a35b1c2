import type { DiscoveredServer } from '@everdraft/core'

import { hostNameOf, isWithin } from './host-name.ts'

/** RFC 2782. */
export interface SrvRecord {
  readonly priority: number
  readonly weight: number
  readonly port: number
  /** `.`: decidedly not here. */
  readonly target: string
}

/** The names to ask for, those with TLS from the first byte first (RFC 8314 §3). */
export const services = {
  imap: [
    { name: '_imaps._tcp', security: 'tls' },
    { name: '_imap._tcp', security: 'starttls' },
  ],
  smtp: [
    { name: '_submissions._tcp', security: 'tls' },
    { name: '_submission._tcp', security: 'starttls' },
  ],
} as const

export interface SrvAnswer {
  readonly security: DiscoveredServer['security']
  readonly records: readonly SrvRecord[]
}

/** Of the answers, in the order in which they were asked for, the first server that can be one; null: none. */
export function serverOfSrv(answers: readonly SrvAnswer[], domain: string, address: string): DiscoveredServer | null {
  for (const { security, records } of answers) {
    // By weight the load is shared among clients; one of them always takes the heaviest, and answers the same each time.
    const inOrder = records.toSorted((a, b) => a.priority - b.priority || b.weight - a.weight)
    for (const { target, port } of inOrder) {
      const host = hostNameOf(target)
      if (host === null || !Number.isInteger(port) || port < 1 || port > 65_535) continue
      return {
        host,
        port,
        security,
        // RFC 6186 §4: the whole address first.
        user: address,
        logins: ['password'],
        source: 'srv',
        toConfirm: !isWithin(host, domain),
      }
    }
  }
  return null
}
