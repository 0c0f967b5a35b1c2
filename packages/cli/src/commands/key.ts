import type { Command } from '../command.ts'
import { connectionOptions, withClient } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { printLine } from '../output.ts'

export const keyRotate: Command = {
  name: 'key rotate',
  summary: 'Seal passwords and tokens by a new key',
  details:
    'Also while a daemon is on the folder; of a daemon elsewhere (--url) it takes the token of that daemon itself. Keep a copy of the\nnew everdraft.key. With EVERDRAFT_KEY no new key is made: put it in front of the old one, with a comma between them, start\neverdraft once, and take the old one away.',
  options: connectionOptions,
  run: async (input) => {
    if ((process.env['EVERDRAFT_KEY'] ?? '') !== '') {
      throw new UsageError('EVERDRAFT_KEY holds the key: put a new one in front of it, with a comma between them')
    }
    await withClient(input, (client) => client.request('POST', '/key/rotate'))
    printLine('sealed by a new key')
  },
}
