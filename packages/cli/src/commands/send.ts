import type { SendJson } from '@everdraft/daemon'

import { accountOption, chosenAccount } from '../account-choice.ts'
import type { Command, CommandInput } from '../command.ts'
import { connectionOptions, withClient } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { oneLine, printJson, printLine, table } from '../output.ts'
import { listOptions, listRequest, printList } from '../paging.ts'
import { errorText, sendLine } from '../send-line.ts'

const statuses = ['queued', 'sending', 'sent', 'failed', 'cancelled', 'unknown'] as const

export const sendList: Command = {
  name: 'send list',
  summary: 'List what was sent or is to be, the newest first',
  options: {
    status: { value: 'STATUS', choices: statuses, help: statuses.join(', ') },
    ...listOptions,
    ...connectionOptions,
  },
  run: async (input) => {
    const request = listRequest(input)
    await withClient(input, (client) =>
      printList<SendJson>(client, request, {
        path: '/sends',
        query: { status: input.option('status') },
        headings: ['ID', 'STATUS', 'ATTEMPTS', 'NEXT', 'SENT', 'TO', 'SUBJECT', 'WHY'],
        row: (send) => [
          send.id,
          send.status,
          String(send.attempts),
          send.next_attempt_at ?? '–',
          send.sent_at ?? '–',
          oneLine(send.to_addr, 40),
          oneLine(send.subject),
          errorText(send.error),
        ],
        none: 'nothing was sent',
      }),
    )
  },
}

export const sendShow: Command = {
  name: 'send show',
  summary: 'Show a send, its recipients and what happened to it',
  operands: ['ID'],
  options: { json: { help: 'JSON, as REST answers it' }, ...connectionOptions },
  run: async (input) =>
    withClient(input, async (client) => {
      const send = await client.request<SendJson>('GET', `/track/${encodeURIComponent(input.operand(0))}`)
      if (input.isOn('json')) return printJson(send)
      printLine(sendLine(send))
      printLine(`draft     ${send.draft_id}, version ${send.version}`)
      printLine(`message   ${oneLine(send.message_id, 200)}`)
      printLine(`subject   ${oneLine(send.subject, 200)}`)
      printLine(`filed     ${send.verified_at ?? '–'}\n`)
      printLine(
        table(
          ['RECIPIENT', 'STATUS', 'REPLY'],
          send.recipients.map(({ address, status, reply }) => [oneLine(address), status, errorText(reply)]),
        ),
      )
      printLine('')
      printLine(
        table(
          ['AT', 'WHAT', 'PHASE', 'WHY'],
          send.events.map(({ at, type, phase, reason }) => [at, type, phase, errorText(reason)]),
        ),
      )
    }),
}

export const sendCancel: Command = {
  name: 'send cancel',
  summary: 'Undo a send while it still can be: the draft is a draft again',
  operands: ['ID'],
  options: connectionOptions,
  run: (input) => change(input, 'DELETE', ''),
}

export const sendRetry: Command = {
  name: 'send retry',
  summary: 'Try a send now, past what holds it; a failed one anew',
  operands: ['ID'],
  options: connectionOptions,
  run: (input) => change(input, 'POST', '/retry'),
}

export const sendResolve: Command = {
  name: 'send resolve',
  summary: 'Say what an unknown send is: sent, or to be sent again',
  operands: ['ID'],
  options: { as: { value: 'sent|send_again', help: 'what it is' }, ...connectionOptions },
  run: async (input) => {
    const as = input.option('as')
    if (as !== 'sent' && as !== 'send_again') throw new UsageError('--as: must be sent or send_again')
    await change(input, 'POST', '/resolve', { as })
  },
}

export const sendRelease: Command = {
  name: 'send release',
  summary: 'Let go what a restored backup holds, each at its time',
  details:
    'After the data was put back from a backup nothing is sent by itself, as it may have been sent since. What is found in Sent stays held.',
  options: { ...accountOption, ...connectionOptions },
  run: async (input) =>
    withClient(input, async (client) => {
      const { id } = await chosenAccount(client, input)
      const { released } = await client.request<{ readonly released: number }>('POST', `/accounts/${id}/sends/release`)
      printLine(released === 0 ? 'nothing is held by a backup' : `released: ${released}`)
    }),
}

async function change(input: CommandInput, method: string, path: string, json?: unknown): Promise<void> {
  await withClient(input, async (client) => {
    const url = `/sends/${encodeURIComponent(input.operand(0))}${path}`
    printLine(sendLine(await client.request<SendJson>(method, url, json === undefined ? {} : { json })))
  })
}
