import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { everdraft, temporaryFolder } from './harness.ts'

async function folderWith(subjects: readonly string[]): Promise<string> {
  const data = await temporaryFolder()
  const account = ['--address', 'ann@example.org', '--imap-host', '127.0.0.1', '--imap-port', '1']
  await everdraft(['account', 'add', ...account, '--data', data], { stdin: 'secret\n' })
  for (const subject of subjects) {
    await everdraft(['draft', 'create', '--local-only', '--subject', subject, '--text', 'Hello', '--data', data])
  }
  return data
}

test('drafts go from one folder to another by a file, whose ending says what it is', async () => {
  const from = await folderWith(['one', 'two'])
  const files = await temporaryFolder()
  for (const [name, begins] of [
    ['drafts.gz', '\u001f'],
    ['drafts.json', '{"bundleId"'],
    ['drafts.mbox', 'From MAILER-DAEMON'],
  ] as const) {
    const path = join(files, name)
    const exported = await everdraft(['export', path, '--data', from])
    expect(exported).toMatchObject({ code: 0, stderr: '' })
    expect(exported.stdout).toMatch(/^exported to .+ \([\d.]+ K?B\)\n$/)
    expect((await readFile(path, 'latin1')).startsWith(begins), name).toBe(true)
    const into = await folderWith([])
    expect(await everdraft(['import', path, '--data', into])).toMatchObject({
      code: 0,
      stdout: '2 drafts: 2 created\n',
      stderr: '',
    })
    const listed = await everdraft(['draft', 'list', '--data', into])
    expect(listed.stdout).toMatch(/ one$/m)
    expect(listed.stdout).toMatch(/ two$/m)
  }
})

test('an export writes over nothing, and leaves nothing where it fails', async () => {
  const data = await folderWith(['one', 'two'])
  const files = await temporaryFolder()
  const path = join(files, 'drafts.json')
  await writeFile(path, 'mine')
  const refused = await everdraft(['export', path, '--data', data])
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('writes over nothing') })
  expect(await readFile(path, 'utf8')).toBe('mine')
  const eml = await everdraft(['export', join(files, 'two.eml'), '--data', data])
  expect(eml).toMatchObject({ code: 1, stderr: expect.stringContaining('eml is one draft') })
  expect(await readdir(files)).toEqual(['drafts.json'])
  const wrong = await everdraft(['export', join(files, 'x'), '--format', 'zip', '--data', data])
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('--format') })
})

test('what is here already is brought on or kept, and what is wrong in a file is named', async () => {
  const data = await folderWith(['one'])
  const path = join(await temporaryFolder(), 'drafts.json')
  await everdraft(['export', path, '--without-history', '--data', data])
  const bundle = JSON.parse(await readFile(path, 'utf8')) as { drafts: { draftId: string; body: unknown }[] }
  bundle.drafts[0]!.body = 'Theirs'
  await writeFile(path, JSON.stringify(bundle))
  const id = bundle.drafts[0]!.draftId
  const conflict = await everdraft(['import', path, '--data', data])
  expect(conflict.stdout).toBe(
    `1 drafts: 1 in conflict\ndraft ${id} is said otherwise here: everdraft draft conflicts ${id}\n`,
  )
  const taken = await everdraft(['import', path, '--on-conflict', 'remote-wins', '--json', '--data', data])
  expect(JSON.parse(taken.stdout)).toMatchObject({ counts: { updated: 1 }, items: [{ draft_id: id }] })
  bundle.drafts[0]!.body = 7
  await writeFile(path, JSON.stringify(bundle))
  const wrong = await everdraft(['import', path, '--data', data])
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('drafts[0].body: must be a text') })
  expect((await everdraft(['import', join(path, 'nowhere'), '--data', data])).code).toBe(1)
})
