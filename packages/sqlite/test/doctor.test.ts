import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  createEngine,
  type Engine,
  type EngineOptions,
  type FindingCode,
  inspectStore,
  type Version,
} from '@everdraft/core'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { sqlite } from '../src/index.ts'

/** A mailbox that is never reached: these tests are about what is on the disk. */
const unreachable: EngineOptions['mailbox'] = {
  format: {
    compose: () => Promise.reject(new Error('not reached')),
    parse: () => Promise.reject(new Error('not reached')),
  },
  connect: () => Promise.reject(new Error('not reached')),
}

let folder = ''
let file = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'everdraft-doctor-'))
  file = join(folder, 'everdraft.db')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function open(): Promise<Engine> {
  return createEngine({ storage: sqlite(file), mailbox: unreachable })
}

/** A store with a draft of three versions and an attachment; `damage` is done to its file. */
async function damaged(damage: (database: Database.Database, draftId: string) => void): Promise<string> {
  const engine = await open()
  const account = await engine.accounts.add({
    address: 'ann@example.org',
    imap: { host: '127.0.0.1', port: 1, security: 'none', user: 'ann', password: 'secret' },
  })
  const draft = await engine.drafts.create({ accountId: account.id, subject: 'private subject', text: 'one\n' })
  await engine.drafts.save(draft.id, { text: 'two\n' })
  await engine.drafts.attach(draft.id, { filename: 'a.bin', content: new Uint8Array(300_000).fill(7) })
  const late = engine.drafts.save(draft.id, { text: 'too late\n' }, { baseVersion: 1 as Version, onConflict: 'merge' })
  await expect(late).rejects.toMatchObject({ code: 'CONFLICT' })
  await engine.close()
  const database = new Database(file)
  damage(database, draft.id)
  database.close()
  return draft.id
}

const receipt = (draftId: string): readonly unknown[] => [
  draftId,
  'account',
  'Drafts',
  1,
  5,
  '<m@x>',
  2,
  'no such attempt',
]

describe('the doctor', () => {
  test('finds nothing in a store that is as it was left', async () => {
    await damaged(() => {})
    expect(await inspectStore(sqlite(file))).toEqual({ findings: [], drafts: 1, accounts: 1 })
  })

  const cases: readonly {
    readonly what: string
    readonly code: FindingCode
    readonly repairable: boolean
    readonly damage: (database: Database.Database, draftId: string) => void
  }[] = [
    {
      what: 'a draft that says it is synchronized and has no name',
      code: 'COPY_STATE',
      repairable: true,
      damage: (database) => void database.prepare(`update draft set sync_state = 'synchronized'`).run(),
    },
    {
      what: 'an anchor of a draft that is local-only',
      code: 'COPY_STATE',
      repairable: true,
      damage: (database, id) =>
        void database.prepare('insert into anchor values (?, ?, ?, ?, ?, ?, ?, ?)').run(...receipt(id)),
    },
    {
      what: 'a history that ends before the head',
      code: 'HISTORY',
      repairable: true,
      damage: (database) => {
        database.prepare('delete from revision where version = 3').run()
        database
          .prepare(`update revision set encoding = 'full', content = draft_content.content from draft_content`)
          .run()
      },
    },
    {
      what: 'a revision that cannot be read',
      code: 'HISTORY',
      repairable: false,
      damage: (database) => {
        database.prepare(`update revision set encoding = 'full', content = 'private' where version = 1`).run()
      },
    },
    {
      what: 'a run of revisions that cannot be read',
      code: 'HISTORY',
      repairable: false,
      damage: (database) => {
        database.prepare(`update revision set content = 'private' || char(10) where encoding = 'run'`).run()
      },
    },
    {
      what: 'a run of revisions that ends too early',
      code: 'HISTORY',
      repairable: false,
      damage: (database) => {
        database.prepare(`update revision set content = substr(content, 1, 20) where encoding = 'run'`).run()
      },
    },
    {
      what: 'a revision that nothing tells, as the run after it is another',
      code: 'HISTORY',
      repairable: false,
      damage: (database) => {
        database.prepare('update revision set version = 0 where version = 1').run()
      },
    },
    {
      what: 'a head that is no JSON',
      code: 'HISTORY',
      repairable: false,
      damage: (database) => void database.prepare(`update draft_content set content = 'private'`).run(),
    },
    {
      what: 'a head that is no content',
      code: 'HISTORY',
      repairable: false,
      damage: (database) => void database.prepare(`update draft_content set content = '{"private":1}'`).run(),
    },
    {
      what: 'a draft without a head',
      code: 'HISTORY',
      repairable: false,
      damage: (database) => void database.prepare('delete from draft_content').run(),
    },
    {
      what: 'a last save that cannot be read',
      code: 'HISTORY',
      repairable: false,
      damage: (database) => void database.prepare(`update draft set recent = 'private' || char(10)`).run(),
    },
    {
      what: 'last saves that end before the head',
      code: 'HISTORY',
      repairable: false,
      damage: (database, id) => {
        const line = [3, 0, 'device', 'user', { text: [0, '', 'x'] }]
        database.prepare('update draft set recent = ? where id = ?').run(`${JSON.stringify(line)}\n`, id)
        database.prepare('delete from revision where version = 3').run()
        database.prepare('update draft set version = 4 where id = ?').run(id)
      },
    },
    {
      what: 'a record of a revision that cannot be read',
      code: 'HISTORY',
      repairable: true,
      damage: (database) => void database.prepare(`update revision set fields_changed = 'private'`).run(),
    },
    {
      what: 'a text of a conflict that cannot be read',
      code: 'CONFLICT',
      repairable: false,
      damage: (database) => void database.prepare(`update conflict set local = 'private'`).run(),
    },
    {
      what: 'a draft in the outbox without a consent',
      code: 'OUTBOX',
      repairable: false,
      damage: (database) => void database.prepare(`update draft set status = 'sending'`).run(),
    },
    {
      what: 'drafts that are not counted',
      code: 'COUNT',
      repairable: true,
      damage: (database) => void database.prepare('update draft_count set drafts = drafts + 5').run(),
    },
    {
      what: 'an attachment that is not there',
      code: 'ATTACHMENT',
      repairable: false,
      damage: (database) => {
        database.prepare('delete from blob_ref').run()
        database.prepare('delete from blob').run()
      },
    },
    {
      what: 'an attachment that nobody holds',
      code: 'ATTACHMENT',
      repairable: true,
      damage: (database) => void database.prepare('delete from blob_ref').run(),
    },
    {
      what: 'an attachment with other bytes',
      code: 'ATTACHMENT_BYTES',
      repairable: false,
      damage: (database) => {
        database.exec(`attach database '${file}-attachments' as beside`)
        database.exec('update beside.piece set bytes = zeroblob(length(bytes)) where start > 0')
      },
    },
    {
      what: 'a hold by a draft that is not there',
      code: 'DANGLING',
      repairable: true,
      damage: (database) => void database.prepare(`insert into blob_ref select 'nobody', id from blob`).run(),
    },
    {
      what: 'a task whose lane is not there',
      code: 'DANGLING',
      repairable: true,
      damage: (database) => void database.prepare('delete from lane').run(),
    },
    {
      what: 'a debt that no attempt of ours made',
      code: 'RECEIPT_WITHOUT_ATTEMPT',
      repairable: false,
      damage: (database, id) =>
        void database
          .prepare(
            'insert into delete_debt (draft_id, account_id, folder, uid_validity, uid, message_id, version, attempt_id) values (?, ?, ?, ?, ?, ?, ?, ?)',
          )
          .run(...receipt(id)),
    },
  ]

  for (const { what, code, repairable, damage } of cases) {
    test(`finds ${what}${repairable ? ', and repairs it' : ', and says that it cannot repair it'}`, async () => {
      await damaged(damage)
      const { findings } = await inspectStore(sqlite(file))
      expect(findings.map((finding) => finding.code)).toContain(code)
      expect(findings.every((finding) => !finding.repaired)).toBe(true)
      expect(JSON.stringify(findings)).not.toContain('private')
      const repaired = await inspectStore(sqlite(file), { repair: true })
      expect(repaired.findings.find((finding) => finding.code === code)?.repaired).toBe(repairable)
      const after = await inspectStore(sqlite(file))
      expect(after.findings.some((finding) => finding.code === code)).toBe(!repairable)
    })
  }

  test('repairs without losing a text, and the engine works on the repaired file', async () => {
    const id = await damaged((database) => {
      database.prepare(`update draft set sync_state = 'synchronized'`).run()
      database.prepare('delete from revision where version = 3').run()
      database.prepare('delete from draft_search').run()
    })
    await inspectStore(sqlite(file), { repair: true })
    const engine = await open()
    const { items } = await engine.drafts.list()
    expect(items.map((draft) => draft.id as string)).toEqual([id])
    expect((await engine.drafts.get(items[0]!.id)).text).toBe('two\n')
    expect((await engine.drafts.save(items[0]!.id, { text: 'three\n' })).version).toBe(4)
    await engine.housekeep()
    expect((await engine.drafts.search('three')).total).toBe(1)
    await engine.close()
  })

  test('finds damaged pages and does not write to them', async () => {
    await damaged(() => {})
    const { size } = await stat(file)
    const database = new Database(file)
    database.pragma('wal_checkpoint(TRUNCATE)')
    const { rootpage } = database
      .prepare(`select rootpage from sqlite_master where name = 'blob_ref_by_blob'`)
      .get() as { rootpage: number }
    database.close()
    const handle = await import('node:fs/promises').then((fs) => fs.open(file, 'r+'))
    await handle.write(Buffer.alloc(200, 0xff), 0, 200, (rootpage - 1) * 4096 + 8)
    await handle.close()
    const report = await inspectStore(sqlite(file), { repair: true }).catch((error: unknown) => error)
    expect(JSON.stringify(report)).toMatch(/DAMAGED|damaged/)
    expect((await stat(file)).size).toBe(size)
  })
})

describe('a backup', () => {
  test('made while saves go on is a whole store: each draft in it is at a version that was acknowledged', async () => {
    const engine = await open()
    const account = await engine.accounts.add({
      address: 'ann@example.org',
      imap: { host: '127.0.0.1', port: 1, security: 'none', user: 'ann', password: 'secret' },
    })
    const draft = await engine.drafts.create({ accountId: account.id, text: 'version 1\n' })
    await engine.drafts.attach(draft.id, { filename: 'a.bin', content: new Uint8Array(2_000_000).fill(3) })
    const copy = join(folder, 'copy.db')
    const stop = new AbortController()
    const saving = (async () => {
      let version = 2
      while (!stop.signal.aborted) {
        version += 1
        await engine.drafts.save(draft.id, { text: `version ${version}\n` })
        await new Promise((resolve) => setImmediate(resolve))
      }
      return version
    })()
    await engine.backup(copy)
    stop.abort()
    const last = await saving
    await engine.close()
    expect((await stat(copy)).mode & 0o777).toBe(0o600)
    expect((await inspectStore(sqlite(copy))).findings).toEqual([])
    const restored = await createEngine({ storage: sqlite(copy), mailbox: unreachable })
    const found = await restored.drafts.get(draft.id)
    expect(found.text).toBe(`version ${found.version}\n`)
    expect(found.version).toBeLessThanOrEqual(last)
    await restored.close()
  })

  test('writes over no file', async () => {
    const engine = await open()
    const taken = join(folder, 'taken')
    await writeFile(taken, 'precious')
    await expect(engine.backup(taken)).rejects.toMatchObject({ code: 'STORAGE_ERROR' })
    await expect(engine.backup(join(folder, 'no', 'folder.db'))).rejects.toMatchObject({ code: 'STORAGE_ERROR' })
    await engine.close()
    expect((await stat(taken)).size).toBe(8)
  })
})
