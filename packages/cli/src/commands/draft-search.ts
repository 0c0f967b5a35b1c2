import type { FoundDraftJson } from '@everdraft/daemon'

import { accountOption, chosenAccount } from '../account-choice.ts'
import type { Command } from '../command.ts'
import { connectionOptions, withClient } from '../connection.ts'
import { filterOptions, filterQuery } from '../draft-filter.ts'
import { oneLine } from '../output.ts'
import { listOptions, listRequest, printList } from '../paging.ts'

export const draftSearch: Command = {
  name: 'draft search',
  summary: 'Find drafts by words: in subject, people, text and names of files; best match first',
  details: 'All words must be there, each by its beginning; case and accents do not matter.',
  operands: ['WORDS'],
  options: { ...filterOptions, ...listOptions, ...accountOption, ...connectionOptions },
  run: async (input) => {
    const request = listRequest(input)
    const filter = filterQuery(input)
    await withClient(input, async (client) => {
      const account = await chosenAccount(client, input)
      await client.caughtUp()
      await printList<FoundDraftJson>(client, request, {
        path: `/accounts/${account.id}/drafts`,
        query: { q: input.operand(0), ...filter },
        headings: ['ID', 'STATUS', 'CHANGED', 'SUBJECT', 'FOUND'],
        row: (draft) => [
          draft.id,
          draft.status,
          draft.updated_at,
          oneLine(draft.subject, 40),
          oneLine((draft.snippet ?? '').replaceAll('\u2068', '[').replaceAll('\u2069', ']'), 100),
        ],
        none: 'nothing found',
      })
    })
  },
}
