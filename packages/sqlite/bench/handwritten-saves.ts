import { randomUUID } from 'node:crypto'

import Database from 'better-sqlite3'

import type { Contestant } from './save-contestants.ts'

/** Tables of its own, so that a change of the engine's schema changes one side of the comparison only. */
const schema = `
  create table draft (
    id text primary key, account_id text not null, token text not null unique, status text not null,
    sync_state text not null, version integer not null, content text not null,
    created_at integer not null, updated_at integer not null
  ) strict;
  create index draft_by_change on draft (account_id, updated_at desc, id);
  create table revision (
    draft_id text not null references draft (id), version integer not null, content text not null,
    saved_at integer not null, device text not null, author text not null, fields_changed text not null,
    primary key (draft_id, version)
  ) strict;
  create table task (
    seq integer primary key autoincrement, id text not null unique, account_id text not null, lane text not null,
    kind text not null, key text not null, state text not null, priority integer not null, superseded integer not null,
    run_at integer not null, created_at integer not null
  ) strict;
  create unique index task_joined on task (account_id, kind, key) where state <> 'running';
  create index task_due on task (lane, priority desc, seq) where state = 'waiting';
`

const emptyContent = {
  from: null,
  to: [{ name: '', address: 'bob@example.org' }],
  cc: [],
  bcc: [],
  subject: 'A draft',
  html: null,
  inReplyTo: null,
  references: [],
  attachments: [],
  metadata: {},
  tags: [],
}

/**
 * The same facts with the same pragmas, written by hand: head, revision and task, in statements prepared once. It reads,
 * compares and validates nothing, and returns nothing.
 */
export function handwrittenSaves(file: string, drafts: number, commit: 'each' | 'together'): Contestant {
  const database = new Database(file, { timeout: 0 })
  database.pragma('locking_mode = EXCLUSIVE')
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  database.pragma('fullfsync = 1')
  database.pragma('foreign_keys = ON')
  database.pragma('wal_autocheckpoint = 4000')
  database.exec(schema)
  const accountId = randomUUID()
  const device = randomUUID()
  const insertDraft = database.prepare(
    `insert into draft (id, account_id, token, status, sync_state, version, content, created_at, updated_at)
     values (?, ?, ?, 'draft', 'local-only', 1, '{}', 0, 0)`,
  )
  const heads = Array.from({ length: drafts }, () => ({ id: randomUUID(), version: 1 }))
  for (const { id } of heads) insertDraft.run(id, accountId, randomUUID())
  const updateHead = database.prepare('update draft set content = ?, version = ?, updated_at = ? where id = ?')
  const insertRevision = database.prepare(
    `insert into revision (draft_id, version, content, saved_at, device, author, fields_changed)
     values (?, ?, ?, ?, ?, 'user', '["text"]')`,
  )
  const upsertTask = database.prepare(
    `insert into task (id, account_id, lane, kind, key, state, priority, superseded, run_at, created_at)
     values (?, ?, ?, 'draft_upload', ?, 'waiting', 10, 0, ?, ?)
     on conflict (account_id, kind, key) where state <> 'running'
     do update set run_at = excluded.run_at, superseded = superseded + 1`,
  )

  function saveOne(index: number, text: string): void {
    const head = heads[index]
    if (head === undefined) throw new RangeError(`there is no draft ${index}`)
    const now = Date.now()
    head.version += 1
    const content = JSON.stringify({ ...emptyContent, text })
    updateHead.run(content, head.version, now, head.id)
    insertRevision.run(head.id, head.version, content, now, device)
    upsertTask.run(randomUUID(), accountId, `${accountId}/mailbox`, head.id, now + 3_600_000, now)
  }
  const alone = database.transaction(saveOne)
  const together = database.transaction((texts: readonly string[]) => {
    for (const [index, text] of texts.entries()) saveOne(index, text)
  })

  return {
    name: commit === 'each' ? 'by hand, a commit each' : 'by hand, one commit for all',
    save(texts) {
      const started = performance.now()
      if (commit === 'together') {
        together.immediate(texts)
        const took = performance.now() - started
        return texts.map(() => took)
      }
      return texts.map((text, index) => {
        alone.immediate(index, text)
        return performance.now() - started
      })
    },
    close: () => void database.close(),
  }
}
