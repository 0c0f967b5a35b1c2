import { randomBytes } from 'node:crypto'

import { createDaemon } from '@everdraft/daemon'
import { autodiscovery } from '@everdraft/mail'

import { createClient, type Client } from './client.ts'
import type { DataFolder } from './data-folder.ts'
import { openEngine } from './open-engine.ts'
import { version } from './version.ts'

interface Embedded {
  readonly client: Client
  close(): Promise<void>
}

/**
 * The daemon for this process alone: the same REST, on a port of its own and with a token that nobody is told. Null
 * while another process is on the folder.
 */
export async function openEmbedded(folder: DataFolder): Promise<Embedded | null> {
  const engine = await openEngine(folder, { watch: false })
  if (engine === null) return null
  try {
    const token = randomBytes(32).toString('base64url')
    const daemon = await createDaemon({ engine, token, version: version(), autodiscovery: autodiscovery() })
    const url = await daemon.listen({ host: '127.0.0.1', port: 0 })
    return {
      // An engine that lives for one command ends before its index follows a save.
      client: { ...createClient({ url, token }), caughtUp: async () => void (await engine.housekeep()) },
      close: async () => {
        await daemon.close()
        await engine.close()
      },
    }
  } catch (error) {
    await engine.close()
    throw error
  }
}
