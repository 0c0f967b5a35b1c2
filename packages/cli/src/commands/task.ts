import type { TaskDetailsJson, TaskJson } from '@everdraft/daemon'

import { accountOption, chosenAccount } from '../account-choice.ts'
import type { Command } from '../command.ts'
import { connectionOptions, withClient } from '../connection.ts'
import { oneLine, printJson, printLine, table } from '../output.ts'
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
        headings: ['ID', 'KIND', 'OF', 'STATE', 'ATTEMPTS', 'NEXT RUN', 'WHY'],
        row: (task) => [
          task.id,
          task.kind,
          oneLine(task.key),
          task.state,
          String(task.attempts),
          task.next_run_at ?? '–',
          errorText(task.last_error),
        ],
        none: 'nothing is waiting',
      })
    })
  },
}

export const taskShow: Command = {
  name: 'task show',
  summary: 'Show a task and its timeline; also one that is done, for 30 days',
  operands: ['ID'],
  options: { json: { help: 'JSON, as REST answers it' }, ...accountOption, ...connectionOptions },
  run: async (input) =>
    withClient(input, async (client) => {
      const account = await chosenAccount(client, input)
      const id = encodeURIComponent(input.operand(0))
      const task = await client.request<TaskDetailsJson>('GET', `/accounts/${account.id}/tasks/${id}`)
      if (input.isOn('json')) return printJson(task)
      printLine(`id        ${oneLine(task.id)}`)
      printLine(`kind      ${task.kind} of ${oneLine(task.key)}`)
      printLine(`state     ${task.state}, ${task.attempts === 1 ? '1 attempt' : `${task.attempts} attempts`}`)
      if (task.next_run_at !== null) printLine(`next run  ${task.next_run_at}`)
      printLine(`why       ${errorText(task.last_error)}\n`)
      printLine(
        table(
          ['AT', 'WHAT', 'WHY'],
          task.timeline.map((step) => [step.at, step.what, errorText(step.error)]),
        ),
      )
    }),
}

function errorText(error: TaskJson['last_error']): string {
  return error === null ? '–' : `${error.code}: ${oneLine(error.message, 100)}`
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
      printLine(`task ${task.id} is ${task.state}${task.next_run_at === null ? '' : `, next run ${task.next_run_at}`}`)
    }),
}
