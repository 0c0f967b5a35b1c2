import { openAsTheEngine } from './as-the-engine.ts'
import type { Contestant } from './save-contestants.ts'

/** A draft, a line of its history and a task: three rows in three tables of a save each, and no index beside their keys. */
const tables = `
  create table draft (id integer primary key, version integer not null, content text not null, updated_at integer not null)
    strict;
  create table history (seq integer primary key, draft_id integer not null, version integer not null, delta text not null)
    strict;
  create table task (draft_id integer primary key, run_at integer not null) strict;`

/**
 * The least that a save which can be undone and is uploaded later must write, in one transaction for all. What changed is
 * not looked for.
 */
export function bareSaves(file: string, drafts: number, afterCommit: () => void): Contestant {
  const database = openAsTheEngine(file)
  database.exec(tables)
  for (let id = 1; id <= drafts; id += 1) {
    database.prepare(`insert into draft values (?, 1, '', 0)`).run(id)
    database.prepare('insert into task values (?, 0)').run(id)
  }
  const setDraft = database.prepare('update draft set version = version + 1, content = ?, updated_at = ? where id = ?')
  const addHistory = database.prepare('insert into history (draft_id, version, delta) values (?, ?, ?)')
  const setTask = database.prepare('update task set run_at = ? where draft_id = ?')
  let version = 1
  const together = database.transaction((texts: readonly string[]) => {
    version += 1
    for (const [index, text] of texts.entries()) {
      const now = Date.now()
      setDraft.run(text, now, index + 1)
      addHistory.run(index + 1, version, JSON.stringify({ at: now, text: [0, 11, text.slice(0, 11)] }))
      setTask.run(now, index + 1)
    }
  })
  return {
    name: 'the barest rows',
    save(texts) {
      const started = performance.now()
      together.immediate(texts)
      afterCommit()
      const took = performance.now() - started
      return texts.map(() => took)
    },
    close: () => void database.close(),
  }
}
