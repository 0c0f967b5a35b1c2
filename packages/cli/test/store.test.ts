import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
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

test('the doctor exits 1 for what is no store and for an empty folder', async () => {
  const empty = await temporaryFolder()
  const spoilt = await temporaryFolder()
  await writeFile(
    join(spoilt, 'everdraft.db'),
    'this is not a database, but long enough to be read as a header '.repeat(40),
  )
  for (const [folder, reason] of [
    [empty, 'there are no drafts in'],
    [spoilt, 'damaged or not a database'],
  ] as const) {
    const { code, stderr } = await everdraft(['doctor', '--data', folder])
    expect({ folder, code }).toEqual({ folder, code: 1 })
    expect(stderr).toContain(reason)
  }
})

test('while a daemon is on the folder, the doctor checks a copy, and the key can be changed', async () => {
  const { data } = await folderWithDraft()
  const key = (): Promise<string> => readFile(join(data, 'everdraft.key'), 'utf8')
  const before = await key()
  const daemon = begin(['serve', '--data', data, '--listen', '127.0.0.1:0'])
  await daemon.printed(/http:\/\/127\.0\.0\.1:\d+/)
  expect(await everdraft(['doctor', '--data', data])).toMatchObject({
    code: 0,
    stdout: '1 drafts of 1 accounts checked, 0 findings\n',
    stderr: '',
  })
  expect((await readdir(data)).filter((name) => name.startsWith('.backup-'))).toEqual([])
  const repair = await everdraft(['doctor', '--repair', '--data', data])
  expect(repair).toMatchObject({ code: 1, stderr: expect.stringContaining('stop the daemon first') })

  expect(await everdraft(['key', 'rotate', '--data', data])).toMatchObject({ code: 0, stdout: 'sealed by a new key\n' })
  expect(await key()).not.toBe(before)
  const made = await everdraft(['token', 'create', '--scope', 'admin', '--data', data])
  const refused = await everdraft(['key', 'rotate', '--data', data, '--token', made.stdout.trim()])
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('for the token of the daemon itself') })
  daemon.kill('SIGTERM')
  expect((await daemon.ended).code).toBe(0)
  // Before that it was sealed by the new one alone.
  expect(await everdraft(['doctor', '--data', data])).toMatchObject({ code: 0 })
}, 120_000)

test('a backup is made while a daemon is on the folder, of it or over REST, for its own token alone', async () => {
  const { data, id } = await folderWithDraft()
  const daemon = begin(['serve', '--data', data, '--listen', '127.0.0.1:0'])
  const [, url = ''] = await daemon.printed(/listens on (\S+)/)
  const [first, second] = [await temporaryFolder(), await temporaryFolder()]
  const ofFolder = await everdraft(['backup', join(first, 'everdraft.db'), '--data', data])
  expect(ofFolder).toMatchObject({ code: 0, stderr: '' })
  const token = (await readFile(join(data, 'token'), 'utf8')).trim()
  const overRest = await everdraft(['backup', join(second, 'everdraft.db'), '--url', url, '--token', token])
  expect(overRest).toMatchObject({ code: 0, stderr: '' })
  for (const folder of [first, second]) {
    expect((await stat(join(folder, 'everdraft.db'))).mode & 0o777).toBe(0o600)
    expect((await everdraft(['draft', 'show', id, '--data', folder])).stdout).toMatch(/^subject +kept$/m)
    const examined = await everdraft(['doctor', '--data', folder])
    expect(examined).toMatchObject({ code: 0, stdout: '1 drafts of 1 accounts checked, 0 findings\n' })
  }

  const again = await everdraft(['backup', join(first, 'everdraft.db'), '--data', data])
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('writes over nothing') })
  const made = await everdraft(['token', 'create', '--scope', 'admin', '--scope', 'read', '--data', data])
  const refused = await everdraft(['backup', join(first, 'no.db'), '--url', url, '--token', made.stdout.trim()])
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('for the token of the daemon itself') })
  expect(await readdir(first)).not.toContain('no.db')
  daemon.kill('SIGTERM')
  expect((await daemon.ended).code).toBe(0)
}, 120_000)
