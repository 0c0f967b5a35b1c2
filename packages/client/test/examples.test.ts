import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'

import { expect, test } from 'vitest'

import { start, token } from './harness.ts'

interface Given {
  readonly url: string
  readonly accountId: string
  readonly draftId: string
}

/** The examples of a document, each as a module: the words that it takes from a reader's own code before it. */
async function examples(document: string): Promise<readonly string[]> {
  const text = await readFile(new URL(document, import.meta.url), 'utf8')
  const blocks = [...text.matchAll(/^```ts\n(?<code>[\s\S]*?)^```/gm)].map((match) => match.groups?.['code'] ?? '')
  const client = "import { createClient } from '@everdraft/client'\nconst client = createClient({ url, token })\n"
  return blocks.map((code) => (code.includes('createClient(') ? code : `${client}${code}`))
}

function moduleOf(code: string, given: Given): string {
  return `
import { idempotently } from '@everdraft/client'
const { url, token, accountId, draftId } = ${JSON.stringify({ ...given, token })}
const path = { id: accountId, draft_id: draftId }
const file = new File(['The minutes'], 'minutes.txt')
const ended = new AbortController()
const { signal } = ended
let cursor = 0
const readAllAnew = async () => {}
const show = (...values) => { console.log(...values); ended.abort() }
${code.replace("'http://127.0.0.1:8025'", 'url')}
console.log('done')
`
}

function run(code: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const args = ['--input-type=module-typescript', '--eval', code]
    execFile(process.execPath, args, { cwd: import.meta.dirname }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${code}\n${stdout}${stderr}`))
    })
  })
}

test('the examples of docs/client.md and of the README of the package run as they stand there', async () => {
  const { url, client, accountId } = await start()
  const all = [...(await examples('../../../docs/client.md')), ...(await examples('../README.md'))]
  expect(all).toHaveLength(5)
  const said: string[] = []
  for (const code of all) {
    const body = { to: 'bob@example.org', subject: 'Hello', text: 'One' }
    const { data: draft } = await client.POST('/accounts/{id}/drafts', { params: { path: { id: accountId } }, body })
    const path = { id: accountId, draft_id: draft.id }
    // The first example has seen version 3.
    for (const text of ['Two', 'Three']) {
      await client.PUT('/accounts/{id}/drafts/{draft_id}', { params: { path }, body: { text } })
    }
    said.push(await run(moduleOf(code, { url, accountId, draftId: draft.id })))
  }
  expect(said.map((output) => output.split('\n').at(-2))).toEqual(all.map(() => 'done'))
  const { data: drafts } = await client.GET('/accounts/{id}/drafts', { params: { path: { id: accountId } } })
  expect(
    drafts.items.map(({ version, status, attachments }) => [version, status !== 'draft', attachments.length]),
  ).toEqual(
    expect.arrayContaining([
      [4, false, 0],
      [3, true, 0],
      [4, false, 1],
    ]),
  )
}, 60_000)
