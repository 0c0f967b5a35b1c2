import type { Command } from '../command.ts'
import { defaultDataFolder, ensureDataFolder } from '../data-folder.ts'
import { CommandFailure, UsageError } from '../failure.ts'
import { printLine } from '../output.ts'

export const keyRotate: Command = {
  name: 'key rotate',
  summary: 'Seal passwords and tokens by a new key',
  details:
    'No daemon may be on the folder. With EVERDRAFT_KEY no new key is made: put it in front of the old one, with a comma between them, start everdraft once, and take the old one away.',
  options: { data: { value: 'DIR', help: 'the data folder (EVERDRAFT_DATA, else where serve keeps it)' } },
  run: async (input) => {
    if ((process.env['EVERDRAFT_KEY'] ?? '') !== '') {
      throw new UsageError('EVERDRAFT_KEY holds the key: put a new one in front of it, with a comma between them')
    }
    const path = input.option('data') ?? process.env['EVERDRAFT_DATA'] ?? defaultDataFolder(process.env)
    const folder = await ensureDataFolder(path)
    const [{ EverdraftError }, { keyFile }, { openEngine }] = await Promise.all([
      import('@everdraft/core'),
      import('@everdraft/sqlite'),
      import('../open-engine.ts'),
    ])
    try {
      // The folder must be free: a daemon on it would go on sealing by the old key.
      const before = await openEngine(folder, { watch: false })
      if (before === null) throw new CommandFailure(`a daemon is on ${folder.path}: stop it first`)
      await before.close()
      const keys = keyFile(folder.key)
      keys.addKey()
      // Whatever is sealed by an older key is sealed anew when the store opens; until then both keys are in the file.
      const after = await openEngine(folder, { watch: false })
      if (after === null) throw new CommandFailure(`a daemon is on ${folder.path}: stop it, and try again`)
      await after.close()
      keys.keepNewestKey()
    } catch (error) {
      if (error instanceof EverdraftError) throw new CommandFailure(error.message)
      throw error
    }
    printLine(`sealed by a new key, in ${folder.key}`)
  },
}
