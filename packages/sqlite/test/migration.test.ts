import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import {
  type AccountId,
  type ContentField,
  createEngine,
  type Draft,
  type EngineOptions,
  inspectStore,
  type TaskId,
  type Version,
  WireError,
} from '@everdraft/core'
import Database from 'better-sqlite3'
import { describe, expect, test } from 'vitest'

import { collect, sha256 } from '../../core/test/fake-mailbox.ts'
import { taskHistory } from '../../core/src/storage/task-steps.ts'
import { nodeSqlite, sqlite } from '../src/index.ts'
import { codeOf, openStoreAt, temporaryFolder } from './harness.ts'

/** What the program that wrote the file said of it. */
interface Said {
  readonly accountId: AccountId
  readonly drafts: readonly (Omit<Draft, 'sync'> & {
    readonly sync: object
    readonly history: readonly {
      readonly version: Version
      readonly by: string
      readonly fieldsChanged: readonly ContentField[]
      readonly text: string
    }[]
  })[]
  readonly tasks: readonly { readonly kind: string; readonly key: string; readonly state: string }[]
  readonly conflicts: readonly { readonly draftId: Draft['id']; readonly local: string; readonly remote: string }[]
  readonly templates: readonly string[]
}

const mailbox: EngineOptions['mailbox'] = {
  format: {
    compose: () => Promise.reject(new Error('not reached')),
    parse: () => Promise.reject(new Error('not reached')),
  },
  connect: () => Promise.reject(new WireError('UNREACHABLE', 'there is no server')),
}

/** Nothing is taken out of the trash or the history because these files are old by now. */
const long = 1_000 * 365 * 24 * 3_600_000
const housekeeping = {
  history: { allMs: long, hourlyMs: long, dailyMs: long },
  trashMs: long,
  logMs: long,
}

async function oldFile(version: number, path: string): Promise<Said> {
  const fixture = (ending: string) =>
    readFile(join(import.meta.dirname, 'fixtures', `schema-${version}.${ending}`), 'utf8')
  const raw = new Database(path)
  raw.exec(await fixture('sql'))
  raw.close()
  return JSON.parse(await fixture('json')) as Said
}

const tables = (path: string): unknown => {
  const raw = new Database(path, { readonly: true })
  const found = raw.prepare('select type, name, sql from sqlite_schema order by type, name').all()
  raw.close()
  return found
}

describe.each([
  ['better-sqlite3', sqlite],
  ['node:sqlite', nodeSqlite],
] as const)('%s opens a file of', (_driver, storageAt) => {
  test('schema version 2: what happened to its tasks is told as before', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'everdraft.db')
    await oldFile(2, file)
    const before = new Database(file)
    const steps = before.prepare('select task_id, at, what, error from task_step order by seq').all() as readonly {
      readonly task_id: TaskId
      readonly at: number
      readonly what: string
      readonly error: string | null
    }[]
    before.close()
    const store = await openStoreAt(file, () => storageAt(file))
    const tasks = Map.groupBy(steps, (step) => step.task_id)
    expect(tasks.size).toBeGreaterThan(2)
    const { accountId } = JSON.parse(
      await readFile(join(import.meta.dirname, 'fixtures', 'schema-2.json'), 'utf8'),
    ) as Said
    for (const [id, own] of tasks) {
      const history = await store.read((db) => taskHistory(db, accountId, id))
      const expected = own.map(({ at, what, error }) => ({
        at,
        what,
        error: error === null ? null : JSON.parse(error),
      }))
      expect(history?.steps).toEqual(expected)
    }
    await store.close()
  })

  test('schema version 27: what happened to its sends is told as before', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'everdraft.db')
    const said: unknown = await oldFile(27, file)
    const engine = await createEngine({ storage: storageAt(file), mailbox, housekeeping })
    const { items } = await engine.sends.list({ limit: 50 })
    expect(items.map(({ id, subject, status, events }) => ({ id, subject, status, events }))).toEqual(said)
    const waiting = items.find(({ subject }) => subject === 'Waiting')
    const undone = waiting && (await engine.sends.cancel(waiting.id))
    expect(undone?.events.map(({ type }) => type)).toEqual(['consented', 'cancelled'])
    await engine.close()
    expect((await inspectStore(storageAt(file))).findings).toEqual([])
  })

  test.each([1, 2, 31, 32])(
    'schema version %i: every draft, version, attachment and task is there',
    async (version) => {
      await using folder = await temporaryFolder()
      const file = join(folder.path, 'everdraft.db')
      const said = await oldFile(version, file)
      expect((await inspectStore(storageAt(file))).findings).toEqual([])

      const engine = await createEngine({ storage: storageAt(file), mailbox, housekeeping })
      expect((await engine.accounts.list()).items).toMatchObject([{ id: said.accountId, address: 'ann@example.org' }])
      expect((await engine.drafts.list({ limit: 500 })).items.map(({ id }) => id)).toEqual(
        said.drafts.map(({ id }) => id),
      )
      for (const { history, ...draft } of said.drafts) {
        const found = await engine.drafts.get(draft.id)
        expect(found).toMatchObject(draft)
        for (const attachment of draft.attachments) {
          const { content } = await engine.drafts.readAttachment(draft.id, attachment.id)
          const bytes = await collect(content)
          expect(bytes).toHaveLength(attachment.size)
          expect(sha256(bytes)).toBe(attachment.sha256)
        }
        const versions = await engine.drafts.history(draft.id)
        expect(versions).toMatchObject(history.map(({ text: _text, ...revision }) => revision))
        if (draft.status === 'draft') {
          for (const { version: earlier, text } of history) {
            expect((await engine.drafts.restore(draft.id, earlier)).text).toBe(text)
          }
        }
      }
      const { items: tasks } = await engine.tasks.list(said.accountId, { limit: 500 })
      for (const { kind, key } of said.tasks) expect(tasks).toContainEqual(expect.objectContaining({ kind, key }))
      for (const { draftId, local, remote } of said.conflicts) {
        expect(await engine.drafts.conflicts(draftId)).toMatchObject([
          { local: { subject: local }, remote: { subject: remote } },
        ])
      }
      expect((await engine.templates.list(said.accountId)).items.map(({ name }) => name)).toEqual(said.templates)
      await engine.housekeep()
      const offline = said.drafts.filter(({ subject }) => subject === 'Offline')
      expect((await engine.drafts.search('offl')).items.map(({ draft }) => draft.id)).toEqual(
        offline.map(({ id }) => id),
      )
      await engine.close()
      expect((await inspectStore(storageAt(file))).findings).toEqual([])
    },
  )

  test.each([1, 2, 31, 32])('schema version %i: afterwards its tables are those of a new file', async (version) => {
    await using folder = await temporaryFolder()
    const [old, fresh] = [join(folder.path, 'old.db'), join(folder.path, 'new.db')]
    await oldFile(version, old)
    for (const file of [old, fresh]) {
      const store = await openStoreAt(file, () => storageAt(file))
      await store.close()
    }
    expect(tables(old)).toEqual(tables(fresh))
    const raw = new Database(old, { readonly: true })
    expect(raw.pragma('application_id', { simple: true })).toBe(0x65764472)
    raw.close()
  })

  test('a newer schema: STORAGE_TOO_NEW, and it stays as it is', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'everdraft.db')
    await oldFile(2, file)
    const raw = new Database(file)
    raw.exec(`update meta set value = '9999' where key = 'schema_version'`)
    raw.close()
    const before = tables(file)
    expect(await codeOf(openStoreAt(file, () => storageAt(file)))).toBe('STORAGE_TOO_NEW')
    expect(tables(file)).toEqual(before)
  })
})
