import type { DraftJson, RevisionJson } from '@everdraft/daemon'

import { accountOption, draftById } from '../account-choice.ts'
import { asUser } from '../author.ts'
import type { Client } from '../client.ts'
import type { Command, CommandInput } from '../command.ts'
import { connectionOptions, withClient } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { bytesText, oneLine, printLine } from '../output.ts'
import { listOptions, listRequest, printList } from '../paging.ts'

const selection = { ...accountOption, ...connectionOptions }

export const draftHistory: Command = {
  name: 'draft history',
  summary: 'List the revisions of a draft, newest first',
  operands: ['ID'],
  options: { ...listOptions, ...selection },
  run: async (input) => {
    const request = listRequest(input)
    await withClient(input, async (client) => {
      const { account_id: accountId, id } = await draftById(client, input, input.operand(0))
      await printList<RevisionJson>(client, request, {
        path: `/accounts/${accountId}/drafts/${id}/history`,
        headings: ['VERSION', 'SAVED', 'BY', 'DEVICE', 'SIZE', 'CHANGED'],
        row: (revision) => [
          String(revision.version),
          revision.saved_at,
          revision.by,
          oneLine(revision.device),
          bytesText(revision.bytes),
          revision.fields_changed.join(', '),
        ],
        none: 'no revisions',
      })
    })
  },
}

export const draftRestore: Command = {
  name: 'draft restore',
  summary: 'Go back to an earlier version (see draft history); the history stays',
  operands: ['ID', 'VERSION'],
  options: selection,
  run: async (input) => {
    const version = input.operand(1)
    if (!/^[1-9]\d{0,8}$/.test(version)) throw new UsageError('VERSION: must be a whole number from 1')
    await withClient(input, async (client) => {
      const draft = await act(client, input, 'restore', { version: Number(version) })
      printLine(`draft ${draft.id} says what version ${version} said; it is version ${draft.version}`)
    })
  },
}

export const draftDiscardChanges: Command = {
  name: 'draft discard-changes',
  summary: 'Go back to what was synchronized last; the draft and its history stay',
  operands: ['ID'],
  options: selection,
  run: async (input) =>
    withClient(input, async (client) => {
      const draft = await act(client, input, 'discard-changes', {})
      printLine(`draft ${draft.id} is as it was synchronized last; it is version ${draft.version}`)
    }),
}

export const draftUndiscard: Command = {
  name: 'draft undiscard',
  summary: 'Take a draft out of the local trash, within 30 days',
  operands: ['ID'],
  options: selection,
  run: async (input) =>
    withClient(input, async (client) => {
      const draft = await act(client, input, 'undiscard')
      printLine(`draft ${draft.id} is a draft again, version ${draft.version}`)
    }),
}

async function act(client: Client, input: CommandInput, name: string, json?: unknown): Promise<DraftJson> {
  const { account_id: accountId, id } = await draftById(client, input, input.operand(0))
  return client.request<DraftJson>('POST', `/accounts/${accountId}/drafts/${id}/${name}`, { headers: asUser, json })
}
