import type { DraftJson } from '@everdraft/daemon'

import { accountOption, chosenAccount } from '../account-choice.ts'
import { asUser } from '../author.ts'
import { oneOf, type Command } from '../command.ts'
import { connectionOptions, withClient } from '../connection.ts'
import { printJson, printLine } from '../output.ts'

const modes = ['reply', 'reply-all', 'forward'] as const

export const draftReply: Command = {
  name: 'draft reply',
  summary: 'Answer a message on the server, or pass it on, as a draft with the quote',
  details:
    'MESSAGE-ID is the one in the header of the message. A forward has its attachments. The server must be reachable.',
  operands: ['MESSAGE-ID'],
  options: {
    mode: { value: modes.join('|'), help: 'default reply' },
    folder: { value: 'FOLDER', help: 'where to look first' },
    'local-only': { help: 'never upload it' },
    json: { help: 'the draft as JSON' },
    ...accountOption,
    ...connectionOptions,
  },
  run: async (input) => {
    const mode = oneOf('mode', input.option('mode') ?? 'reply', modes)
    const folder = input.option('folder')
    await withClient(input, async (client) => {
      const account = await chosenAccount(client, input)
      const draft = await client.request<DraftJson>('POST', `/accounts/${account.id}/messages/reply`, {
        headers: asUser,
        json: {
          message_id: input.operand(0),
          mode: mode.replace('-', '_'),
          ...(folder === undefined ? {} : { folder }),
          ...(input.isOn('local-only') ? { policy: 'local-only' } : {}),
        },
      })
      if (input.isOn('json')) return printJson(draft)
      printLine(`draft ${draft.id} created, version ${draft.version}`)
    })
  },
}
