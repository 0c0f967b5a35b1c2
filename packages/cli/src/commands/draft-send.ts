import type { SendJson } from '@everdraft/daemon'

import { accountOption, draftById } from '../account-choice.ts'
import { wholeNumber, type Command } from '../command.ts'
import { connectionOptions, withClient } from '../connection.ts'
import { CommandFailure, UsageError } from '../failure.ts'
import { printJson, printLine } from '../output.ts'
import { sendLine } from '../send-line.ts'

export const draftSend: Command = {
  name: 'draft send',
  summary: 'Send a draft; nobody edits it until that is undone or has failed',
  details:
    'It waits until the send has ended, as far as --wait goes. Without a daemon on the data folder what is not sent by then goes on at the next command, or when a daemon is started.',
  operands: ['ID'],
  options: {
    at: { value: 'TIME', help: 'not before that time: ISO 8601 with a time zone, 2026-03-01T09:00:00+01:00' },
    'hold-at-server': { help: 'let the server keep it until --at, where it can: it goes also while nothing runs here' },
    undo: { value: 'SECONDS', help: 'how long it can be undone at least (default 0)' },
    'base-version': { value: 'N', help: 'refuse if the draft has another version by now' },
    confirm: { help: 'also where the text speaks of an attachment and there is none' },
    wait: { value: 'SECONDS', help: 'how long to wait for its end, at most 300 (default 30)' },
    json: { help: 'the record as JSON' },
    ...accountOption,
    ...connectionOptions,
  },
  run: async (input) => {
    const at = input.option('at')
    if (at !== undefined && !/T.*(?:Z|[+-]\d\d:?\d\d)$/i.test(at)) {
      throw new UsageError('--at: must be a time with its zone, such as 2026-03-01T09:00:00+01:00')
    }
    const isHeldThere = input.isOn('hold-at-server')
    if (isHeldThere && at === undefined) throw new UsageError('--hold-at-server: needs --at')
    const undo = input.option('undo')
    const undoSeconds = undo === undefined ? 0 : wholeNumber('undo', undo, 0, 86_400)
    const wait = wholeNumber('wait', input.option('wait') ?? '30', 0, 300)
    const base = input.option('base-version')
    const match = base === undefined ? {} : { 'if-match': `"${wholeNumber('base-version', base, 1, 999_999_999)}"` }
    // What is due later is not waited for, but on its way to where it waits.
    const isLater = (at !== undefined && !isHeldThere) || undoSeconds > wait
    await withClient(input, async (client) => {
      const { account_id: accountId, id } = await draftById(client, input, input.operand(0))
      const send = await client.request<SendJson>('POST', `/accounts/${accountId}/drafts/${id}/send`, {
        headers: { ...match, ...(isLater ? {} : { prefer: `wait=${wait}` }) },
        json: {
          ...(at === undefined ? {} : { send_at: at }),
          ...(isHeldThere ? { hold_at_server: true } : {}),
          ...(undoSeconds === 0 ? {} : { undo_seconds: undoSeconds }),
          ...(input.isOn('confirm') ? { confirm: true } : {}),
        },
      })
      if (input.isOn('json')) printJson(send)
      else printLine(sendLine(send))
      if (send.status === 'failed' || send.status === 'unknown') throw new CommandFailure(`the send is ${send.status}`)
    })
  },
}
