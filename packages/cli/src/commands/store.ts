import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'

import type { StoreReport } from '@everdraft/core'

import type { Command, CommandInput, Option } from '../command.ts'
import { clientOfDaemonOn, connectionOptions, withClient } from '../connection.ts'
import { type DataFolder, defaultDataFolder, ensureDataFolder, isOnPostgres } from '../data-folder.ts'
import { CommandFailure } from '../failure.ts'
import { bytesOfText, printJson, printLine } from '../output.ts'
import { createProgressLine } from '../progress.ts'

/** The doctor works on a folder of this machine. */
const folderOptions = {
  data: { value: 'DIR', help: 'the data folder (EVERDRAFT_DATA, else where serve keeps it)' },
  token: { value: 'TOKEN', help: 'of the daemon that is on it, where that was given one (or EVERDRAFT_TOKEN)' },
} as const satisfies Readonly<Record<string, Option>>

async function existingFolder(input: CommandInput): Promise<DataFolder> {
  const path = input.option('data') ?? process.env['EVERDRAFT_DATA'] ?? defaultDataFolder(process.env)
  const folder = await ensureDataFolder(path)
  if (isOnPostgres(folder)) {
    throw new CommandFailure(
      `the drafts of ${path} are in PostgreSQL: pg_dump copies them, and nothing here checks them`,
    )
  }
  if (!existsSync(folder.database)) throw new CommandFailure(`there are no drafts in ${path}`)
  return folder
}

export const doctor: Command = {
  name: 'doctor',
  summary: 'Check a data folder; exits 1 with findings',
  details:
    'With --repair it puts right what can be without losing anything, and makes the search index anew; then no daemon may be on the\nfolder. While one is, a copy of this moment is checked, which needs as much space for as long.',
  options: {
    repair: { help: 'repair what is safe; exits 1 only if something is left' },
    json: { help: 'JSON' },
    ...folderOptions,
  },
  run: async (input) => {
    const folder = await existingFolder(input)
    const report = await inspect(input, folder)
    const left = report.findings.filter((finding) => !finding.repaired)
    if (input.isOn('json')) printJson({ ...report, left: left.length })
    else {
      for (const finding of report.findings) {
        printLine(`${finding.code}${finding.repaired ? ' (repaired)' : ''}: ${finding.message}`)
      }
      printLine(`${report.drafts} drafts of ${report.accounts} accounts checked, ${report.findings.length} findings`)
    }
    if (left.length > 0) throw new CommandFailure(`${left.length} findings are not repaired`)
  },
}

async function inspect(input: CommandInput, folder: DataFolder): Promise<StoreReport> {
  // Only when it is needed: the other commands start without the engine.
  const [{ EverdraftError, inspectStore }, { sqlite }] = await Promise.all([
    import('@everdraft/core'),
    import('@everdraft/sqlite'),
  ])
  try {
    return await inspectStore(sqlite(folder.database), { repair: input.isOn('repair') })
  } catch (error) {
    if (!(error instanceof EverdraftError)) throw error
    if (error.code !== 'STORAGE_IN_USE') throw new CommandFailure(error.message)
    if (input.isOn('repair')) {
      throw new CommandFailure(`${error.message}: --repair needs the folder for itself, so stop the daemon first`)
    }
  }
  const client = await clientOfDaemonOn(folder, input.option('token') ?? process.env['EVERDRAFT_TOKEN'])
  // By a name that the daemon removes at its next start, should this one be killed.
  const beside = await mkdtemp(join(folder.path, '.backup-'))
  try {
    const copy = join(beside, 'everdraft.db')
    await client.backup(copy, () => {})
    return await inspectStore(sqlite(copy))
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
}

export const backup: Command = {
  name: 'backup',
  summary: 'Copy the data of a folder into one file, while it is in use',
  details:
    'The copy is a store of its own: put it into a folder as everdraft.db to use it, with a copy of everdraft.key, without\nwhich its passwords stay locked. What is still to be sent waits there for everdraft send release. It writes over no file.\nOf a daemon elsewhere (--url) it takes the token of that daemon itself.',
  operands: ['FILE'],
  options: connectionOptions,
  run: async (input) => {
    const url = input.option('url') ?? process.env['EVERDRAFT_URL']
    // A mistyped folder would be made, and its empty store copied.
    if (url === undefined || input.option('data') !== undefined) await existingFolder(input)
    const path = input.operand(0)
    await withClient(input, async (client) => {
      using line = createProgressLine()
      line.show('copying')
      await client.backup(path, (doneBytes, totalBytes) => line.show(`copying: ${bytesOfText(doneBytes, totalBytes)}`))
    })
    printLine(`copied to ${path}`)
  },
}
