import { randomUUID } from 'node:crypto'

import type { AccountId, Umid } from '@everdraft/core'

import { openAsTheEngine } from './as-the-engine.ts'
import type { Contestant } from './save-contestants.ts'

export interface HandwrittenOptions {
  readonly accountId: AccountId
  readonly ids: readonly Umid[]
  readonly commit: 'each' | 'together'
  /** After each COMMIT, before the answer. */
  readonly afterCommit: () => void
}

interface Head {
  readonly id: Umid
  version: number
  text: string
  /** Of the line before, where there is one. */
  savedAt: number | null
}

/** As the engine does it: each sixteenth version takes those before it into the history, and writes the task; of every 32nd all is kept. */
const settleEvery = 16
const wholeEvery = 32

/**
 * The same rows into the same tables, with their indices, as the engine's save makes them: what changed in the draft's row,
 * at each sixteenth save the head, the history and the task, and the event. Statements are prepared once; the head is compared
 * and set by its version, and what differs is found by comparing with the last text, which is remembered here and not read.
 * Nothing is validated, and nothing is given back.
 */
export function handwrittenSaves(
  /** That an engine has made, with the drafts in it. */
  file: string,
  { accountId, ids, commit, afterCommit }: HandwrittenOptions,
): Contestant {
  const database = openAsTheEngine(file)
  const device = randomUUID()
  const lane = `${accountId}/mailbox`
  const laneSeq = database.prepare('select seq from lane where id = ?').pluck().get(lane)
  const heads = ids.map((id): Head => ({ id, version: 1, text: '', savedAt: null }))
  const draft = database.prepare('select content from draft_content where draft_id = ?').pluck()
  const content = JSON.parse(draft.get(ids[0]) as string) as object
  const addRecent = database.prepare(
    'update draft set version = ?, updated_at = ?, recent = recent || ? where id = ? and version = ?',
  )
  const clearRecent = database.prepare(
    `update draft set version = ?, updated_at = ?, recent = '' where id = ? and version = ?`,
  )
  const setContent = database.prepare('update draft_content set content = ? where draft_id = ?')
  const insertRun = database.prepare(
    `insert into revision (draft_id, version, encoding, content, bytes, saved_at, device, author, fields_changed)
     select id, ?, 'run', recent || ?, ?, ?, ?, 'user', '["text"]' from draft where id = ?`,
  )
  const upsertTask = database.prepare(
    `insert into task (id, account_id, lane, lane_seq, kind, key, state, priority, attempts, connect_failures, superseded,
       run_at, requested_at, created_at)
     values (?, ?, ?, ?, 'draft_upload', ?, 'waiting', 10, 0, 0, 0, ?, ?, ?)
     on conflict (key, kind, lane_seq) where state <> 'running'
     do update set run_at = excluded.run_at, superseded = superseded + ?`,
  )
  const insertEvent = database.prepare('insert into event (account_id, at, payload) values (?, ?, ?)')

  function saveOne(index: number, text: string): void {
    const head = heads[index]
    if (head === undefined) throw new RangeError(`there is no draft ${index}`)
    const now = Date.now()
    const version = head.version + 1
    const [start, removed, inserted] = difference(head.text, text)
    if (version % settleEvery === 0) {
      const whole = JSON.stringify({ ...content, text })
      const back = JSON.stringify({ set: {}, splice: { text: [start, inserted.length, removed] } })
      const { length } = JSON.stringify({ set: {}, splice: { text: [start, removed.length, inserted] } })
      const line = `[${version},${now},"${device}","user",["text"],${back},${length}]\n`
      insertRun.run(version, version % wholeEvery === 0 ? `${line}${whole}\n` : line, length, now, device, head.id)
      expectOne(clearRecent.run(version, now, head.id, head.version))
      setContent.run(whole, head.id)
    } else {
      const change = JSON.stringify({ text: [start, removed, inserted] })
      const line =
        head.savedAt === null
          ? `[${version},${now},"${device}","user",${change}]\n`
          : `[${now - head.savedAt},${change}]\n`
      expectOne(addRecent.run(version, now, line, head.id, head.version))
    }
    if (version % settleEvery === 0 || version === 2) {
      upsertTask.run(
        randomUUID(),
        accountId,
        lane,
        laneSeq,
        head.id,
        now + 3_600_000,
        now,
        now,
        Math.min(settleEvery, version - 2),
      )
    }
    const event = { type: 'draft-saved', accountId, draftId: head.id, version, fieldsChanged: ['text'] }
    insertEvent.run(accountId, now, JSON.stringify(event))
    head.version = version
    head.text = text
    head.savedAt = version % settleEvery === 0 ? null : now
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
        afterCommit()
        const took = performance.now() - started
        return texts.map(() => took)
      }
      return texts.map((text, index) => {
        alone.immediate(index, text)
        afterCommit()
        return performance.now() - started
      })
    },
    close: () => void database.close(),
  }
}

function expectOne({ changes }: { readonly changes: number }): void {
  if (changes !== 1) throw new Error('the draft is at another version')
}

function difference(before: string, after: string): readonly [start: number, removed: string, inserted: string] {
  const shorter = Math.min(before.length, after.length)
  let start = 0
  while (start < shorter && before[start] === after[start]) start += 1
  let tail = 0
  while (tail < shorter - start && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1
  return [start, before.slice(start, before.length - tail), after.slice(start, after.length - tail)]
}
