import { existsSync } from 'node:fs'

import type { StoreReport } from '@everdraft/core'

import type { Command, CommandInput, Option } from '../command.ts'
import { connectionOptions, withClient } from '../connection.ts'
import { type DataFolder, defaultDataFolder, ensureDataFolder } from '../data-folder.ts'
import { CommandFailure } from '../failure.ts'
import { bytesOfText, printJson, printLine } from '../output.ts'
import { createProgressLine } from '../progress.ts'

/** The doctor works on the folder itself, so no daemon may be on it. */
const dataOption = {
  data: { value: 'DIR', help: 'the data folder (EVERDRAFT_DATA, else where serve keeps it)' },
} as const satisfies Readonly<Record<string, Option>>

async function existingFolder(input: CommandInput): Promise<DataFolder> {
  const path = input.option('data') ?? process.env['EVERDRAFT_DATA'] ?? defaultDataFolder(process.env)
  const folder = await ensureDataFolder(path)
  if (!existsSync(folder.database)) throw new CommandFailure(`there are no drafts in ${path}`)
  return folder
}

export const doctor: Command = {
  name: 'doctor',
  summary: 'Check a data folder; exits 1 with findings',
  details: 'With --repair it puts right what can be without losing anything, and makes the search index anew.',
  options: {
    repair: { help: 'repair what is safe; exits 1 only if something is left' },
    json: { help: 'JSON' },
    ...dataOption,
  },
  run: async (input) => {
    const folder = await existingFolder(input)
    const report = await inspect(folder, input.isOn('repair'))
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

async function inspect(folder: DataFolder, repair: boolean): Promise<StoreReport> {
  // Only when it is needed: the other commands start without the engine.
  const [{ EverdraftError, inspectStore }, { sqlite }] = await Promise.all([
    import('@everdraft/core'),
    import('@everdraft/sqlite'),
  ])
  try {
    return await inspectStore(sqlite(folder.database), { repair })
  } catch (error) {
    if (error instanceof EverdraftError) throw new CommandFailure(error.message)
    throw error
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
