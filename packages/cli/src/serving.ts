import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

import type { EngineOptions } from '@everdraft/core'
import { createDaemon, type Daemon, responderWebhooks } from '@everdraft/daemon'
import { autodiscovery } from '@everdraft/mail'

import { announceDaemon, type DataFolder, ensureDataFolder, ensureToken, withdrawDaemon } from './data-folder.ts'
import { CommandFailure } from './failure.ts'
import { openEngine } from './open-engine.ts'
import { printLine } from './output.ts'
import { loadResponders } from './responder-modules.ts'
import type { Settings } from './settings.ts'
import { listenForStop } from './stop-signal.ts'
import { version } from './version.ts'

/** The daemon, from its start to the signal that ends it. */
export async function serveUntilStopped(settings: Settings): Promise<void> {
  using stop = listenForStop()
  const folder = await ensureDataFolder(settings.data)
  const modules = settings.responders === null ? {} : await loadResponders(settings.responders)
  const responders = { modules, webhooks: responderWebhooks({ version: version() }) }
  const { draftOnly } = settings
  const { databaseUrl } = settings
  await using engine = await openEngine(folder, { ...engineOptions(settings), responders, draftOnly }, databaseUrl)
  if (engine === null) {
    const where = databaseUrl === null ? folder.path : 'this database'
    throw new CommandFailure(`another everdraft is on ${where} already`)
  }
  await removeHalfCopies(folder)
  const token = settings.token ?? (await ensureToken(folder))
  const daemon = await createDaemon({
    engine,
    token,
    version: version(),
    draftOnly,
    autodiscovery: autodiscovery(),
    hosts: [settings.listen.host, ...settings.hosts],
    ...(settings.requestsPerMinute === null ? {} : { requestsPerMinute: settings.requestsPerMinute }),
    ...(settings.streamsPerToken === null ? {} : { streamsPerToken: settings.streamsPerToken }),
    workFolder: folder.path,
    log: process.stderr,
  })
  try {
    const url = await listen(daemon, settings)
    await announceDaemon(folder, url)
    printLine(`everdraft ${version()} listens on ${url}`)
    printLine(`data   ${folder.path}`)
    printLine(settings.token === null ? `token  in ${folder.token}` : 'token  as given')
    await stop.stopped()
    printLine('stopping')
  } finally {
    await withdrawDaemon(folder)
    await daemon.close()
  }
}

const dayMs = 24 * 3_600_000

function engineOptions({ bounceDays, keep }: Settings): Pick<EngineOptions, 'timing' | 'housekeeping'> {
  return {
    timing: bounceDays === null ? {} : { bounceWatchMs: bounceDays * dayMs },
    housekeeping: {
      ...(keep.trashDays === null ? {} : { trashMs: keep.trashDays * dayMs }),
      ...(keep.logDays === null ? {} : { logMs: keep.logDays * dayMs }),
      ...(keep.sendDays === null ? {} : { sendMs: keep.sendDays * dayMs }),
    },
  }
}

/** What a daemon that was killed while it copied has left; the folder is ours alone by now. */
async function removeHalfCopies({ path }: DataFolder): Promise<void> {
  for (const name of await readdir(path)) {
    if (/^\.backup-\w{6}$/.test(name)) await rm(join(path, name), { recursive: true, force: true })
  }
}

async function listen(daemon: Daemon, settings: Settings): Promise<string> {
  const { host, port } = settings.listen
  try {
    return await daemon.listen(settings.listen)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason = code === 'EADDRINUSE' ? 'the port is taken' : message
    throw new CommandFailure(`cannot listen on ${host}:${port}: ${reason}`)
  }
}
