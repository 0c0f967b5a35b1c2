import { randomBytes, randomUUID } from 'node:crypto'

import type { AccountId, Umid } from '@everdraft/core'

import { openAsTheEngine } from './as-the-engine.ts'

export interface DraftToSend {
  readonly id: Umid
  readonly accountId: AccountId
}

/** As many mails share each commit as steps of mails do on the engine's side: about one in sixty of them is a commit. */
const group = 60

const oneRecipient = (status: string): string => JSON.stringify([{ address: 'bob@example.com', status, reason: null }])

/** As long at the first step as at the last, as the engine keeps it. */
const padded = (journal: string, others: number): string => journal.padEnd(1_000 - others)

const entry = (type: string, phase: string, at: number): string => JSON.stringify({ at, type, phase, reason: null })

/**
 * The rows of sent mails, into the engine's own tables with their indices and with what the file promises, and no mail: the
 * consent, the fixed bytes with the accepted recipients, the mark before the final dot, the answer. The same send, draft, task
 * and events are written, four times for each mail and in four commits for each group. Statements are prepared once; nothing is
 * read, checked or given back.
 * @returns mails per second
 */
export function handwrittenSends(
  /** That an engine has made, with the drafts in it. */
  file: string,
  drafts: readonly DraftToSend[],
  mailBytes: number,
): number {
  const database = openAsTheEngine(file)
  const setDraft = database.prepare('update draft set status = ? where id = ?')
  const addSend = database.prepare(
    `insert into send (id, account_id, draft_id, status, phase, due_at, state, facts, message_id, sender, subject,
       created_at, journal, changes) values (?, ?, ?, 'queued', 'checked', ?, ?, '{}', ?, 'u@example.org', 'Letter', ?, ?, 0)`,
  )
  const setSend = database.prepare(
    'update send set status = ?, phase = ?, state = ?, facts = ?, journal = ?, changes = changes + 1 where id = ?',
  )
  const addEvent = database.prepare('insert into event (account_id, at, payload) values (?, ?, ?)')
  const addTask = database.prepare(
    `insert into task (id, account_id, lane, lane_seq, kind, key, state, priority, attempts, connect_failures, superseded,
       run_at, requested_at, created_at) values (?, ?, ?, ?, ?, ?, 'waiting', 30, 0, 0, 0, ?, ?, ?)`,
  )
  const startTask = database.prepare(`update task set state = 'running' where id = ?`)
  const endTask = database.prepare('delete from task where id = ?')
  const logTask = database.prepare(
    `insert into task_log (task_id, account_id, kind, key, steps, ended_at) values (?, ?, 'outbox_send', ?, ?, ?)`,
  )
  const addBlob = database.prepare(
    `insert into blob (account_id, sha256, size, complete, place, created_at) values (?, ?, ?, 1, 'database', ?)`,
  )
  const addChunk = database.prepare('insert into blob_chunk (blob_id, seq, bytes) values (?, 0, ?)')
  const addRef = database.prepare('insert into blob_ref (holder, blob_id) values (?, ?)')

  const mails = drafts.map((draft) => ({ ...draft, send: randomUUID(), task: randomUUID(), journal: '' }))
  type Mail = (typeof mails)[number]

  function tell({ accountId, id, send }: Mail, phase: string): void {
    const payload = { type: 'send-status-changed', accountId, draftId: id, sendId: send, status: 'sending', phase }
    addEvent.run(accountId, Date.now(), JSON.stringify({ ...payload, error: null }))
  }

  function write(mail: Mail, status: string, phases: readonly string[], recipient: string, facts: object): void {
    const now = Date.now()
    const phase = phases.at(-1) ?? ''
    mail.journal = [mail.journal, ...phases.map((one) => entry(`to-${one}`, one, now))].join(',')
    const state = `{"phase":"${phase}","version":1,"recipients":${oneRecipient(recipient)},"dueAt":${now},"attempts":0}`
    const found = JSON.stringify(facts)
    setSend.run(status, phase, state, found, padded(mail.journal, state.length + found.length), mail.send)
    for (const one of phases) tell(mail, one)
  }

  const frozen = { sha256: 'f'.repeat(64), size: mailBytes, parts: [], eightBit: false, bccField: '', date: Date.now() }
  const steps: readonly ((mail: Mail) => void)[] = [
    (mail) => {
      const now = Date.now()
      mail.journal = `${entry('consented', 'queued', now)},${entry('released', 'checked', now)}`
      const state = `{"phase":"checked","version":1,"recipients":${oneRecipient('pending')},"dueAt":${now},"attempts":0}`
      const { send, accountId, id, task } = mail
      addSend.run(send, accountId, id, now, state, `<${send}@example.org>`, now, padded(mail.journal, state.length + 2))
      setDraft.run('queued', id)
      tell(mail, 'queued')
      tell(mail, 'checked')
      addTask.run(task, accountId, `${accountId}/submission`, 1, 'outbox_send', send, now, now, now)
    },
    (mail) => {
      startTask.run(mail.task)
      write(mail, 'sending', ['frozen', 'transmitting'], 'in-flight', { frozen, firstTriedAt: Date.now() })
      setDraft.run('sending', mail.id)
      const sha256 = randomBytes(32).toString('hex')
      const { lastInsertRowid } = addBlob.run(mail.accountId, sha256, mailBytes, Date.now())
      addChunk.run(lastInsertRowid, Buffer.alloc(mailBytes, 'x'))
      addRef.run(mail.send, lastInsertRowid)
    },
    (mail) =>
      write(mail, 'sending', ['dotting'], 'in-flight', { frozen, firstTriedAt: Date.now(), dottedAt: Date.now() }),
    (mail) => {
      const now = Date.now()
      write(mail, 'sent', ['accepted'], 'accepted', { frozen, firstTriedAt: now, dottedAt: now, queueId: 'SINK1' })
      setDraft.run('sent', mail.id)
      endTask.run(mail.task)
      logTask.run(mail.task, mail.accountId, mail.send, entry('done', 'done', now), now)
      const { accountId, send } = mail
      addTask.run(randomUUID(), accountId, `${accountId}/mailbox`, 2, 'outbox_file', send, now, now, now)
    },
  ]

  const started = performance.now()
  for (let first = 0; first < mails.length; first += group) {
    for (const step of steps) {
      database.exec('begin immediate')
      for (const mail of mails.slice(first, first + group)) step(mail)
      database.exec('commit')
    }
  }
  const seconds = (performance.now() - started) / 1000
  database.close()
  return mails.length / seconds
}
