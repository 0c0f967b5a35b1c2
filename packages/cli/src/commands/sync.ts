import type { ServerEvent } from '@everdraft/client'
import type { SyncJson } from '@everdraft/daemon'

import { accountOption, chosenAccount } from '../account-choice.ts'
import type { Client } from '../client.ts'
import { wholeNumber, type Command } from '../command.ts'
import { connectionOptions, withClient } from '../connection.ts'
import { CommandFailure } from '../failure.ts'
import { bytesText, oneLine, printJson, printLine } from '../output.ts'
import { createProgressLine, type ProgressLine } from '../progress.ts'

export const sync: Command = {
  name: 'sync',
  summary: 'One round with the mail server now, up and down',
  details: 'Exits 0 when every draft is on the server as it is here.',
  options: {
    wait: { value: 'SECONDS', help: 'at most so long, 0 to 300 (default 60)' },
    'confirm-losses': { help: 'drafts that vanished from the server are to go here too (asked for after MASS_VANISH)' },
    json: { help: 'JSON, as REST answers it' },
    ...accountOption,
    ...connectionOptions,
  },
  run: async (input) => {
    const seconds = wholeNumber('wait', input.option('wait') ?? '60', 0, 300)
    await withClient(input, async (client) => {
      const account = await chosenAccount(client, input)
      const report = await whileShowing(client, account.id, () =>
        client.request<SyncJson>(
          'POST',
          `/accounts/${account.id}/sync?confirm_losses=${input.isOn('confirm-losses')}`,
          { headers: { prefer: `wait=${seconds}` } },
        ),
      )
      if (input.isOn('json')) printJson(report)
      else {
        printLine(
          `${report.uploaded} uploaded, ${report.replaced} replaced, ${report.imported} imported, ${report.purged} purged; ` +
            `${bytesText(report.bytes_sent)} sent, ${bytesText(report.bytes_received)} received`,
        )
      }
      const [error] = report.errors
      if (error !== undefined) throw new CommandFailure(`${error.code}: ${oneLine(error.message, 300)}`)
      if (report.pending > 0) throw new CommandFailure(`${report.pending} drafts are not on the server yet`)
    })
  },
}

/** Says what happens meanwhile, to who sits before a terminal. */
async function whileShowing<Result>(client: Client, accountId: string, work: () => Promise<Result>): Promise<Result> {
  using line = createProgressLine()
  line.show('syncing')
  const done = new AbortController()
  const shown = showEvents(line, client.events({ accountId, signal: done.signal })).catch(() => {
    // What is shown is a nicety: the round goes on without it.
  })
  try {
    return await work()
  } finally {
    done.abort()
    await shown
  }
}

async function showEvents(line: ProgressLine, events: AsyncIterable<ServerEvent>): Promise<void> {
  let uploaded = 0
  let imported = 0
  let bytes = 0
  for await (const event of events) {
    if (event.type === 'upload-finished') {
      uploaded += 1
      bytes += event.bytes_sent
    } else if (event.type === 'draft-imported') imported += 1
    else continue
    line.show(`syncing: ${uploaded} uploaded (${bytesText(bytes)}), ${imported} imported`)
  }
}
