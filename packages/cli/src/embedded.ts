import { randomBytes } from 'node:crypto'
import { stat } from 'node:fs/promises'

import { type Engine, EverdraftError } from '@everdraft/core'
import { createDaemon } from '@everdraft/daemon'
import { autodiscovery } from '@everdraft/mail'

import { createClient, type Client } from './client.ts'
import type { DataFolder } from './data-folder.ts'
import { CommandFailure } from './failure.ts'
import { openEngine } from './open-engine.ts'
import { version } from './version.ts'

interface Embedded {
  readonly client: Client
  close(): Promise<void>
}

/** How often it is looked how far a copy is. */
const lookMs = 200

async function backUp(
  engine: Engine,
  folder: DataFolder,
  path: string,
  onBytes: Parameters<Client['backup']>[1],
): Promise<void> {
  const { size: totalBytes } = await stat(folder.database)
  const look = setInterval(() => {
    stat(path).then(
      ({ size }) => onBytes(Math.min(size, totalBytes), totalBytes),
      () => {},
    )
  }, lookMs)
  try {
    await engine.backup(path)
  } catch (error) {
    if (error instanceof EverdraftError) throw new CommandFailure(error.message)
    throw error
  } finally {
    clearInterval(look)
  }
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
      client: {
        ...createClient({ url, token }),
        caughtUp: async () => void (await engine.housekeep()),
        // Without the way over HTTP, which would write it twice.
        backup: (path, onBytes) => backUp(engine, folder, path, onBytes),
      },
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
