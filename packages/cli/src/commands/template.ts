import type { TemplateJson } from '@everdraft/daemon'

import { accountOption, chosenAccount } from '../account-choice.ts'
import { needed, type Command } from '../command.ts'
import { connectionOptions, withClient } from '../connection.ts'
import { contentOf, contentOptions } from '../content-options.ts'
import { oneLine, printJson, printLine } from '../output.ts'
import { listOptions, listRequest, printList } from '../paging.ts'
import { templateByName } from '../template-choice.ts'

const selection = { ...accountOption, ...connectionOptions }

export const templateList: Command = {
  name: 'template list',
  summary: 'List the templates of an account, by name',
  options: { ...listOptions, ...selection },
  run: async (input) => {
    const request = listRequest(input)
    await withClient(input, async (client) => {
      const account = await chosenAccount(client, input)
      await printList<TemplateJson>(client, request, {
        path: `/accounts/${account.id}/templates`,
        headings: ['ID', 'NAME', 'SUBJECT', 'TEXT'],
        row: (template) => [template.id, oneLine(template.name), oneLine(template.subject), oneLine(template.text)],
        none: 'no templates yet: everdraft template add',
      })
    })
  },
}

export const templateAdd: Command = {
  name: 'template add',
  summary: 'Add a template: what drafts can begin with (see draft create)',
  options: {
    name: { value: 'NAME', help: 'how it is called' },
    ...contentOptions,
    json: { help: 'the template as JSON' },
    ...selection,
  },
  run: async (input) => {
    const name = needed(input, 'name')
    const content = await contentOf(input)
    await withClient(input, async (client) => {
      const account = await chosenAccount(client, input)
      const template = await client.request<TemplateJson>('POST', `/accounts/${account.id}/templates`, {
        json: { ...content, name },
      })
      if (input.isOn('json')) return printJson(template)
      printLine(`template ${template.id} (${oneLine(template.name)}) added`)
    })
  },
}

export const templateRemove: Command = {
  name: 'template remove',
  summary: 'Remove a template, by its id or name; the drafts made of it stay',
  operands: ['TEMPLATE'],
  options: selection,
  run: async (input) =>
    withClient(input, async (client) => {
      const account = await chosenAccount(client, input)
      const template = await templateByName(client, account.id, input.operand(0))
      await client.request<null>('DELETE', `/accounts/${account.id}/templates/${template.id}`)
      printLine(`template ${template.id} (${oneLine(template.name)}) removed`)
    }),
}
