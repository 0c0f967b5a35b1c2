import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import type { DraftManagerAnswer } from '@everdraft/core'
import { describe, expect, onTestFinished, test } from 'vitest'

import { type Running, start, token } from './harness.ts'

type Answers = Readonly<Record<string, DraftManagerAnswer>>

interface Workflow {
  readonly flow: unknown
  readonly runFlow: (flow: unknown, input: unknown, settings: unknown) => Promise<Answers>
}

/** The flow and the code of docs/workflow.md, as they stand there. */
async function documented(): Promise<Workflow> {
  const text = await readFile(new URL('../../../docs/workflow.md', import.meta.url), 'utf8')
  const blocks = (language: string): readonly string[] =>
    [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, block]) => block ?? '')
  const folder = await mkdtemp(join(tmpdir(), 'everdraft-workflow-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'workflow.mjs')
  await writeFile(file, blocks('js').join('\n'))
  const { runFlow } = (await import(pathToFileURL(file).href)) as Pick<Workflow, 'runFlow'>
  const [flow] = blocks('json')
  return { flow: JSON.parse(flow ?? ''), runFlow }
}

/** A draft that somebody else has written on since the flow has read it. */
async function movedOn(body: string): Promise<{
  readonly running: Running
  readonly draftId: string
  readonly run: (input: object) => Promise<Answers>
}> {
  const running = await start()
  const { id: accountId } = await running.addAccount()
  const { flow, runFlow } = await documented()
  const draftId = randomUUID()
  const run = (input: object): Promise<Answers> =>
    runFlow(flow, { draftId, recoveryOptions: {}, ...input }, { url: running.url, token, accountId })
  const first = await run({ draft: { subject: 'Monday', body: 'Dear Ann,\n\nfirst\n\nlast\n' } })
  expect(Object.keys(first)).toEqual(['save'])
  expect(first['save']).toMatchObject({
    status: 'success',
    output: { conflictDetected: false, draft: { version: 1 } },
  })
  await running.call('PUT', `/accounts/${accountId}/drafts/${draftId}`, { json: { text: body } })
  return { running, draftId, run }
}

describe('the flow of docs/workflow.md', () => {
  test('saves, and goes on to recover where somebody else has saved meanwhile', async () => {
    const { run } = await movedOn('Dear Ann,\n\nfirst\n\nby hand\n')
    const answers = await run({ draft: { body: 'Dear Ann,\n\nby the flow\n\nlast\n', version: 1 } })
    expect(answers['save']).toMatchObject({
      status: 'success',
      output: { conflictDetected: true, draft: { version: 3, body: 'Dear Ann,\n\nby the flow\n\nby hand\n' } },
    })
    expect(answers['recover']).toMatchObject({
      status: 'success',
      output: { recovery: { autoRecovered: true, userConfirmationRequired: false } },
    })
  })

  test('what cannot be merged is asked about, and decided where the flow says how', async () => {
    const { run } = await movedOn('Dear Ann,\n\nby hand\n\nlast\n')
    const input = { draft: { body: 'Dear Ann,\n\nby the flow\n\nlast\n', version: 1 } }
    const asked = await run(input)
    expect(asked['save']).toMatchObject({
      status: 'error',
      errorCode: 'CONFLICT_ERROR',
      output: { conflictDetected: true },
    })
    expect(asked['recover']).toMatchObject({
      output: { recovery: { userConfirmationRequired: true, autoRecovered: false } },
    })
    const decided = await run({ ...input, recoveryOptions: { preferLocal: true } })
    expect(decided['recover']).toMatchObject({
      status: 'success',
      output: {
        draft: { body: 'Dear Ann,\n\nby the flow\n\nlast\n' },
        recovery: { userConfirmationRequired: false },
      },
    })
  })
})
