/**
 * Finds the servers of an address by what its domain has published. What it finds is a proposal: nothing is stored, and no
 * password goes anywhere.
 */
export interface AutodiscoveryPort {
  /**
   * Nothing found, or nobody answering, is no error.
   * @throws {EverdraftError} VALIDATION_ERROR where the address has no domain that could publish anything
   */
  discover(address: string, options?: { readonly signal?: AbortSignal }): Promise<DiscoveredServers>
}

/** Null: nobody has said where it is. */
export interface DiscoveredServers {
  readonly imap: DiscoveredServer | null
  readonly smtp: DiscoveredServer | null
}

export interface DiscoveredServer {
  /** A name, in lower case and ASCII, without a dot at its end. */
  readonly host: string
  readonly port: number
  /** Never without TLS. */
  readonly security: 'tls' | 'starttls'
  readonly user: string
  /** What the server takes, as far as that is said. */
  readonly logins: readonly DiscoveredLogin[]
  readonly source: DiscoverySource
  /** DNS alone names a host outside of the address's domain: whoever forges DNS could, too, so a person must agree (RFC 6186 §6). */
  readonly toConfirm: boolean
}

export type DiscoveredLogin = 'password' | 'oauth2'

/** SRV records (RFC 6186, RFC 8314 §5.1), `autoconfig.` before the domain, or `/.well-known/autoconfig` on it. */
export type DiscoverySource = 'srv' | 'autoconfig' | 'well-known'
