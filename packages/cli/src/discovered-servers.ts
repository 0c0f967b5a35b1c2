import type { DiscoveredServerJson, DiscoveryJson } from '@everdraft/daemon'

import type { Client } from './client.ts'
import type { CommandInput } from './command.ts'
import { CommandFailure } from './failure.ts'
import type { KnownServers } from './login-options.ts'
import { oneLine } from './output.ts'

/** What is said on the command line wins over it. */
export async function discoveredServers(client: Client, input: CommandInput, address: string): Promise<KnownServers> {
  const found = await client.request<DiscoveryJson>('POST', '/accounts/discover', { json: { address } })
  return { imap: usable(input, 'imap', found.imap, address), smtp: usable(input, 'smtp', found.smtp, address) }
}

function usable(
  input: CommandInput,
  protocol: 'imap' | 'smtp',
  server: DiscoveredServerJson | null,
  address: string,
): DiscoveredServerJson | null {
  const given = input.option(`${protocol}-host`)
  // Whoever names another host means another server, with a port and a user of its own.
  if (given !== undefined && given !== server?.host) return null
  if (server === null) {
    if (protocol === 'smtp') return null
    throw new CommandFailure(`nothing says where the mailbox of ${oneLine(address)} is: --imap-host does`)
  }
  if (server.to_confirm && given === undefined) {
    const host = oneLine(server.host)
    throw new CommandFailure(
      `DNS names ${host} for ${oneLine(address)}, which is of another domain: if it is right, say --${protocol}-host ${host}`,
    )
  }
  return server
}
