import type { Engine } from '@everdraft/core'
import { createDaemon, type Daemon } from '@everdraft/daemon'

import type { Command } from '../command.ts'
import {
  announceDaemon,
  ensureDataFolder,
  ensureToken,
  isInUse,
  openEngine,
  withdrawDaemon,
  type DataFolder,
} from '../data-folder.ts'
import { CommandFailure } from '../failure.ts'
import { printLine } from '../output.ts'
import { readSettings, type Settings } from '../settings.ts'
import { listenForStop } from '../stop-signal.ts'
import { version } from '../version.ts'

export const serve: Command = {
  name: 'serve',
  summary: 'Run the daemon: the engine behind REST',
  details:
    'Flags win over the environment (EVERDRAFT_DATA, EVERDRAFT_LISTEN, EVERDRAFT_TOKEN, DRAFT_ONLY), and that over\nthe config file: JSON with the keys data, listen, token and draft_only. SIGTERM ends it in order.',
  options: {
    data: { value: 'DIR', help: 'where drafts are kept (default ~/.local/share/everdraft)' },
    listen: { value: 'HOST:PORT', help: 'default 127.0.0.1:8025; port 0 takes a free one' },
    token: { value: 'TOKEN', help: 'what clients must present; without it one is made and kept in DIR/token' },
    'draft-only': { value: 'true|false', help: 'never send mail (default false)' },
    'database-url': { value: 'URL', help: 'not in this version: data is kept in SQLite' },
    config: { value: 'FILE', help: 'the config file (or EVERDRAFT_CONFIG; default DIR/config.json)' },
  },
  run: async (input) => {
    const settings = await readSettings({ flag: (name) => input.option(name), environment: process.env })
    using stop = listenForStop()
    const folder = await ensureDataFolder(settings.data)
    const engine = await open(folder)
    try {
      const token = settings.token ?? (await ensureToken(folder))
      const daemon = await createDaemon({
        engine,
        token,
        version: version(),
        draftOnly: settings.draftOnly,
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
    } finally {
      await engine.close()
    }
  },
}

async function open(folder: DataFolder): Promise<Engine> {
  try {
    return await openEngine(folder)
  } catch (error) {
    if (isInUse(error)) throw new CommandFailure(`another everdraft is on ${folder.path} already`)
    throw new CommandFailure((error as Error).message)
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
