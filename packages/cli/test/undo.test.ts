import { expect, test } from 'vitest'

import { begin, everdraft, temporaryFolder } from './harness.ts'

interface Folder {
  readonly data: string
  /** The output of a command that must exit 0. */
  readonly run: (...args: readonly string[]) => Promise<string>
  readonly draft: (...fields: readonly string[]) => Promise<string>
}

/** A data folder with an account whose server nobody asks. */
async function startFolder(): Promise<Folder> {
  const data = await temporaryFolder()
  const account = ['--address', 'ann@example.org', '--imap-host', '127.0.0.1', '--imap-port', '1']
  await everdraft(['account', 'add', ...account, '--data', data], { stdin: 'secret\n' })
  const run = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await everdraft([...args, '--data', data])
    expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' })
    return stdout
  }
  return {
    data,
    run,
    draft: async (...fields) =>
      (JSON.parse(await run('draft', 'create', '--local-only', '--json', ...fields)) as { id: string }).id,
  }
}

test('an earlier version, what was discarded, and the changes since can be had back', async () => {
  const { data, run, draft } = await startFolder()
  const id = await draft('--subject', 'first')
  await run('draft', 'edit', id, '--subject', 'second')
  expect(await run('draft', 'restore', id, '1')).toContain('it is version 3')
  expect(await run('draft', 'show', id)).toMatch(/^subject +first$/m)
  expect(await run('draft', 'history', id)).toMatch(/^3 +\S+Z +user +\S+ +\d+ B +subject$/m)
  expect(await run('draft', 'discard-changes', id)).toContain(`draft ${id}`)
  await run('draft', 'discard', id)
  expect(await run('draft', 'undiscard', id)).toContain(`draft ${id} is a draft again`)
  for (const [args, reason] of [
    [['draft', 'undiscard', id], /only a discarded one/],
    [['draft', 'restore', id, '99'], /no version 99/],
  ] as const) {
    const { code, stderr } = await everdraft([...args, '--data', data])
    expect({ args, code }).toEqual({ args, code: 1 })
    expect(stderr).toMatch(reason)
  }
})

test('a draft is found by its words in the command after the one that saved it', async () => {
  const { run, draft } = await startFolder()
  const id = await draft('--subject', 'Harbour', '--text', 'the ice was thick')
  await draft('--subject', 'something else')
  expect(await run('draft', 'search', 'ICE')).toMatch(new RegExp(`^${id} +draft +\\S+Z +Harbour +.*\\[ice\\]`, 'm'))
  const found = JSON.parse(await run('draft', 'search', 'harb thick', '--json')) as { total: number; items: object[] }
  expect(found).toMatchObject({ total: 1, items: [{ id }] })
  expect(await run('draft', 'search', 'desert')).toBe('nothing found\n')
})

test('a template is what a draft begins with', async () => {
  const { data, run, draft } = await startFolder()
  expect(await run('template', 'list')).toContain('no templates yet')
  expect(await run('template', 'add', '--name', 'Weekly', '--subject', 'Week', '--text', 'Done:')).toMatch(
    /^template \S+ \(Weekly\) added$/m,
  )
  expect(await run('template', 'list')).toMatch(/^\S+ +Weekly +Week +Done:$/m)
  const id = await draft('--template', 'Weekly', '--subject', 'Week 7')
  const shown = JSON.parse(await run('draft', 'show', id, '--json')) as object
  expect(shown).toMatchObject({ subject: 'Week 7', text: 'Done:' })
  expect(await run('template', 'remove', 'Weekly')).toContain('removed')
  expect(JSON.parse(await run('template', 'list', '--json'))).toMatchObject({ total: 0, items: [] })
  const missing = await everdraft(['draft', 'create', '--template', 'Weekly', '--data', data])
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no template Weekly') })
})

test('a conflict is shown with both sides, and ended by a strategy or by hand', async () => {
  const { data, run, draft } = await startFolder()
  const id = await draft('--text', 'at noon')
  expect(await run('draft', 'conflicts', id)).toBe('no conflicts\n')
  const { account_id: accountId } = JSON.parse(await run('draft', 'show', id, '--json')) as { account_id: string }
  await run('draft', 'edit', id, '--text', 'at three')

  // The command line saves onto what it sees: two programs on a daemon make the conflict.
  const daemon = begin(['serve', '--data', data, '--listen', '127.0.0.1:0', '--token', 'the-token'])
  const [, url = ''] = await daemon.printed(/listens on (\S+)/)
  const conflictOf = async (text: string): Promise<string> => {
    const response = await fetch(`${url}/accounts/${accountId}/drafts/${id}?on_conflict=merge&base_version=1`, {
      method: 'PUT',
      headers: { authorization: 'Bearer the-token', 'content-type': 'application/json' },
      body: JSON.stringify({ text }),
    })
    expect(response.status).toBe(409)
    return ((await response.json()) as { conflict_id: string }).conflict_id
  }
  const first = await conflictOf('at nine')
  const second = await conflictOf('at ten')
  daemon.kill('SIGTERM')
  expect((await daemon.ended).code).toBe(0)

  const shown = await run('draft', 'conflicts', id)
  expect(shown).toContain(`conflict  ${second}\nstate     waits for a decision`)
  expect(shown).toContain('text\n  base    at noon\n  local   at nine\n  remote  at three\n')
  const unmerged = await everdraft(['draft', 'resolve', id, first, '--strategy', 'merge', '--data', data])
  expect(unmerged).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot be merged') })
  expect(await run('draft', 'resolve', id, first, '--strategy', 'local-wins')).toContain('is at version 3')
  expect(await run('draft', 'resolve', id, second, '--text', 'at six')).toContain('is at version 4')
  expect(await run('draft', 'show', id)).toContain('at six')
  const { items } = JSON.parse(await run('draft', 'conflicts', id, '--json')) as { items: object[] }
  expect(items).toMatchObject([{ resolution: 'fields' }, { resolution: 'local-wins' }])
})
