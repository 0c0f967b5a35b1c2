import type { ConflictJson, DraftJson } from '@everdraft/daemon'

import { accountOption, draftById } from '../account-choice.ts'
import { asUser } from '../author.ts'
import { oneOf, type Command } from '../command.ts'
import { connectionOptions, withClient } from '../connection.ts'
import { contentOf, contentOptions } from '../content-options.ts'
import { UsageError } from '../failure.ts'
import { oneLine, printJson, printLine } from '../output.ts'
import { listOptions, listRequest, printSheets } from '../paging.ts'

const selection = { ...accountOption, ...connectionOptions }

export const draftConflicts: Command = {
  name: 'draft conflicts',
  summary: 'List what could not be merged: both sides and what they began with; those that wait first',
  operands: ['ID'],
  options: { ...listOptions, ...selection },
  run: async (input) => {
    const request = listRequest(input)
    await withClient(input, async (client) => {
      const { account_id: accountId, id } = await draftById(client, input, input.operand(0))
      await printSheets<ConflictJson>(client, request, {
        path: `/accounts/${accountId}/drafts/${id}/conflicts`,
        sheet: conflictLines,
        none: 'no conflicts',
      })
    })
  },
}

function conflictLines(conflict: ConflictJson): readonly string[] {
  const state =
    conflict.resolved_at === null
      ? 'waits for a decision (draft resolve)'
      : `resolved ${conflict.resolved_at} by ${conflict.resolution ?? '–'}`
  return [
    `conflict  ${conflict.id}`,
    `state     ${state}`,
    `raised    ${conflict.created_at} by ${conflict.by} on ${oneLine(conflict.device)}, over version ${conflict.base_version}`,
    ...conflict.fields.flatMap((field) => [
      field,
      `  base    ${valueText(conflict.base[field])}`,
      `  local   ${valueText(conflict.local[field])}`,
      `  remote  ${valueText(conflict.remote[field])}`,
    ]),
  ]
}

function valueText(value: ConflictJson['base'][keyof ConflictJson['base']]): string {
  return value === null ? '–' : oneLine(typeof value === 'string' ? value : JSON.stringify(value), 200)
}

const strategies = ['local-wins', 'remote-wins', 'merge'] as const

export const draftResolve: Command = {
  name: 'draft resolve',
  summary: 'End a conflict by a strategy, or by the fields as you merged them',
  details: 'Local is what was to be saved, remote what the draft said by then. Both stay in the record.',
  operands: ['ID', 'CONFLICT'],
  options: {
    strategy: { value: strategies.join('|'), help: 'which side wins, or merge what can be' },
    ...contentOptions,
    json: { help: 'the draft as JSON' },
    ...selection,
  },
  run: async (input) => {
    const strategy = input.option('strategy')
    const checked = strategy === undefined ? null : oneOf('strategy', strategy, strategies)
    const content = await contentOf(input)
    const isByFields = Object.keys(content).length > 0
    if (checked === null && !isByFields) throw new UsageError('--strategy is needed, or the merged fields')
    if (checked !== null && isByFields) throw new UsageError('--strategy and fields: only one of them')
    await withClient(input, async (client) => {
      const { account_id: accountId, id } = await draftById(client, input, input.operand(0))
      const conflictId = encodeURIComponent(input.operand(1))
      const draft = await client.request<DraftJson>(
        'POST',
        `/accounts/${accountId}/drafts/${id}/conflicts/${conflictId}/resolve`,
        { headers: asUser, json: checked === null ? content : { strategy: checked } },
      )
      if (input.isOn('json')) return printJson(draft)
      printLine(`conflict resolved; draft ${draft.id} is at version ${draft.version}`)
    })
  },
}
