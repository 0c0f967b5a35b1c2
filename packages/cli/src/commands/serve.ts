import type { Command } from '../command.ts'
import { readSettings } from '../settings.ts'

export const serve: Command = {
  name: 'serve',
  summary: 'Run the daemon: the engine behind REST',
  details:
    'Flags win over the environment (EVERDRAFT_DATA, EVERDRAFT_LISTEN, EVERDRAFT_TOKEN, EVERDRAFT_HOSTS,\nEVERDRAFT_REQUESTS_PER_MINUTE, DRAFT_ONLY), and that over the config file: JSON with the keys data, listen, token,\nhosts, requests_per_minute and draft_only. SIGTERM ends it in order.',
  options: {
    data: { value: 'DIR', help: 'where drafts are kept (default ~/.local/share/everdraft)' },
    listen: { value: 'HOST:PORT', help: 'default 127.0.0.1:8025; port 0 takes a free one' },
    token: { value: 'TOKEN', help: 'what clients must present; without it one is made and kept in DIR/token' },
    'draft-only': { value: 'true|false', help: 'never send mail (default false)' },
    hosts: { value: 'NAMES', help: 'under which it is reached, with commas; localhost and addresses always are' },
    'requests-per-minute': { value: 'N', help: 'for each token but its own (default 6000, 0: no limit)' },
    'database-url': { value: 'URL', help: 'not in this version: data is kept in SQLite' },
    config: { value: 'FILE', help: 'the config file (or EVERDRAFT_CONFIG; default DIR/config.json)' },
  },
  run: async (input) => {
    const settings = await readSettings({ flag: (name) => input.option(name), environment: process.env })
    const { serveUntilStopped } = await import('../serving.ts')
    await serveUntilStopped(settings)
  },
}
