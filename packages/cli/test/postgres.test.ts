import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { postgresPrograms, type PostgresServer, startPostgres } from '../../postgres/test/postgres-server.ts'
import { begin, everdraft, mailUser, startMailServer, temporaryFolder } from './harness.ts'

const programs = postgresPrograms()

async function failure(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await everdraft(args)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  return stderr
}

// skipped: where PostgreSQL is not installed; CI installs it
describe.skipIf(programs === null)('serve --database-url', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres(programs ?? '')
  })
  afterAll(() => server.stop())

  test('keeps the drafts in PostgreSQL: they are sent, survive kill -9, and belong to one process at a time', async () => {
    const data = await temporaryFolder()
    const mailServer = await startMailServer()
    const options = ['--listen', '127.0.0.1:0', '--database-url', server.url]
    const serve = (folder: string): readonly string[] => ['serve', '--data', folder, ...options]
    const asked = async (...args: readonly string[]): Promise<ReturnType<typeof JSON.parse>> => {
      const { code, stdout, stderr } = await everdraft([...args, '--json', '--data', data])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      return JSON.parse(stdout)
    }
    const first = begin(serve(data))
    await first.printed(/token {2}in /)
    const ports = { imap: String(mailServer.imapPort), smtp: String(mailServer.smtpPort) }
    const servers = Object.entries(ports).flatMap(([name, port]) => {
      return [`--${name}-host`, '127.0.0.1', `--${name}-port`, port, `--${name}-security`, 'none']
    })
    const added = await everdraft(['account', 'add', '--address', mailUser.name, ...servers, '--data', data], {
      stdin: `${mailUser.password}\n`,
    })
    expect(added).toMatchObject({ code: 0, stderr: '' })
    const created = await everdraft([
      'draft',
      'create',
      '--subject',
      'Hello',
      '--to',
      'bob@example.org',
      '--text',
      'Dear Bob',
      '--data',
      data,
    ])
    expect(created).toMatchObject({ code: 0, stderr: '' })
    const { items } = await asked('draft', 'list')
    expect(items).toMatchObject([{ subject: 'Hello', status: 'draft' }])
    // The store, the outbox and the key are at work: nothing lies in the folder but what must not be in a dump.
    expect(existsSync(join(data, 'everdraft.db'))).toBe(false)

    const other = await temporaryFolder()
    expect(await failure(serve(other))).toContain('another everdraft is on this database already')

    first.kill('SIGKILL')
    await first.ended
    const second = begin(serve(data))
    await second.printed(/token {2}in /)
    const [draft] = (await asked('draft', 'list')).items
    expect(draft).toMatchObject({ id: items[0].id, subject: 'Hello' })
    const sent = await everdraft(['draft', 'send', draft.id, '--wait', '60', '--data', data])
    expect(sent).toMatchObject({ code: 0, stderr: '' })
    expect(mailServer.submissions).toHaveLength(1)
    expect((await asked('send', 'list')).items).toMatchObject([{ status: 'sent', subject: 'Hello' }])
    second.kill('SIGTERM')
    const { code, stdout, stderr } = await second.ended
    expect(code).toBe(0)
    expect(stdout + stderr).not.toContain(mailUser.password)

    const where = `the drafts of ${data} are in PostgreSQL`
    expect(await failure(['draft', 'list', '--data', data])).toContain(`${where}, and no daemon is on it`)
    expect(await failure(['serve', '--data', data, '--listen', '127.0.0.1:0'])).toContain(
      `${where}: see --database-url`,
    )
    expect(await failure(['doctor', '--data', data])).toContain(`${where}: pg_dump`)
    expect(await failure(['backup', join(other, 'copy.db'), '--data', data])).toContain(`${where}: pg_dump`)
  }, 180_000)

  test('takes no folder that has drafts of its own', async () => {
    const data = await temporaryFolder()
    await everdraft(['account', 'list', '--data', data])
    const said = await failure(['serve', '--data', data, '--database-url', server.url])
    expect(said).toContain(`${join(data, 'everdraft.db')} has drafts`)
  })
})

test('a server that is not there is named without the password; and there are no workers yet', async () => {
  const data = await temporaryFolder()
  await writeFile(join(data, 'config.json'), '{"database_url": "postgres://ann:sesame@localhost:1/mail"}')
  const said = await failure(['serve', '--data', data])
  expect(said).toContain('localhost:1/mail')
  expect(said).toContain('cannot be reached')
  expect(said).not.toContain('sesame')
  expect(await failure(['worker', '--database-url', 'postgres://localhost/mail'])).toContain(
    'no workers in this version',
  )
})
