import type { Command } from '../command.ts'
import { readSettings } from '../settings.ts'

export const serve: Command = {
  name: 'serve',
  summary: 'Run the daemon: the engine behind REST',
  details:
    'Flags win over the environment (EVERDRAFT_DATA, EVERDRAFT_LISTEN and so on, but DRAFT_ONLY), and that over the config file:\nJSON with the keys data, listen, draft_only and so on. All three names of each are in docs/operation.md. SIGTERM ends it\nin order.',
  options: {
    data: { value: 'DIR', help: 'where drafts are kept (default ~/.local/share/everdraft)' },
    listen: { value: 'HOST:PORT', help: 'default 127.0.0.1:8025; port 0 takes a free one' },
    token: { value: 'TOKEN', help: 'what clients must present; without it one is made and kept in DIR/token' },
    responders: { value: 'DIR', help: 'modules that answer new mail: NAME.js or NAME.ts, each exports respond' },
    'draft-only': { value: 'true|false', help: 'what responders write is for a person to send (default true)' },
    hosts: { value: 'NAMES', help: 'under which it is reached, with commas; localhost and addresses always are' },
    'requests-per-minute': { value: 'N', help: 'for each token but its own (default 6000, 0: no limit)' },
    'streams-per-token': { value: 'N', help: 'of events, open at a time, likewise (default 100, 0: no limit)' },
    'bounce-days': { value: 'N', help: 'how long what comes back of a mail is looked for (default 7, 0: never)' },
    'keep-trash-days': { value: 'N', help: 'how long discarded drafts are kept (default 30)' },
    'keep-log-days': { value: 'N', help: 'how long events, timelines of tasks and deliveries are kept (default 30)' },
    'keep-send-days': { value: 'N', help: 'how long records of what was sent are kept (default 365)' },
    'database-url': {
      value: 'URL',
      help: 'of a PostgreSQL that keeps the drafts, for this process alone (default: SQLite in DIR)',
    },
    config: { value: 'FILE', help: 'the config file (or EVERDRAFT_CONFIG; default DIR/config.json)' },
  },
  run: async (input) => {
    const settings = await readSettings({ flag: (name) => input.option(name), environment: process.env })
    const { serveUntilStopped } = await import('../serving.ts')
    await serveUntilStopped(settings)
  },
}
