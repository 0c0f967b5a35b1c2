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
}

/** As the engine does it: of every 32nd revision all is kept. */
const wholeEvery = 32

/**
 * The same rows into the same tables, with their indices, as the engine's save makes them: the head, what makes the
 * revision before it of it, the new revision, the task and the event. Statements are prepared once; the head is compared
 * and set by its version, and what differs is found by comparing with the last text, which is remembered here and not
 * read. Nothing is validated, and nothing is given back.
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
  const heads = ids.map((id): Head => ({ id, version: 1, text: '' }))
  const draft = database.prepare('select content from draft where id = ?').pluck()
  const content = JSON.parse(draft.get(ids[0]) as string) as object
  const updateHead = database.prepare(
    'update draft set version = ?, content = ?, updated_at = ? where id = ? and version = ?',
  )
  const updatePrevious = database.prepare(
    'update revision set encoding = ?, content = ? where draft_id = ? and version = ?',
  )
  const insertRevision = database.prepare(
    `insert into revision (draft_id, version, encoding, content, bytes, saved_at, device, author, fields_changed)
     values (?, ?, 'head', '', ?, ?, ?, 'user', '["text"]')`,
  )
  const upsertTask = database.prepare(
    `insert into task (id, account_id, lane, lane_seq, kind, key, state, priority, attempts, connect_failures, superseded,
       run_at, requested_at, created_at)
     values (?, ?, ?, ?, 'draft_upload', ?, 'waiting', 10, 0, 0, 0, ?, ?, ?)
     on conflict (key, kind, lane_seq) where state <> 'running'
     do update set run_at = excluded.run_at, superseded = superseded + 1`,
  )
  const insertEvent = database.prepare('insert into event (account_id, at, payload) values (?, ?, ?)')

  function saveOne(index: number, text: string): void {
    const head = heads[index]
    if (head === undefined) throw new RangeError(`there is no draft ${index}`)
    const now = Date.now()
    const version = head.version + 1
    const [start, removed, inserted] = difference(head.text, text)
    const previous =
      head.version % wholeEvery === 0
        ? (['full', JSON.stringify({ ...content, text: head.text })] as const)
        : (['reverse', spliceOf(start, inserted.length, removed)] as const)
    const { changes } = updateHead.run(version, JSON.stringify({ ...content, text }), now, head.id, head.version)
    if (changes !== 1) throw new Error('the draft is at another version')
    updatePrevious.run(...previous, head.id, head.version)
    insertRevision.run(head.id, version, spliceOf(start, removed.length, inserted).length, now, device)
    upsertTask.run(randomUUID(), accountId, lane, laneSeq, head.id, now + 3_600_000, now, now)
    const event = { type: 'draft-saved', accountId, draftId: head.id, version, fieldsChanged: ['text'] }
    insertEvent.run(accountId, now, JSON.stringify(event))
    head.version = version
    head.text = text
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

function spliceOf(start: number, removed: number, inserted: string): string {
  return JSON.stringify({ set: {}, splice: { text: [start, removed, inserted] } })
}

function difference(before: string, after: string): readonly [start: number, removed: string, inserted: string] {
  const shorter = Math.min(before.length, after.length)
  let start = 0
  while (start < shorter && before[start] === after[start]) start += 1
  let tail = 0
  while (tail < shorter - start && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1
  return [start, before.slice(start, before.length - tail), after.slice(start, after.length - tail)]
}
