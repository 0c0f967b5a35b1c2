import type { DraftJson, FieldChangeJson, ReviewChangesJson, ReviewJson } from '@everdraft/daemon'

import { accountOption, draftById } from '../account-choice.ts'
import { wholeNumber, type Command } from '../command.ts'
import { connectionOptions, withClient } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { oneLine, printJson, printLine } from '../output.ts'

const selection = { ...accountOption, ...connectionOptions }

export const draftReview: Command = {
  name: 'draft review',
  summary: 'Show whether a draft is approved, and what changed since; or say that it is to be reviewed',
  operands: ['ID'],
  options: {
    since: { value: 'N', help: 'the changes since that version (default: the one that was approved last)' },
    require: { help: 'from now on it is sent only as somebody has approved it' },
    waive: { help: 'take that back; the token needs the scope approve' },
    json: { help: 'JSON, as REST answers it' },
    ...selection,
  },
  run: async (input) => {
    const since = input.option('since')
    const query = since === undefined ? '' : `?since=${wholeNumber('since', since, 1, 999_999_999)}`
    if (input.isOn('require') && input.isOn('waive')) throw new UsageError('--require and --waive: only one of them')
    await withClient(input, async (client) => {
      const { account_id: accountId, id } = await draftById(client, input, input.operand(0))
      const path = `/accounts/${accountId}/drafts/${id}`
      if (input.isOn('require') || input.isOn('waive')) {
        await client.request<DraftJson>('PUT', path, { json: { review: { required: input.isOn('require') } } })
      }
      const answer = await client.request<ReviewChangesJson>('GET', `${path}/review${query}`)
      if (input.isOn('json')) return printJson(answer)
      printLine(`draft ${id}, version ${answer.version}: ${reviewInWords(answer.review)}`)
      for (const line of answer.changes.flatMap(changeLines)) printLine(line)
    })
  },
}

function reviewInWords(review: ReviewJson | null): string {
  if (review === null) return 'needs no review'
  const needs = review.required ? 'to be reviewed' : 'needs no review'
  if (review.approved_version === null) return `${needs}, not approved`
  const who = `by ${oneLine(review.approved_by ?? '')} at ${review.approved_at ?? ''}`
  if (review.approved) return `${needs}, approved ${who}`
  return `${needs}, not approved as it is; version ${review.approved_version} was, ${who}`
}

/** Without the lines that are the same at the beginning and at the end. */
function changeLines({ field, before, after }: FieldChangeJson): readonly string[] {
  const [removed, added] = [linesOf(before), linesOf(after)]
  const shorter = Math.min(removed.length, added.length)
  let head = 0
  while (head < shorter && removed[head] === added[head]) head += 1
  let tail = 0
  while (tail < shorter - head && removed.at(-1 - tail) === added.at(-1 - tail)) tail += 1
  return [
    field,
    ...removed.slice(head, removed.length - tail).map((line) => `  - ${line}`),
    ...added.slice(head, added.length - tail).map((line) => `  + ${line}`),
  ]
}

function linesOf(value: unknown): readonly string[] {
  if (value === null || value === '') return []
  const lines =
    typeof value === 'string' ? value.split('\n') : Array.isArray(value) ? value.map(asText) : [asText(value)]
  return lines.map((line) => oneLine(line, 200))
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

export const draftApprove: Command = {
  name: 'draft approve',
  summary: 'Let a draft go as it is at the version that you have looked at; any edit makes that void',
  operands: ['ID', 'VERSION'],
  options: { json: { help: 'the draft as JSON' }, ...selection },
  run: async (input) => {
    const version = wholeNumber('VERSION', input.operand(1), 1, 999_999_999)
    await withClient(input, async (client) => {
      const { account_id: accountId, id } = await draftById(client, input, input.operand(0))
      const draft = await client.request<DraftJson>('POST', `/accounts/${accountId}/drafts/${id}/approve`, {
        json: { version },
      })
      if (input.isOn('json')) return printJson(draft)
      printLine(`draft ${draft.id} approved, version ${draft.version}`)
    })
  },
}
