import type { TaskJson } from '@everdraft/daemon'

import { accountOption, chosenAccount } from '../account-choice.ts'
import type { Command } from '../command.ts'
import { connectionOptions, withClient } from '../connection.ts'
import { oneLine, printLine } from '../output.ts'
import { listOptions, listRequest, printList } from '../paging.ts'

export const taskList: Command = {
  name: 'task list',
  summary: 'List the queue of an account: what waits, runs, is parked or has failed',
  options: { ...listOptions, ...accountOption, ...connectionOptions },
  run: async (input) => {
    const request = listRequest(input)
    await withClient(input, async (client) => {
      const account = await chosenAccount(client, input)
      await printList<TaskJson>(client, request, {
        path: `/accounts/${account.id}/tasks`,
        headings: ['ID', 'KIND', 'OF', 'STATE', 'ATTEMPTS', 'NEXT RUN', 'LAST ERROR'],
        row: (task) => [
          task.id,
          task.kind,
          oneLine(task.key),
          task.state,
          String(task.attempts),
          task.next_run_at ?? '–',
          oneLine(task.last_error?.message ?? '–', 100),
        ],
        none: 'nothing is waiting',
      })
    })
  },
}

export const taskRetry: Command = {
  name: 'task retry',
  summary: 'Run a task now, also when it is parked or failed',
  operands: ['ID'],
  options: { ...accountOption, ...connectionOptions },
  run: async (input) =>
    withClient(input, async (client) => {
      const account = await chosenAccount(client, input)
      const id = encodeURIComponent(input.operand(0))
      const task = await client.request<TaskJson>('POST', `/accounts/${account.id}/tasks/${id}/retry`)
      printLine(`task ${task.id} is ${task.state}`)
    }),
}
