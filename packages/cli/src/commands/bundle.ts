import { openAsBlob } from 'node:fs'

import type { ImportReportJson } from '@everdraft/daemon'

import { accountOption, chosenAccount } from '../account-choice.ts'
import { asUser } from '../author.ts'
import { oneOf, type Command } from '../command.ts'
import { connectionOptions, withClient } from '../connection.ts'
import { CommandFailure } from '../failure.ts'
import { bytesOfText, bytesText, printJson, printLine } from '../output.ts'
import { createProgressLine } from '../progress.ts'

const formats = ['gzip', 'jsonl', 'json', 'mbox', 'eml'] as const
const strategies = ['merge', 'local-wins', 'remote-wins'] as const

/** What a file is by its name, where nobody says it. */
const endings: Readonly<Record<string, (typeof formats)[number]>> = {
  '.gz': 'gzip',
  '.jsonl': 'jsonl',
  '.json': 'json',
  '.mbox': 'mbox',
  '.eml': 'eml',
}

const selection = { ...accountOption, ...connectionOptions }

export const exportBundle: Command = {
  name: 'export',
  summary: 'Write the drafts of an account into one file',
  details:
    'gzip, jsonl and json are bundles, of which nothing is lost: with all versions, and with --attachments their files. An mbox or an\n.eml is for other mail programs. It writes over no file.',
  operands: ['FILE'],
  options: {
    format: {
      value: 'FORMAT',
      choices: formats,
      help: 'gzip, jsonl, json, mbox or eml; default: as FILE ends, else gzip',
    },
    draft: { value: 'ID', repeatable: true, help: 'this one alone; may be repeated; default: all that are not sent' },
    attachments: { help: 'with the files of all versions; always in an mbox or an .eml' },
    'without-history': { help: 'without earlier versions' },
    ...selection,
  },
  run: async (input) => {
    const path = input.operand(0)
    const ending = /\.\w+$/.exec(path)?.[0].toLowerCase() ?? ''
    const format = oneOf('format', input.option('format') ?? endings[ending] ?? 'gzip', formats)
    const query = new URLSearchParams({ format })
    for (const id of input.options('draft')) query.append('draft_id', id)
    if (input.isOn('attachments')) query.set('attachments', 'true')
    if (input.isOn('without-history')) query.set('history', 'false')
    await withClient(input, async (client) => {
      const account = await chosenAccount(client, input)
      using line = createProgressLine()
      const size = await client.download(
        `/accounts/${account.id}/export?${query.toString()}`,
        path,
        (doneBytes, totalBytes) => line.show(`exporting: ${bytesOfText(doneBytes, totalBytes)}`),
      )
      printLine(`exported to ${path} (${bytesText(size)})`)
    })
  },
}

export const importBundle: Command = {
  name: 'import',
  summary: 'Take in the drafts of a bundle, an mbox or a message, all or none',
  details: 'What the file is, it says itself. A draft that was deleted here is restored. Nothing is sent by it.',
  operands: ['FILE'],
  options: {
    'on-conflict': {
      value: 'STRATEGY',
      choices: strategies,
      help: 'where both went on: merge (default), local-wins (what is here) or remote-wins',
    },
    'without-attachments': { help: 'leave the files out' },
    json: { help: 'what became of each draft, as JSON' },
    ...selection,
  },
  run: async (input) => {
    const path = input.operand(0)
    const strategy = oneOf('on-conflict', input.option('on-conflict') ?? 'merge', strategies)
    const query = new URLSearchParams({ on_conflict: strategy })
    if (input.isOn('without-attachments')) query.set('attachments', 'false')
    let body: Blob
    try {
      // Read as it is sent, never whole in memory.
      body = await openAsBlob(path)
    } catch (error) {
      throw new CommandFailure(`${path} cannot be read: ${(error as Error).message}`)
    }
    await withClient(input, async (client) => {
      const account = await chosenAccount(client, input)
      using line = createProgressLine()
      line.show(`importing ${bytesText(body.size)}`)
      const report = await client.request<ImportReportJson>(
        'POST',
        `/accounts/${account.id}/import?${query.toString()}`,
        {
          headers: asUser,
          body,
        },
      )
      if (input.isOn('json')) return printJson(report)
      printLine(summaryOf(report))
      for (const { outcome, draft_id: id } of report.items) {
        if (outcome === 'conflict') printLine(`draft ${id} is said otherwise here: everdraft draft conflicts ${id}`)
      }
    })
  },
}

/** `3 drafts: 2 created, 1 unchanged`. */
function summaryOf({ drafts, counts }: ImportReportJson): string {
  const parts = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${count} ${outcome === 'conflict' ? 'in conflict' : outcome}`)
  return `${drafts} drafts${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`
}
