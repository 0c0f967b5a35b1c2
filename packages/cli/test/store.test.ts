import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { begin, everdraft, temporaryFolder } from './harness.ts'

async function folderWithDraft(): Promise<{ readonly data: string; readonly id: string }> {
  const data = await temporaryFolder()
  const account = ['--address', 'ann@example.org', '--imap-host', '127.0.0.1', '--imap-port', '1']
  await everdraft(['account', 'add', ...account, '--data', data], { stdin: 'secret\n' })
  const created = await everdraft(['draft', 'create', '--local-only', '--subject', 'kept', '--json', '--data', data])
  return { data, id: (JSON.parse(created.stdout) as { id: string }).id }
}

test('a backup is a data folder of its own, writes over nothing, and the doctor finds nothing in it', async () => {
  const { data, id } = await folderWithDraft()
  const copy = join(await temporaryFolder(), 'everdraft.db')
  expect(await everdraft(['backup', copy, '--data', data])).toMatchObject({ code: 0, stderr: '' })
  const again = await everdraft(['backup', copy, '--data', data])
  expect(again.code).toBe(1)
  expect(again.stderr).toContain('writes over nothing')
  const examined = await everdraft(['doctor', '--data', join(copy, '..')])
  expect(examined).toMatchObject({ code: 0, stdout: '1 drafts of 1 accounts checked, 0 findings\n' })
  const shown = await everdraft(['draft', 'show', id, '--data', join(copy, '..')])
  expect(shown.stdout).toMatch(/^subject +kept$/m)
})

test('the doctor exits 1 for what is no store, for an empty folder, and while a daemon is on it', async () => {
  const { data } = await folderWithDraft()
  const empty = await temporaryFolder()
  const spoilt = await temporaryFolder()
  await writeFile(
    join(spoilt, 'everdraft.db'),
    'this is not a database, but long enough to be read as a header '.repeat(40),
  )
  const daemon = begin(['serve', '--data', data, '--listen', '127.0.0.1:0'])
  await daemon.printed(/http:\/\/127\.0\.0\.1:\d+/)
  for (const [folder, reason] of [
    [empty, 'there are no drafts in'],
    [spoilt, 'damaged or not a database'],
    [data, 'in use by another process'],
  ] as const) {
    const { code, stderr } = await everdraft(['doctor', '--data', folder])
    expect({ folder, code }).toEqual({ folder, code: 1 })
    expect(stderr).toContain(reason)
  }
  const copied = await everdraft(['backup', join(empty, 'copy.db'), '--data', data])
  expect(copied.code).toBe(1)
  expect(copied.stderr).toContain('a daemon is on')
  daemon.kill('SIGTERM')
  expect((await daemon.ended).code).toBe(0)
})
