import { type AutodiscoveryPort, type DiscoveredServers, validationError } from '@everdraft/core'

import { type AutoconfigQuestion, serversOfAutoconfig } from './autoconfig.ts'
import { type Fetch, fetchText } from './fetch-text.ts'
import { hostNameOf } from './host-name.ts'
import { resolveSrv } from './resolve-srv.ts'
import { serverOfSrv, services, type SrvRecord } from './srv.ts'

export interface AutodiscoveryOptions {
  /** Asks DNS for SRV records (RFC 2782); none where there are none. Default: the resolvers of this machine. */
  readonly resolveSrv?: (name: string, signal: AbortSignal) => Promise<readonly SrvRecord[]>
  /** Default: the platform's. */
  readonly fetch?: Fetch
  /** For all questions together. Default 15 s. */
  readonly timeoutMs?: number
}

const defaultTimeoutMs = 15_000

/**
 * SRV records first (RFC 6186, RFC 8314 §5.1), then the settings at `https://autoconfig.DOMAIN`, then those at
 * `https://DOMAIN/.well-known/autoconfig`: for each of the two servers the first that names it.
 */
export function autodiscovery(options: AutodiscoveryOptions = {}): AutodiscoveryPort {
  const ask = options.resolveSrv ?? resolveSrv
  const fetch = options.fetch ?? globalThis.fetch

  async function ofSrv(address: string, domain: string, signal: AbortSignal): Promise<DiscoveredServers> {
    const find = async (protocol: keyof typeof services) => {
      const answers = services[protocol].map(async ({ name, security }) => ({
        security,
        records: await ask(`${name}.${domain}`, signal),
      }))
      return serverOfSrv(await Promise.all(answers), domain, address)
    }
    const [imap, smtp] = await Promise.all([find('imap'), find('smtp')])
    return { imap, smtp }
  }

  async function ofAutoconfig(question: AutoconfigQuestion, signal: AbortSignal): Promise<DiscoveredServers> {
    const url = urlOf(question)
    const xml = await fetchText(fetch, url, signal)
    return xml === null ? { imap: null, smtp: null } : serversOfAutoconfig(xml, question)
  }

  return {
    async discover(given, { signal: ended } = {}) {
      const address = given.trim()
      const domain = domainOf(address)
      const patience = AbortSignal.timeout(options.timeoutMs ?? defaultTimeoutMs)
      const signal = ended === undefined ? patience : AbortSignal.any([patience, ended])
      const sources = [
        () => ofSrv(address, domain, signal),
        () => ofAutoconfig({ address, domain, source: 'autoconfig' }, signal),
        () => ofAutoconfig({ address, domain, source: 'well-known' }, signal),
      ]
      let found: DiscoveredServers = { imap: null, smtp: null }
      for (const look of sources) {
        if (signal.aborted || (found.imap !== null && found.smtp !== null)) break
        const { imap, smtp } = await look()
        found = { imap: found.imap ?? imap, smtp: found.smtp ?? smtp }
      }
      return found
    },
  }
}

/** @throws {EverdraftError} VALIDATION_ERROR */
function domainOf(address: string): string {
  const at = address.lastIndexOf('@')
  // oxlint-disable-next-line no-control-regex -- refusing control characters is the purpose
  const isAddress = at > 0 && address.length <= 320 && !/[\s\u0000-\u001f\u007f<>]/.test(address)
  const domain = isAddress ? hostNameOf(address.slice(at + 1)) : null
  if (domain === null) throw validationError('address', 'must be an e-mail address, such as ann@example.com')
  return domain
}

function urlOf({ address, domain, source }: AutoconfigQuestion): string {
  const file = 'mail/config-v1.1.xml'
  return source === 'autoconfig'
    ? `https://autoconfig.${domain}/${file}?emailaddress=${encodeURIComponent(address)}`
    : `https://${domain}/.well-known/autoconfig/${file}`
}
