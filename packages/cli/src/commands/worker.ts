import type { Command } from '../command.ts'
import { CommandFailure } from '../failure.ts'

export const worker: Command = {
  name: 'worker',
  summary: 'Not in this version: one process works on a database',
  details:
    'Workers that share a PostgreSQL are still to come. everdraft serve --database-url does all the work of one.',
  options: {
    'database-url': { value: 'URL', help: 'of the PostgreSQL' },
  },
  run: async () => {
    throw new CommandFailure(
      'there are no workers in this version: everdraft serve --database-url does all the work of a database by itself',
    )
  },
}
